import type { ChildProcess } from 'node:child_process';
import spawn, { SubprocessError } from 'nano-spawn';
import { messageOf } from '../../core/agent-error.ts';
import type { Outcome } from '../../core/model.ts';

export interface Child {
  /** Absent when it could not be started. */
  readonly process: ChildProcess | undefined;
  /** Settles once it is reaped; never rejects. */
  readonly outcome: Promise<Outcome>;
}

export interface ChildOptions {
  /** Standard output and standard error: open descriptors, or Node's sockets. */
  readonly output: readonly [number | 'pipe' | 'ignore', number | 'pipe' | 'ignore'];
  /** Merged over the agent's own environment: an undefined member takes a name away. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Starts a child with nothing to read, in a process group of its own: a signal to the agent's group
 * is not a second decision behind its back. Never rejects: what keeps it from starting is its outcome.
 */
export async function startChild(
  file: string,
  args: readonly string[],
  { output, environment }: ChildOptions,
): Promise<Child> {
  const subprocess = spawn(file, [...args], {
    detached: true,
    env: environment,
    stdio: ['ignore', ...output],
  });
  const outcome = subprocess.then(
    (): Outcome => ({ kind: 'exited', code: 0 }),
    (error: unknown) => outcomeOf(error, file),
  );
  const process = await subprocess.nodeChildProcess.catch(() => undefined);
  return { process, outcome };
}

function outcomeOf(error: unknown, file: string): Outcome {
  if (error instanceof SubprocessError) {
    const { signalName, exitCode, cause } = error;
    if (signalName !== undefined) return { kind: 'killed', signal: signalName };
    if (exitCode !== undefined) return { kind: 'exited', code: exitCode };
    return notStarted(cause, file);
  }
  return notStarted(error, file);
}

function notStarted(cause: unknown, file: string): Outcome {
  const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  const limit = LIMITS[errno];
  if (limit !== undefined) {
    return { kind: 'notStarted', errno, message: `Cannot start ${file}: ${limit} (${errno}).` };
  }
  const message = messageOf(cause);
  return { kind: 'notStarted', errno, message };
}

/** The system's own words for them mislead: EAGAIN is "resource temporarily unavailable". */
const LIMITS: Readonly<Record<string, string>> = {
  EAGAIN: 'no more processes or threads are allowed by pids.max of the cgroup or by ulimit -u',
  EMFILE: 'the agent has too many files open for its ulimit -n',
  ENFILE: 'the machine has too many files open',
  ENOMEM: 'there is not enough memory to fork',
};
