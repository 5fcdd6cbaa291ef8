import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { barOf, marksOf, placeOf, scaleFor } from '../../src/page/time-scale.ts';

const YEAR_MS = 365 * 86_400_000;
const ages = fc.double({ min: 0, max: YEAR_MS, noNaN: true });

describe('the scale of the lanes', () => {
  test('has now at the right and its own length ago at the left', () => {
    expect([placeOf(0, 20_000), placeOf(20_000, 20_000), placeOf(90_000, 20_000)]).toEqual([
      100, 0, 0,
    ]);
    expect(placeOf(-5, 20_000)).toBe(100);
  });

  test('has room for every age up to two years, and never much more than it needs', () => {
    fc.assert(
      fc.property(ages, (age) => {
        expect(scaleFor(age)).toBeGreaterThanOrEqual(age);
        expect(scaleFor(age)).toBeLessThanOrEqual(Math.max(20_000, 12.2 * age));
      }),
    );
  });

  test('never turns round: what is older lies further left', () => {
    fc.assert(
      fc.property(ages, ages, (one, other) => {
        const [older, newer] = one > other ? [one, other] : [other, one];
        const scaleMs = scaleFor(older);
        expect(placeOf(older, scaleMs)).toBeLessThanOrEqual(placeOf(newer, scaleMs));
      }),
    );
  });

  test('keeps every bar within it, and none too narrow to be seen', () => {
    fc.assert(
      fc.property(ages, ages, (one, other) => {
        const [older, newer] = one > other ? [one, other] : [other, one];
        const { x, width } = barOf(older, newer, scaleFor(older));
        const [from, length] = [Number.parseFloat(x), Number.parseFloat(width)];
        expect(from).toBeGreaterThanOrEqual(0);
        expect(length).toBeGreaterThanOrEqual(0.5);
        expect(from + length).toBeLessThanOrEqual(100.51);
      }),
    );
  });

  test.each([
    [20_000, ['10 s']],
    [7_200_000, ['1 h', '10 min', '1 min', '10 s']],
  ])('of %d ms is marked in words', (scaleMs, texts) => {
    expect(marksOf(scaleMs).map(({ text }) => text)).toEqual(texts);
  });

  test('has marks that do not touch', () => {
    for (const age of [1_000, 60_000, 3_600_000, 86_400_000, YEAR_MS]) {
      const places = marksOf(scaleFor(age)).map(({ x }) => Number.parseFloat(x));
      for (const [at, place] of places.slice(1).entries()) {
        expect(place - (places[at] ?? 0)).toBeGreaterThan(8);
      }
    }
  });
});
