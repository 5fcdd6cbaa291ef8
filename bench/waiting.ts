/** Waits that end. */
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks every `everyMs` until there is an answer.
 * @throws Error naming `what` when there is none within `timeoutMs`.
 */
export async function waitFor<Answer>(
  what: string,
  ask: () => Promise<Answer | undefined> | Answer | undefined,
  { timeoutMs = 30_000, everyMs = 20 } = {},
): Promise<Answer> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline)
      throw new Error(`Cannot go on: no ${what} in ${timeoutMs} ms.`);
    await delay(everyMs);
  }
}

export { delay };
