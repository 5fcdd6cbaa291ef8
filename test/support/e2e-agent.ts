/** One `baton run` as a user starts it: the built program, its environment, signals and log. */
import { type ChildProcess, spawn } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { vi } from 'vitest';
import type { Status } from '../../src/core/status.ts';

const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;
const PATIENCE = { timeout: 30_000, interval: 20 };

/** One line of the log. */
export type LogRecord = Readonly<Record<string, unknown>> & { readonly msg: string };

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface CommandEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both. */
  readonly output: string;
}

export interface AgentSpec {
  /** Its whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly runDirectory: string;
  /** A file and arguments in place of Node and the program. @default none */
  readonly command?: readonly [string, ...string[]];
}

export interface RunningAgent {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout(): string;
  stderr(): string;
  /** Every log record so far, or those with these members. */
  records(wanted?: Readonly<Record<string, unknown>>): readonly LogRecord[];
  /** The first record with these members, or the `nth`. */
  untilRecord(wanted: Readonly<Record<string, unknown>>, nth?: number): Promise<LogRecord>;
  /** What `check` returns once it neither throws nor returns false. */
  until<Value>(what: string, check: () => Value | Promise<Value>): Promise<Value>;
  untilReady(): Promise<void>;
  /** One Envoy is left, of this epoch. */
  untilServesAlone(epoch: number): Promise<Status>;
  /** Once it is there, so are all records that were written before it. */
  status(): Promise<Status>;
  /** One that has ended is not told. */
  signal(signal: NodeJS.Signals): void;
  /** Runs `baton ...` in the same environment to its end. */
  baton(...args: readonly string[]): Promise<CommandEnd>;
}

export function startBaton(spec: AgentSpec): RunningAgent {
  const [file, ...args] = spec.command ?? [process.execPath, PROGRAM, 'run'];
  const child = spawn(file, args, { env: spec.environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid } = child;
  if (pid === undefined) throw new Error(`Cannot start ${file}.`);
  const log = followLog(child);
  const errors = collect(child);
  // Not before its last lines are read: what is waited for may be among them.
  let hasEnded = false;
  child.on('close', () => {
    hasEnded = true;
  });
  const status = async () => {
    const answer = await askStatus(spec.runDirectory);
    await whatHasComeIsRead();
    return answer;
  };

  const until: RunningAgent['until'] = async (what, check) => {
    const lastLook = { error: undefined as unknown };
    const look = async () => {
      const wasOver = hasEnded;
      try {
        const value = await check();
        if (value !== false) return { value };
      } catch (error) {
        lastLook.error = error;
      }
      return wasOver ? 'over' : undefined;
    };
    const seen = await vi.waitUntil(look, PATIENCE).catch(() => 'late' as const);
    if (typeof seen === 'object') return seen.value;
    const lines = [...log.lines().slice(-30), errors()].join('\n');
    throw new Error(`Cannot wait for ${what}: it is ${seen}.\n${lines}`, {
      cause: lastLook.error,
    });
  };

  const records: RunningAgent['records'] = (wanted = {}) =>
    log.records().filter((record) => isLike(record, wanted));

  return {
    pid,
    child,
    ended: new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal }))),
    stdout: log.text,
    stderr: errors,
    records,
    untilRecord: (wanted, nth = 1) =>
      until(`record ${nth} like ${JSON.stringify(wanted)}`, () => {
        const record = records(wanted)[nth - 1];
        if (record === undefined) throw new Error('not logged');
        return record;
      }),
    until,
    untilReady: () => until('readiness', async () => (await status()).ready) as Promise<never>,
    untilServesAlone: (epoch) =>
      until(`epoch ${epoch} alone`, async () => {
        const now = await status();
        const [launch, ...others] = now.launches;
        const isAlone = launch?.epoch === epoch && launch.stage === 'live' && others.length === 0;
        if (!isAlone || now.handover !== undefined) throw new Error(JSON.stringify(now));
        return now;
      }),
    status,
    signal: (signal) => void child.kill(signal),
    baton: (...words) => runToEnd([PROGRAM, ...words], spec.environment),
  };
}

/** Runs Node with these arguments to the end, both outputs as one text. */
export async function runToEnd(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<CommandEnd> {
  const child = spawn(process.execPath, args, {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [code, stdout, stderr] = await Promise.all([
    new Promise<number | null>((resolve) => child.on('exit', resolve)),
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code, stdout, stderr, output: stdout + stderr };
}

/**
 * The log comes by a pipe and an answer by a socket, which are read in any order, but in the same
 * turn of the event loop where both have come.
 */
function whatHasComeIsRead(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isLike(record: LogRecord, wanted: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(wanted).every(([name, value]) => isDeepStrictEqual(record[name], value));
}

function followLog({ stdout }: ChildProcess) {
  let whole = '';
  let parsedLength = 0;
  const records: LogRecord[] = [];
  stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    whole += chunk;
  });
  return {
    text: () => whole,
    lines: () => whole.split('\n'),
    records() {
      const end = whole.lastIndexOf('\n') + 1;
      const fresh = whole.slice(parsedLength, end).split('\n').slice(0, -1);
      parsedLength = end;
      for (const line of fresh) records.push(JSON.parse(line) as LogRecord);
      return records;
    },
  };
}

function collect({ stderr }: ChildProcess): () => string {
  let whole = '';
  stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    whole += chunk;
  });
  return () => whole;
}

function askStatus(runDirectory: string): Promise<Status> {
  return new Promise((resolve, reject) => {
    const socketPath = join(runDirectory, 'control.sock');
    const asked = request({ socketPath, path: '/status', agent: false }, (answer) => {
      text(answer).then((body) => resolve(JSON.parse(body) as Status), reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}
