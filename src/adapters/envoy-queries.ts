import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outcomeText } from '../core/attempts.ts';
import { createLineReader } from '../core/envoy-line.ts';
import type { EnvoyQueries, Result } from '../ports.ts';
import { startChild } from './envoy-process/child.ts';

const TIMEOUT_MS = 30_000;
/** A refused bootstrap is quoted whole, on one line with the reason. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const REASON_LENGTH = 500;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Runs Envoy for an answer and not for traffic, at most 30 s long. The environment is merged over
 * the agent's own, an undefined member takes a name away; answers lie in `folder` while they are
 * read, for on a read-only root there is no temp folder.
 */
export function createEnvoyQueries(
  environment: Environment,
  folder = tmpdir(),
  timeoutMs = TIMEOUT_MS,
): EnvoyQueries {
  const ask = (binary: string, args: readonly string[]) =>
    runFor([binary, ...args], { environment, folder, timeoutMs }).catch(unasked);
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

interface Asking {
  readonly environment: Environment;
  readonly folder: string;
  readonly timeoutMs: number;
}

interface Answer {
  readonly succeeded: boolean;
  readonly lines: readonly string[];
  /** How it ended, where it printed nothing. */
  readonly ending: string;
}

/**
 * Its output goes to a file: what Node calls a pipe is a socket, on which `/dev/stdout` can't be
 * opened, and a bootstrap with such an access log would be refused for it (measured on Envoy 1.40).
 */
async function runFor(
  [binary, ...args]: readonly [string, ...(readonly string[])],
  { environment, folder, timeoutMs }: Asking,
): Promise<Answer> {
  const scratch = await mkdtemp(join(folder, '.query-'));
  const file = await open(join(scratch, 'answer'), 'wx+', 0o600);
  try {
    const child = await startChild(binary, args, { output: [file.fd, file.fd], environment });
    // Node's own `timeout` keeps the process alive when there was nothing to start (Node 20).
    const late = AbortSignal.timeout(timeoutMs);
    late.addEventListener('abort', () => child.process?.kill('SIGKILL'));
    const outcome = await child.outcome;
    const succeeded = outcome.kind === 'exited' && outcome.code === 0;
    return { succeeded, lines: await lastLinesOf(file), ending: `it ${outcomeText(outcome)}` };
  } finally {
    await file.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The end of what it printed, where Envoy says why; a line whose beginning is cut off is none. */
async function lastLinesOf(file: FileHandle): Promise<readonly string[]> {
  const { size } = await file.stat();
  const length = Math.min(size, MAX_ANSWER_BYTES);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), { position: size - length });
  const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
  return lines.slice(size > length ? 1 : 0).filter((line) => line.trim() !== '');
}

/** There is no place for its answer: the temp folder can't be written, for one. */
function unasked(error: unknown): Answer {
  return { succeeded: false, lines: [], ending: error instanceof Error ? error.message : '' };
}

function lastLine(what: string, binary: string, answer: Answer): Result<string> {
  const line = answer.lines.at(-1);
  if (answer.succeeded && line !== undefined) return { ok: true, value: line };
  return cannot(what, binary, answer);
}

function cannot(what: string, binary: string, { lines, ending }: Answer): Result<never> {
  const reason = (reasonIn(lines) ?? ending).slice(0, REASON_LENGTH);
  const message = `Cannot ${what} with ${binary}: ${reason}`;
  return { ok: false, problems: [{ about: 'BATON_ENVOY_BINARY', message }] };
}

/** The first fatal record, else the last line. */
function reasonIn(lines: readonly string[]): string | undefined {
  const read = lines.map(createLineReader('stderr')).filter((line) => line !== undefined);
  return (read.find(({ level }) => level === 'fatal') ?? read.at(-1))?.message;
}
