import { describe, expect, test } from 'vitest';
import { ageText, countdownText, lengthText } from '../../src/page/duration-text.ts';

describe('a length of time', () => {
  test.each([
    [-5, '0 s'],
    [999, '0 s'],
    [12_345, '12 s'],
    [60_000, '1 min'],
    [185_000, '3 min 5 s'],
    [3_600_000, '1 h'],
    [273_600_000, '3 d 4 h'],
  ])('of %d ms that goes on is "%s"', (ms, text) => {
    expect(ageText(ms)).toBe(text);
  });

  test.each([
    [-5, '0.0 s'],
    [2_640, '2.6 s'],
    [12_345, '12 s'],
  ])('of %d ms that is left is "%s"', (ms, text) => {
    expect(countdownText(ms)).toBe(text);
  });

  test.each([
    [0.4, '0 ms'],
    [41.7, '42 ms'],
    [999.7, '1.0 s'],
    [1_340, '1.3 s'],
    [185_000, '3 min 5 s'],
  ])('of %d ms that is over is "%s"', (ms, text) => {
    expect(lengthText(ms)).toBe(text);
  });
});
