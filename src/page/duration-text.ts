/** Lengths of time as the page shows them; the same on the server and in the browser. */

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

/** The two largest units, from a second on whole ones: 3 d 4 h, 3 min 5 s, 12 s. */
export function ageText(ms: number): string {
  return unitsText(Math.floor(Math.max(0, ms) / 1_000));
}

/** The same, and what is shorter than ten seconds to a tenth: 0.4 s. */
export function countdownText(ms: number): string {
  return ms < 10_000 ? `${(Math.max(0, ms) / 1_000).toFixed(1)} s` : ageText(ms);
}

/** What is over, to a millisecond below a second: 42 ms, 1.3 s, 3 min 5 s. */
export function lengthText(ms: number): string {
  return ms < 999.5 ? `${Math.max(0, Math.round(ms))} ms` : countdownText(ms);
}

function unitsText(seconds: number): string {
  const at = UNITS.findIndex(([, length]) => seconds >= length);
  const [unit, length] = UNITS[at] ?? [];
  if (unit === undefined || length === undefined) return `${seconds} s`;
  const [restUnit, restLength] = UNITS[at + 1] ?? ['s', 1];
  const rest = Math.floor((seconds % length) / restLength);
  return `${Math.floor(seconds / length)} ${unit}${rest > 0 ? ` ${rest} ${restUnit}` : ''}`;
}
