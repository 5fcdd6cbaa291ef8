import { fstatSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../core/agent-error.ts';
import { outcomeText } from '../core/attempts.ts';
import { createLineReader } from '../core/envoy-line.ts';
import type { Outcome } from '../core/model.ts';
import type { Cancel, Clock, EnvoyQueries, Result } from '../ports.ts';
import { type Child, startChild } from './envoy-process/child.ts';
import { preferAsVictim } from './envoy-process/oom-preference.ts';

const TIMEOUT_MS = 30_000;
/** A refused bootstrap is quoted whole, on one line with the reason. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** The file it prints to may lie in memory that counts against the container's limit. */
const MOST_PRINTED_MIB = 16;
const LOOK_EVERY_MS = 50;
const REASON_LENGTH = 500;
/** What keeps any program from being started, and passes by itself. */
const PASSING: ReadonlySet<string> = new Set([
  'EAGAIN',
  'EDQUOT',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ENOSPC',
  'EROFS',
  'ETXTBSY',
]);

type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvoyQueryOptions {
  readonly clock: Clock;
  /** Merged over the agent's own: an undefined member takes a name away. @default nothing */
  readonly environment?: Environment;
  /** Where answers lie while they are read: a read-only root has none. @default the temp folder */
  readonly folder?: string;
  /**
   * Running time: up to twice as long where the agent itself hardly gets to run. @default 30 s
   */
  readonly timeoutMs?: number;
}

/** Runs Envoy for an answer and not for traffic, bounded in time and in what it may print. */
export function createEnvoyQueries(options: EnvoyQueryOptions): EnvoyQueries {
  const asking = { environment: {}, folder: tmpdir(), timeoutMs: TIMEOUT_MS, ...options };
  const ask = (binary: string, args: readonly string[]) =>
    runFor([binary, ...args], asking).catch((error: unknown) => unasked(error, asking.folder));
  return {
    validate: async (binary, args) => {
      const answer = await ask(binary, [...args, '--mode', 'validate']);
      if (answer.succeeded) return { ok: true, value: undefined };
      return cannot('validate the bootstrap', binary, answer);
    },
    hotRestartVersion: async (binary) =>
      lastLine(
        'read the hot restart version',
        binary,
        await ask(binary, ['--hot-restart-version']),
      ),
    version: async (binary) => {
      const answered = lastLine('read the version', binary, await ask(binary, ['--version']));
      if (!answered.ok) return answered;
      return { ok: true, value: answered.value.replace(/^.*version:\s*/, '') };
    },
  };
}

type Asking = Required<EnvoyQueryOptions>;

interface Answer {
  readonly succeeded: boolean;
  readonly lines: readonly string[];
  /** How it ended, where it printed nothing. */
  readonly ending: string;
  /** Its end says nothing about what it was asked: it was never started, or never came to an end. */
  readonly isTransient: boolean;
}

/**
 * Its output goes to a file: what Node calls a pipe is a socket, on which `/dev/stdout` can't be
 * opened, and a bootstrap with such an access log would be refused for it (measured on Envoy 1.40).
 */
async function runFor(
  [binary, ...args]: readonly [string, ...(readonly string[])],
  { environment, folder, ...bounds }: Asking,
): Promise<Answer> {
  const scratch = await mkdtemp(join(folder, '.query-'));
  const file = await open(join(scratch, 'answer'), 'wx+', 0o600);
  try {
    const child = await startChild(binary, args, { output: [file.fd, file.fd], environment });
    if (child.process?.pid !== undefined) preferAsVictim(child.process.pid, true);
    const kept = keepWithin(bounds, child, file);
    const outcome = await child.outcome.finally(kept.cancel);
    if (kept.isPastPrinting()) return ENDLESS;
    const succeeded = outcome.kind === 'exited' && outcome.code === 0;
    const isStarted = outcome.kind !== 'notStarted';
    const ending = isStarted ? `it ${outcomeText(outcome)}` : outcome.message;
    const isTransient = isPassing(outcome);
    return { succeeded, lines: await lastLinesOf(file), ending, isTransient };
  } finally {
    await file.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** It says something about what was asked, unlike time that runs out: asked again it does the same. */
const ENDLESS: Answer = {
  succeeded: false,
  lines: [],
  ending: `it printed more than ${MOST_PRINTED_MIB} MiB without coming to an end, and was killed`,
  isTransient: false,
};

interface Keeping {
  /** Whether it was killed for what it printed. */
  isPastPrinting(): boolean;
  readonly cancel: Cancel;
}

/** Kills a child that takes too long, or prints too much. */
function keepWithin(
  { timeoutMs, clock }: Pick<Asking, 'timeoutMs' | 'clock'>,
  { process }: Child,
  file: FileHandle,
): Keeping {
  const cancelTime = clock.afterRunning(timeoutMs, () => process?.kill('SIGKILL'));
  let isPast = false;
  let cancelLook: Cancel = () => {};
  const lookLater = () => {
    cancelLook = clock.after(LOOK_EVERY_MS, () => {
      isPast = fstatSync(file.fd).size > MOST_PRINTED_MIB * 1024 * 1024;
      if (isPast) process?.kill('SIGKILL');
      else lookLater();
    });
  };
  lookLater();
  const cancel = () => {
    cancelTime();
    cancelLook();
  };
  return { cancel, isPastPrinting: () => isPast };
}

/** Out of time and out of memory look alike: a SIGKILL that is not its own doing. */
function isPassing(outcome: Outcome): boolean {
  if (outcome.kind === 'notStarted') return PASSING.has(outcome.errno);
  return outcome.kind === 'killed' && outcome.signal === 'SIGKILL';
}

/** The end of what it printed, where Envoy says why; a line whose beginning is cut off is none. */
async function lastLinesOf(file: FileHandle): Promise<readonly string[]> {
  const { size } = await file.stat();
  const length = Math.min(size, MAX_ANSWER_BYTES);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), { position: size - length });
  const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
  return lines.slice(size > length ? 1 : 0).filter((line) => line.trim() !== '');
}

/** There is no place for its answer: the folder can't be written, for one. */
function unasked(error: unknown, folder: string): Answer {
  const why = error instanceof Error && 'code' in error ? String(error.code) : messageOf(error);
  const ending = `its answer can't be kept in ${folder} (${why})`;
  return { succeeded: false, lines: [], ending, isTransient: true };
}

function lastLine(what: string, binary: string, answer: Answer): Result<string> {
  const line = answer.lines.at(-1);
  if (answer.succeeded && line !== undefined) return { ok: true, value: line };
  return cannot(what, binary, answer);
}

function cannot(what: string, binary: string, answer: Answer): Result<never> {
  const { lines, ending, isTransient } = answer;
  // Protobuf puts blanks at random into its errors, lest anyone should read them by program.
  const reason = (reasonIn(lines) ?? ending).replaceAll(/\s+/g, ' ').slice(0, REASON_LENGTH);
  const message = `Cannot ${what} with ${binary}: ${reason}`;
  const problem = { about: 'BATON_ENVOY_BINARY', message };
  return { ok: false, problems: [isTransient ? { ...problem, isTransient } : problem] };
}

/** The first fatal record, else the last line. */
function reasonIn(lines: readonly string[]): string | undefined {
  const read = lines.map(createLineReader('stderr')).filter((line) => line !== undefined);
  return (read.find(({ level }) => level === 'fatal') ?? read.at(-1))?.message;
}
