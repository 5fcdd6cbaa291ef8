/**
 * When to look after hints of a change: once it has been quiet for a while, but never later than a
 * fixed time after the first hint, so that a writer who never rests can't keep a change unseen.
 */

export interface SettleTimes {
  /** How long no hint may come before a look is due, in milliseconds. */
  readonly quietMs: number;
  /** The longest time from the first hint to the look, in milliseconds. */
  readonly maxWaitMs: number;
}

/** Hints that no look has answered yet. */
export interface Settling {
  readonly firstHintAtMs: number;
  /** When to look next, on the same clock as the hints. */
  readonly dueAtMs: number;
}

/**
 * Takes a hint in. `settling` is what the last call returned, or undefined when a look began since:
 * a hint during a look starts anew, as the look may have been too early for it.
 */
export function settle(
  settling: Settling | undefined,
  hintAtMs: number,
  times: SettleTimes,
): Settling {
  const firstHintAtMs = settling?.firstHintAtMs ?? hintAtMs;
  const dueAtMs = Math.min(hintAtMs + times.quietMs, firstHintAtMs + times.maxWaitMs);
  return { firstHintAtMs, dueAtMs: Math.max(dueAtMs, hintAtMs) };
}
