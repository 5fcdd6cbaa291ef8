/** Seconds as people read them; everything inside counts in milliseconds. */

/** To a tenth of a second, never negative. */
export function secondsOf(ms: number): number {
  return Math.max(0, Math.round(ms / 100) / 10);
}
