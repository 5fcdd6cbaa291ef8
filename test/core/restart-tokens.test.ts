import { describe, expect, it } from 'vitest';
import { delayAfterFailure, tokensLeft } from '../../src/core/restart-tokens.ts';

const tokens = (restartTokens: number) => ({ restartTokens, restartBackoffMs: 200 });
const delays = (count: number) =>
  Array.from({ length: count }, (_, index) => delayAfterFailure(index + 1, tokens(10)));

describe('the delay after a failure', () => {
  it('is 200 ms and twice as long each time, for ten tokens', () => {
    expect(delays(10)).toEqual([200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 102400]);
    expect(delays(10).reduce<number>((sum, delayMs) => sum + (delayMs ?? 0), 0)).toBe(204_600);
  });

  it('is none at the eleventh failure', () => {
    expect(delays(11).at(-1)).toBeUndefined();
  });

  it('is none at the first when there are no tokens', () => {
    expect(delayAfterFailure(1, tokens(0))).toBeUndefined();
  });

  it('is one delay when there is one token', () => {
    expect([1, 2].map((count) => delayAfterFailure(count, tokens(1)))).toEqual([200, undefined]);
  });

  it('never gets longer than a timer of Node can be', () => {
    expect(delayAfterFailure(24, tokens(40))).toBe(200 * 2 ** 23);
    expect(delayAfterFailure(25, tokens(40))).toBe(2 ** 31 - 1);
    expect(delayAfterFailure(40, tokens(40))).toBe(2 ** 31 - 1);
  });
});

describe('the tokens left', () => {
  it.each([
    [0, 10],
    [3, 7],
    [10, 0],
    [11, 0],
  ])('after %i failures of ten are %i', (failures, left) => {
    expect(tokensLeft(failures, tokens(10))).toBe(left);
  });
});
