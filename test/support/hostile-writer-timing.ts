/** Lets a writer act between the system calls of a look, the same way each time it is repeated. */
import { createHook } from 'node:async_hooks';
import type { Calls } from './hostile-writer-calls.ts';

/**
 * Runs the work, with `beforeCall` before each asynchronous call to the file system in this process;
 * synchronous ones in there are made before that call begins.
 */
export async function betweenCalls(
  work: () => Promise<void>,
  beforeCall: () => void,
): Promise<void> {
  const hook = createHook({
    init: (_id, type) => {
      if (type.startsWith('FSREQ')) beforeCall();
    },
  });
  hook.enable();
  try {
    await work();
  } finally {
    hook.disable();
  }
}

/**
 * Makes the next of the writer's calls after as many others as the pace says, again and again.
 * What fails is not thrown, as nothing may be from within a hook, but left for `finish`.
 */
export function createPacing(
  calls: Calls,
  pace: readonly number[],
  onCall: (done: string) => void,
) {
  let turn = 0;
  let left = pace[0] ?? 0;
  let isOver = false;
  let failure: { readonly error: unknown } | undefined;

  function next(): void {
    try {
      const { done, value } = calls.next();
      if (done) isOver = true;
      else onCall(value);
    } catch (error) {
      failure = { error };
      isOver = true;
    }
  }

  return {
    beforeCall: (): void => {
      for (; left <= 0 && !isOver; left = pace[turn % pace.length] ?? 0) {
        next();
        turn += 1;
      }
      left -= 1;
    },
    /** Makes the calls that are left. @throws what one has thrown */
    finish: (): void => {
      while (!isOver) next();
      if (failure !== undefined) throw failure.error;
    },
  };
}
