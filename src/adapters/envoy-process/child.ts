import type { ChildProcess, SpawnOptions } from 'node:child_process';
import spawn, { SubprocessError } from 'nano-spawn';
import type { Outcome } from '../../core/model.ts';

export interface Child {
  /** Absent when it could not be started. */
  readonly process: ChildProcess | undefined;
  /** Settles once it is reaped; never rejects. */
  readonly outcome: Promise<Outcome>;
}

export interface ChildOptions extends Pick<SpawnOptions, 'detached'> {
  /** Standard output and standard error: open descriptors, or Node's sockets. */
  readonly output: readonly [number | 'pipe' | 'ignore', number | 'pipe' | 'ignore'];
  /** Merged over the agent's own environment: an undefined member takes a name away. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Starts a child with nothing to read. Never rejects: what keeps it from starting is its outcome. */
export async function startChild(
  file: string,
  args: readonly string[],
  { output, environment, ...options }: ChildOptions,
): Promise<Child> {
  const subprocess = spawn(file, [...args], {
    ...options,
    env: environment,
    stdio: ['ignore', ...output],
  });
  const outcome = subprocess.then((): Outcome => ({ kind: 'exited', code: 0 }), outcomeOf);
  const process = await subprocess.nodeChildProcess.catch(() => undefined);
  return { process, outcome };
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof SubprocessError) {
    const { signalName, exitCode, cause } = error;
    if (signalName !== undefined) return { kind: 'killed', signal: signalName };
    if (exitCode !== undefined) return { kind: 'exited', code: exitCode };
    return notStarted(cause);
  }
  return notStarted(error);
}

function notStarted(cause: unknown): Outcome {
  const isSystemError = cause instanceof Error && 'code' in cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return { kind: 'notStarted', errno: isSystemError ? String(cause.code) : 'unknown', message };
}
