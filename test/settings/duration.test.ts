import fc from 'fast-check';
import { expect, test } from 'vitest';
import { durationMs, durationText } from '../../src/settings/duration.ts';

test.each([
  ['0s', 0],
  ['200ms', 200],
  ['45s', 45_000],
  ['1m30s', 90_000],
  ['1.5h', 5_400_000],
  ['1h2m3s4ms', 3_723_004],
  ['0.25s', 250],
  ['1.005s', 1_005],
  ['2147483647ms', 2_147_483_647],
])('%s is %d ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test.each([
  '',
  ' ',
  '0',
  '45',
  '-1s',
  '+1s',
  '1e3s',
  '0x10s',
  'NaN',
  'Infinity',
  'Infinitys',
  '٤٥s',
  '45 s',
  '45s ',
  '45sx',
  '45S',
  '45sec',
  '1d',
  '1us',
  '.5s',
  '5.s',
  '1,000ms',
  '1_000ms',
  '0.5ms',
  '1.0005s',
  '2147483648ms',
  '600h',
  '999999999999h',
  '1m 30s',
  '45s\n',
])('%j is no duration', (text) => {
  expect(durationMs(text)).toBeUndefined();
});

test('a duration is written so that it reads the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (ms) => {
      expect(durationMs(durationText(ms))).toBe(ms);
    }),
  );
});

test.each([
  [90_000, '1m30s'],
  [200, '200ms'],
  [0, '0s'],
])('%d ms is written shortly', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});
