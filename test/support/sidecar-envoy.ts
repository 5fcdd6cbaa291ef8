/** A real Envoy that runs the built-in template between an application and its clients. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { vi } from 'vitest';
import { MAX_BASE_ID, sharedMemoryNameOf } from '../../src/core/hot-restart-names.ts';
import { type Authority, issueAuthority, type Leaf } from './certificates.ts';
import { type EnvoyVersion, envoyBinary } from './envoy-binary.ts';
import { freePorts } from './free-ports.ts';
import { renderedSidecar } from './rendered-sidecar.ts';

export interface Ports {
  readonly inbound: number;
  readonly outbound: number;
  readonly ready: number;
  readonly prometheus: number;
  readonly application: number;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** By TLS, with the client's certificate unless told otherwise. @default 'none' */
  readonly tls?: 'none' | 'withCertificate' | 'withoutCertificate';
}

export interface SidecarEnvoy {
  readonly ports: Ports;
  /** What it has printed up to now. */
  stdout(): string;
  stderr(): string;
  /** Rejects when there is no answer. */
  ask(port: number, path: string, options?: AskOptions): Promise<Answer>;
  askAdmin(method: 'GET' | 'POST', path: string): Promise<Answer>;
  /** Ends it and removes every trace. */
  remove(): Promise<void>;
}

/** Started and LIVE, with the settings given on top of free ports. */
export async function startSidecarEnvoy(
  env: Readonly<Record<string, string>> = {},
  version?: EnvoyVersion,
): Promise<SidecarEnvoy> {
  const folder = await mkdtemp(join(tmpdir(), 'sidecar-envoy-'));
  const authority = await issueAuthority();
  const leaf = await authority.issueLeaf({ commonName: 'web' });
  await writeCertificates(folder, authority, leaf);
  const application = await startApplication();
  const ports = { ...(await choosePorts()), application: portOf(application) };
  const adminSocket = join(folder, 'admin.sock');
  const bootstrap = await renderedSidecar(
    { ...portSettings(ports), ...env },
    { certificateFolder: folder, adminSocket },
  );
  const bootstrapPath = join(folder, 'envoy.json');
  await writeFile(bootstrapPath, bootstrap.json);
  const baseId = randomInt(10_000, MAX_BASE_ID);
  const process = startEnvoy(envoyBinary(version), { bootstrapPath, adminSocket, baseId });

  const envoy: SidecarEnvoy = {
    ports,
    stdout: process.stdout,
    stderr: process.stderr,
    askAdmin: (method, path) => answerTo(request({ socketPath: adminSocket, method, path })),
    ask: (port, path, options = {}) => answerTo(open(port, path, { options, authority, leaf })),
    async remove() {
      await process.end();
      application.closeAllConnections();
      application.close();
      await rm(folder, { recursive: true });
      await rm(join('/dev/shm', sharedMemoryNameOf(baseId)), { force: true });
    },
  };
  await untilLive(envoy, process.stderr);
  return envoy;
}

async function untilLive(envoy: SidecarEnvoy, stderr: () => string): Promise<void> {
  const isLive = async () => {
    const { body } = await envoy.askAdmin('GET', '/ready');
    if (body !== 'LIVE\n') throw new Error(`/ready says ${body}`);
  };
  try {
    await vi.waitFor(isLive, { timeout: 30_000, interval: 20 });
  } catch (error) {
    await envoy.remove();
    throw new Error(`Envoy is not LIVE: ${stderr()}`, { cause: error });
  }
}

async function writeCertificates(folder: string, authority: Authority, leaf: Leaf): Promise<void> {
  await writeFile(join(folder, 'ca.crt'), authority.certificatePem);
  await writeFile(join(folder, 'tls.crt'), leaf.certificatePem);
  await writeFile(join(folder, 'tls.key'), leaf.keyPem, { mode: 0o600 });
}

/** Says which client Envoy vouches for. */
async function startApplication(): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    outgoing.end(
      `application ${incoming.url} ${incoming.headers['x-forwarded-client-cert'] ?? ''}`,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function choosePorts(): Promise<Omit<Ports, 'application'>> {
  const [inbound = 0, outbound = 0, ready = 0, prometheus = 0] = await freePorts(4);
  return { inbound, outbound, ready, prometheus };
}

function portOf(server: { address(): unknown }): number {
  return (server.address() as AddressInfo).port;
}

function portSettings(ports: Ports): Readonly<Record<string, string>> {
  return {
    BATON_TEMPLATE_INBOUND_PORT: String(ports.inbound),
    BATON_TEMPLATE_OUTBOUND_PORT: String(ports.outbound),
    BATON_TEMPLATE_READY_PORT: String(ports.ready),
    BATON_TEMPLATE_PROMETHEUS_PORT: String(ports.prometheus),
    BATON_TEMPLATE_APP_PORT: String(ports.application),
  };
}

interface Place {
  readonly bootstrapPath: string;
  readonly adminSocket: string;
  readonly baseId: number;
}

function startEnvoy(binary: string, { bootstrapPath, adminSocket, baseId }: Place) {
  const admin = { admin: { address: { pipe: { path: adminSocket, mode: 0o600 } } } };
  const child = spawn(
    binary,
    [
      ...['--config-path', bootstrapPath, '--config-yaml', JSON.stringify(admin)],
      ...['--base-id', String(baseId), '--concurrency', '1', '--log-level', 'warning'],
      ...['--file-flush-interval-msec', '100'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = once(child, 'exit');
  return {
    stdout: collected(child.stdout),
    stderr: collected(child.stderr),
    end: async () => {
      endChild(child);
      await ended;
    },
  };
}

function collected(stream: NodeJS.ReadableStream): () => string {
  let printed = '';
  stream.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  return () => printed;
}

function endChild(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
}

interface Question {
  readonly options: AskOptions;
  readonly authority: Authority;
  readonly leaf: Leaf;
}

function open(port: number, path: string, { options, authority, leaf }: Question) {
  const { method = 'GET', headers = {}, tls = 'none' } = options;
  const target = { host: '127.0.0.1', port, path, method, headers, agent: false as const };
  if (tls === 'none') return request(target);
  const ca = authority.certificatePem;
  const own = tls === 'withCertificate' ? { cert: leaf.certificatePem, key: leaf.keyPem } : {};
  return tlsRequest({ ...target, ca, servername: 'localhost', ...own });
}

function answerTo(asked: ReturnType<typeof request>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    asked.setTimeout(10_000, () => asked.destroy(new Error('no answer')));
    asked.on('error', reject);
    asked.on('response', (response) => {
      const { statusCode: status = 0, headers } = response;
      text(response).then((body) => resolve({ status, body, headers }), reject);
    });
    asked.end();
  });
}
