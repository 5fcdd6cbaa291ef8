/** What the rows do again and again. */
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { issueAuthority } from '../support/certificates.ts';
import {
  type EnvoyLaunch,
  type EnvoyUnderTest,
  eventually,
  type LaunchOptions,
} from '../support/envoy-under-test.ts';
import { listening } from './bootstraps.ts';

/** A parent that leaves soon, and one that stays for the whole row. */
export const SOON = ['--parent-shutdown-time-s', '2', '--drain-time-s', '1'];
export const LATER = ['--parent-shutdown-time-s', '600', '--drain-time-s', '600'];
export const SUCCESS = { code: 0, signal: null };
export const REFUSAL = { code: 1, signal: null };
export const ABORT = { code: null, signal: 'SIGABRT' };

export async function launchLive(
  envoy: EnvoyUnderTest,
  epoch: number,
  options: LaunchOptions = {},
): Promise<EnvoyLaunch> {
  const launch = envoy.launch(epoch, options);
  await launch.untilReadySays('LIVE');
  return launch;
}

export function launchListening(
  envoy: EnvoyUnderTest,
  epoch: number,
  port = 0,
  args: readonly string[] = LATER,
): Promise<EnvoyLaunch> {
  return launchLive(envoy, epoch, { bootstrap: listening({ epoch, port }), args });
}

/** From epoch 0 to epoch 1 on one port; the arguments are the child's, as its parent's end is. */
export async function handOver(envoy: EnvoyUnderTest, args: readonly string[]) {
  const parent = await launchListening(envoy, 0);
  const port = await portOf(parent);
  const child = await launchListening(envoy, 1, port, args);
  return { parent, child, port };
}

export async function isStillInitializing(envoy: EnvoyUnderTest, epoch: number): Promise<void> {
  const refused = envoy.launch(epoch);
  expect(await refused.ended).toEqual(REFUSAL);
  await lastLineIs(refused, 'previous envoy process is still initializing');
  expect(flagsOf(envoy)).toBe(1n);
}

export function lastLineIs(launch: EnvoyLaunch, line: string): Promise<void> {
  return eventually(() => expect(launch.stderr().trimEnd().split('\n').at(-1)).toBe(line));
}

export function flagsOf(envoy: EnvoyUnderTest): bigint {
  const memory = envoy.readMemory();
  return memory.readBigUInt64LE(memory.length - 8);
}

export function healMemory(envoy: EnvoyUnderTest): void {
  const memory = envoy.readMemory();
  memory.writeBigUInt64LE(0n, memory.length - 8);
  envoy.writeMemory(memory);
}

export async function epochOf(launch: EnvoyLaunch): Promise<number> {
  const info = JSON.parse((await launch.ask('/server_info')).body);
  return info.command_line_options.restart_epoch;
}

/** Of the one listener. */
export async function portOf(launch: EnvoyLaunch): Promise<number> {
  const { listener_statuses } = JSON.parse((await launch.ask('/listeners?format=json')).body);
  return listener_statuses[0].local_address.socket_address.port_value;
}

export async function statsOf(launch: EnvoyLaunch): Promise<Record<string, number>> {
  const { stats } = JSON.parse((await launch.ask('/stats?format=json')).body);
  const counted = stats.filter((stat: { name?: string }) => stat.name !== undefined);
  return Object.fromEntries(
    counted.map(({ name, value }: { name: string; value: number }) => [name, value]),
  );
}

/** The body of a response on a connection of its own. */
export async function answerOf(port: number): Promise<string> {
  return (await requestOn(port)).body;
}

/** Keep-alive is asked for, so `close` is the server's doing. */
export async function connectionHeaderOf(port: number): Promise<string | undefined> {
  return (await requestOn(port)).connection;
}

/** Why it failed, or what it answered after all. */
export function failureOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    (answer) => `answered: ${JSON.stringify(answer)}`,
    (error: Error) => error.message,
  );
}

/** Opens a connection and returns what closes it. */
export function holdConnection(port: number): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => resolve(() => socket.destroy()));
    socket.on('error', reject);
  });
}

/** A port that somebody else listens on, until released. */
export function takePort(): Promise<{ port: number; release: () => void }> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const { port } = server.address() as AddressInfo;
      resolve({ port, release: () => server.close() });
    });
  });
}

export function writeBootstrap(envoy: EnvoyUnderTest, bootstrap: object): string {
  const path = join(envoy.folder, 'bootstrap.json');
  writeFileSync(path, JSON.stringify(bootstrap));
  return path;
}

export async function writePair(envoy: EnvoyUnderTest, name = 'pair') {
  const leaf = await (await issueAuthority()).issueLeaf({ commonName: 'contract' });
  const chainPath = join(envoy.folder, `${name}-chain.pem`);
  const keyPath = join(envoy.folder, `${name}-key.pem`);
  writeFileSync(chainPath, leaf.certificatePem);
  writeFileSync(keyPath, leaf.keyPem);
  return { chainPath, keyPath, serialNumber: leaf.serialNumber };
}

function requestOn(port: number): Promise<{ body: string; connection: string | undefined }> {
  return new Promise((resolve, reject) => {
    const headers = { connection: 'keep-alive' };
    const asked = request({ host: '127.0.0.1', port, agent: false, headers }, (response) => {
      const { connection } = response.headers;
      text(response)
        .then((body) => resolve({ body, connection }))
        .catch(reject)
        .finally(() => asked.destroy());
    });
    asked.on('error', reject);
    asked.end();
  });
}
