/** One lineage of real or fake Envoys in a temporary folder, and what a test asks of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { vi } from 'vitest';
import { MAX_BASE_ID, sharedMemoryNameOf } from '../../src/core/hot-restart-names.ts';
import { envoyBinary } from './envoy-binary.ts';
import { createFakeEnvoy } from './fake-envoy.ts';

const ANSWER_TIMEOUT_MS = 2_000;
const PATIENCE = { timeout: 40_000, interval: 20 };
/** The fake's seconds are this much shorter; ten of them are still longer than two of ours. */
const FAKE_TIME_SCALE = 0.4;

export type EnvoyKind = 'fake' | 'real';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface LaunchOptions {
  /** @default an empty one */
  readonly bootstrap?: object;
  /** On top of those that every launch gets. */
  readonly args?: readonly string[];
  /** @default the lineage's own */
  readonly baseId?: number;
  /** Has it started by a shell that stays: `pid` and `ended` are then the shell's. */
  readonly underShell?: boolean;
}

/** One process. */
export interface EnvoyLaunch {
  readonly pid: number;
  readonly adminPath: string;
  readonly ended: Promise<Ended>;
  hasEnded(): boolean;
  /** What it has printed on stderr up to now. */
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
  /** On a connection of its own. Rejects when it is refused, or not answered within 2 s. */
  ask(path: string, method?: 'GET' | 'POST'): Promise<Answer>;
  /** On a connection opened by the first request and used for all; `close` it in the end. */
  keepConnection(): KeptConnection;
  /** Settles once /ready says so. */
  untilReadySays(state: string): Promise<void>;
}

export interface KeptConnection {
  ask(path: string, method?: 'GET' | 'POST'): Promise<Answer>;
  close(): void;
}

export interface EnvoyUnderTest {
  readonly baseId: number;
  readonly folder: string;
  launch(epoch: number, options?: LaunchOptions): EnvoyLaunch;
  /** Runs it with exactly these arguments to its end. */
  run(args: readonly string[]): Promise<Ended & { stdout: string; stderr: string }>;
  /** The shared memory of the base id. It is written over, never cut: others have it mapped. */
  readMemory(): Buffer;
  writeMemory(bytes: Buffer): void;
  /** Kills what is left and removes every trace. */
  remove(): Promise<void>;
}

/** A lineage of one of the two; `remove` it in the end. */
export function createEnvoyUnderTest(kind: EnvoyKind): EnvoyUnderTest {
  if (kind === 'real') return createLineage(envoyBinary());
  const fake = createFakeEnvoy({ timeScale: FAKE_TIME_SCALE });
  const lineage = createLineage(fake.binary);
  return {
    ...lineage,
    async remove() {
      await lineage.remove();
      fake.remove();
    },
  };
}

/** A lineage of this binary under a base id of its own; `remove` it in the end. */
export function createLineage(binary: string): EnvoyUnderTest {
  const folder = mkdtempSync(join(tmpdir(), 'envoy-under-test-'));
  const baseId = randomInt(10_000, MAX_BASE_ID);
  const memoryPath = memoryPathOf(baseId);
  const usedIds = new Set([baseId]);
  const launches: EnvoyLaunch[] = [];
  return {
    baseId,
    folder,
    launch(epoch, options = {}) {
      const place = join(folder, `${launches.length}`);
      const ownId = options.baseId ?? baseId;
      const launch = startLaunch({ binary, baseId: ownId, epoch, place, options });
      usedIds.add(ownId);
      launches.push(launch);
      return launch;
    },
    run: (args) => runToEnd(binary, args),
    readMemory: () => readFileSync(memoryPath),
    writeMemory: (bytes) => writeFileSync(memoryPath, bytes, { flag: 'r+' }),
    async remove() {
      for (const launch of launches.toReversed()) launch.kill('SIGKILL');
      await Promise.all(launches.map(({ ended }) => ended));
      for (const id of usedIds) rmSync(memoryPathOf(id), { force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function memoryPathOf(baseId: number): string {
  return join('/dev/shm', sharedMemoryNameOf(baseId));
}

/** Waits with the patience that a loaded machine needs. */
export function eventually<Value>(check: () => Value | Promise<Value>): Promise<Value> {
  return vi.waitFor(check, PATIENCE);
}

interface LaunchPlan {
  readonly binary: string;
  readonly baseId: number;
  readonly epoch: number;
  /** The start of its files' paths. */
  readonly place: string;
  readonly options: LaunchOptions;
}

function startLaunch({ binary, baseId, epoch, place, options }: LaunchPlan): EnvoyLaunch {
  const adminPath = `${place}.sock`;
  const bootstrapPath = `${place}.json`;
  writeFileSync(bootstrapPath, JSON.stringify(options.bootstrap ?? {}));
  const admin = { admin: { address: { pipe: { path: adminPath, mode: 0o600 } } } };
  const args = [
    ...['--config-path', bootstrapPath, '--config-yaml', JSON.stringify(admin)],
    ...['--base-id', `${baseId}`, '--restart-epoch', `${epoch}`, '--concurrency', '1'],
    ...['--log-level', 'warning', ...(options.args ?? [])],
  ];
  const child = options.underShell
    ? start('/bin/sh', ['-c', '"$@" & wait', 'sh', binary, ...args])
    : start(binary, args);
  const ask = (path: string, method: 'GET' | 'POST' = 'GET') =>
    askOnce({ adminPath, path, method, agent: false });
  return {
    ...child,
    adminPath,
    ask,
    keepConnection: () => keepConnection(adminPath),
    untilReadySays: (state) =>
      eventually(async () => {
        const { body } = await ask('/ready');
        if (body !== `${state}\n`) throw new Error(`Expected ${state}, /ready says ${body}.`);
      }),
  };
}

function start(file: string, args: readonly string[]) {
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let printed = '';
  child.stderr.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  return {
    pid: child.pid ?? 0,
    ended: endOf(child),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    stderr: () => printed,
    kill: (signal: NodeJS.Signals) => {
      child.kill(signal);
    },
  };
}

async function runToEnd(binary: string, args: readonly string[]) {
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [ended, stdout, stderr] = await Promise.all([
    endOf(child),
    text(child.stdout),
    text(child.stderr),
  ]);
  return { ...ended, stdout, stderr };
}

function endOf(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    // After the last of what it has printed.
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
}

function keepConnection(adminPath: string): KeptConnection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    ask: (path, method = 'GET') => askOnce({ adminPath, path, method, agent }),
    close: () => agent.destroy(),
  };
}

interface Question {
  readonly adminPath: string;
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly agent: Agent | false;
}

function askOnce({ adminPath, path, method, agent }: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: adminPath, path, method, agent }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    asked.setTimeout(ANSWER_TIMEOUT_MS, () => asked.destroy(new Error('no answer')));
    asked.on('error', reject);
    asked.end();
  });
}
