import parseDuration from 'parse-duration';

/** The longest a timer can be armed for: Node fires a longer one at once. */
const MOST_MS = 2 ** 31 - 1;
const GO_DURATION = /^(?:[0-9]{1,12}(?:\.[0-9]{1,9})?(?:h|ms|m|s))+$/;

/**
 * Milliseconds of a duration as Go and Kubernetes write it: `200ms`, `45s`, `1m30s`, `1.5h`.
 * Absent for anything else: a bare number, a sign, another unit, less than a millisecond or more
 * than 24.8 days.
 */
export function durationMs(text: string): number | undefined {
  if (!GO_DURATION.test(text)) return undefined;
  const exactMs = parseDuration(text, 'ms') ?? Number.NaN;
  const ms = Math.round(exactMs);
  return Math.abs(ms - exactMs) < 1e-6 && ms <= MOST_MS ? ms : undefined;
}

/** The shortest way to write it: 90000 is `1m30s`. */
export function durationText(ms: number): string {
  if (ms === 0) return '0s';
  const units = [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
    ['ms', 1],
  ] as const;
  let restMs = ms;
  return units
    .map(([unit, unitMs]) => {
      const count = Math.floor(restMs / unitMs);
      restMs -= count * unitMs;
      return count === 0 ? '' : `${count}${unit}`;
    })
    .join('');
}
