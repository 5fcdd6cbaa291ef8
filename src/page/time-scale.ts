/**
 * Where a moment lies on the lanes: now at the right, the further back the closer together, so that
 * the seconds of the last handover and the days before it are seen side by side.
 */

const S = 1_000;
const MIN = 60 * S;
const HOUR = 60 * MIN;
const DAY = 24 * HOUR;

/** What is more recent than this is spread evenly. */
const EVEN_MS = 5 * S;
const MARKS: readonly (readonly [ms: number, text: string])[] = [
  [10 * S, '10 s'],
  [MIN, '1 min'],
  [10 * MIN, '10 min'],
  [HOUR, '1 h'],
  [6 * HOUR, '6 h'],
  [DAY, '1 d'],
  [7 * DAY, '7 d'],
  [30 * DAY, '30 d'],
  [365 * DAY, '1 y'],
];
/** In percent; closer than this the texts would touch. */
const CLOSEST_MARKS = 11;

/** The shortest scale that has room for an age. */
export function scaleFor(oldestMs: number): number {
  const fitting = MARKS.find(([ms]) => ms * 2 >= oldestMs)?.[0] ?? 365 * DAY;
  return fitting * 2;
}

/** From 0 at the left, the scale's length ago, to 100 at the right, now. */
export function placeOf(ageMs: number, scaleMs: number): number {
  const age = Math.min(Math.max(0, ageMs), scaleMs);
  return 100 * (1 - Math.log1p(age / EVEN_MS) / Math.log1p(scaleMs / EVEN_MS));
}

/** A bar from one age to another, never too narrow to be seen. */
export function barOf(fromAgeMs: number, toAgeMs: number, scaleMs: number) {
  const x = placeOf(fromAgeMs, scaleMs);
  const width = Math.max(0.5, placeOf(toAgeMs, scaleMs) - x);
  return { x: percent(Math.min(x, 99.5)), width: percent(width) };
}

export interface Mark {
  readonly x: string;
  readonly text: string;
}

/** What to write along the scale, the oldest first. */
export function marksOf(scaleMs: number): readonly Mark[] {
  let rightmost = 100 - CLOSEST_MARKS / 2;
  const marks = MARKS.filter(([ms]) => ms < scaleMs).flatMap(([ms, text]) => {
    const x = placeOf(ms, scaleMs);
    if (x > rightmost || x < CLOSEST_MARKS / 2) return [];
    rightmost = x - CLOSEST_MARKS;
    return [{ x: percent(x), text }];
  });
  return marks.reverse();
}

export function percent(value: number): string {
  return `${Math.round(value * 100) / 100}%`;
}
