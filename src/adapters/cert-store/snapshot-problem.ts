/** What kept a snapshot from being written or removed, in words that are the same at every try. */

import { getSystemErrorMap } from 'node:util';
import { messageOf } from '../../core/agent-error.ts';
import type { Problem } from '../../ports.ts';

export interface FailedWork {
  readonly verb: 'write' | 'remove';
  /** The snapshot that was to be written, or the folder that was to be cleared. */
  readonly about: string;
}

interface Cause {
  readonly reason: string;
  readonly advice: string;
}

const DENIED: Cause = {
  reason: 'permission denied',
  advice: "Make the agent's user the owner of the run directory, with the mode 0700.",
};

/** They say nothing against the certificates, and go away without a change of them. */
const PASSING_CAUSES: Readonly<Record<string, Cause>> = {
  ENOSPC: {
    reason: 'its file system is full',
    advice: 'Make room in the run directory or give it more (an emptyDir: its sizeLimit).',
  },
  EDQUOT: {
    reason: 'its quota is used up',
    advice: "Make room in the run directory or raise the quota of the agent's user.",
  },
  EROFS: {
    reason: 'its file system is read-only',
    advice: 'Make the run directory writable, or name one that is (BATON_RUN_DIR).',
  },
  EACCES: DENIED,
  EPERM: DENIED,
  EMFILE: {
    reason: 'the agent has too many files open',
    advice: "Raise the agent's limit of open files (ulimit -n).",
  },
  ENFILE: {
    reason: 'the machine has too many files open',
    advice: "Raise the machine's limit of open files (sysctl fs.file-max).",
  },
  ENOMEM: { reason: 'there is no memory left', advice: 'Give the container more memory.' },
};

const IN_THE_WAY: Cause = {
  reason: 'something that is no folder is in its way',
  advice: 'Remove it; the folder is made anew.',
};
/** Nobody but a person clears these away. */
const LASTING_CAUSES: Readonly<Record<string, Cause>> = { EEXIST: IN_THE_WAY, ENOTDIR: IN_THE_WAY };

/** The system's own message is not shown: it names a temporary path, another one at each try. */
export function snapshotProblem({ verb, about }: FailedWork, error: unknown): Problem {
  const what = verb === 'write' ? 'certificate snapshot' : 'unused certificate snapshots in';
  const { code } = codesOf(error);
  const passing = PASSING_CAUSES[code];
  const cause = passing ?? LASTING_CAUSES[code];
  const why = cause ? `${cause.reason} (${code}). ${cause.advice}` : `${otherReason(error)}.`;
  const message = `Cannot ${verb} ${what} ${about}: ${why}`;
  return passing ? { about, message, isTransient: true } : { about, message };
}

/** The system's words for the code; an error of our own has words that name no path. */
function otherReason(error: unknown): string {
  const { code, errno } = codesOf(error);
  const [, words] = getSystemErrorMap().get(errno) ?? [];
  if (words !== undefined) return `${words} (${code})`;
  return messageOf(error);
}

function codesOf(error: unknown): { readonly code: string; readonly errno: number } {
  const { code = '', errno = 0 }: NodeJS.ErrnoException =
    error instanceof Error ? error : new Error();
  return { code, errno };
}
