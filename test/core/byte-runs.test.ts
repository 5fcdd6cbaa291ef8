import { describe, expect, test } from 'vitest';
import { createByteRuns } from '../../src/core/byte-runs.ts';

const bytes = Buffer.from('abcdefghij');

describe('bytes that are passed on', () => {
  test('are parts of what came, one for all that follow each other', () => {
    const runs = createByteRuns(bytes);
    runs.keep(0, 2);
    runs.keep(2, 4);
    runs.keep(6, 8);
    const all = runs.all();

    expect(all.map(String)).toEqual(['abcd', 'gh']);
    expect(all[0]?.buffer).toBe(bytes.buffer);
  });

  test('keep their order with what was made in their place', () => {
    const runs = createByteRuns(bytes);
    runs.add(Buffer.from('first'));
    runs.keep(0, 1);
    runs.add(Buffer.from(''));
    runs.keep(1, 2);
    runs.add(Buffer.from('last'));

    expect(runs.all().map(String)).toEqual(['first', 'ab', 'last']);
  });

  test('are put together when there are many', () => {
    const runs = createByteRuns(bytes);
    for (let at = 0; at < 10; at += 2) {
      runs.keep(at, at + 1);
      runs.add(Buffer.from('-'));
    }

    const [whole, ...others] = runs.all();
    expect(Buffer.from(whole ?? []).toString()).toBe('a-c-e-g-i-');
    expect(others).toEqual([]);
  });
});
