import { describe, expect, test } from 'vitest';
import { sourceTimeMs } from '../../src/core/scrape-time.ts';

describe("a source's share of the scraper's time", () => {
  test.each([
    ['10', 4_500],
    ['0.5', 225],
    ['30.000', 13_500],
  ])('is less than half of %s s', (header, expected) => {
    expect(sourceTimeMs(header)).toBe(expected);
  });

  test.each([undefined, '', '0', '-1', 'NaN', 'Infinity', '1e9', '0x10', '5s', '1,2', '١'])(
    'is that of the usual time when the scraper says %s',
    (header) => {
      expect(sourceTimeMs(header)).toBe(sourceTimeMs('10'));
    },
  );

  test('is bounded', () => {
    expect(sourceTimeMs('1000000000')).toBe(27_000);
    expect(sourceTimeMs('9'.repeat(400))).toBe(27_000);
    expect(sourceTimeMs('0.0000001')).toBe(1);
  });
});
