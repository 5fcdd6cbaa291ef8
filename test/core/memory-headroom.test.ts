import { expect, test } from 'vitest';
import { memoryShortage } from '../../src/core/memory-headroom.ts';

const MB = 1024 * 1024;
const envoy = { ownBytes: 16 * MB, fileBytes: 50 * MB };
const group = (limit: number, used: number, inactiveFile = 0) => ({
  limitBytes: limit * MB,
  usedBytes: used * MB,
  inactiveFileBytes: inactiveFile * MB,
});

test('there is none without a limit', () => {
  expect(memoryShortage([], envoy, true)).toBeUndefined();
});

test('there is none while the own memory of one more and a margin fit', () => {
  expect(memoryShortage([group(100, 80)], envoy, true)).toBeUndefined();
  expect(memoryShortage([group(100, 81)], envoy, true)).toEqual({
    neededBytes: 20 * MB,
    freeBytes: 19 * MB,
  });
});

test('file pages that nobody uses count as free', () => {
  expect(memoryShortage([group(100, 95, 15)], envoy, true)).toBeUndefined();
});

test('another binary brings its own pages', () => {
  expect(memoryShortage([group(100, 40)], envoy, false)).toEqual({
    neededBytes: 70 * MB,
    freeBytes: 60 * MB,
  });
});

test('the fullest of the groups counts', () => {
  const groups = [group(1000, 10), group(100, 90), group(200, 0)];
  expect(memoryShortage(groups, envoy, true)).toMatchObject({ freeBytes: 10 * MB });
});

test('nothing is free in a group that is over its limit', () => {
  expect(memoryShortage([group(100, 110)], envoy, true)).toMatchObject({ freeBytes: 0 });
});
