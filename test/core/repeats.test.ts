import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { createRepeats, OTHER_KINDS, withoutVarying } from '../../src/core/repeats.ts';

const kindOf = (name: string) => ({ name, windowMs: 1_000 });

/** Takes as many lines of a kind at once. @returns how many of them are written */
function takenOf(repeats: ReturnType<typeof createRepeats<string>>, count: number, atMs: number) {
  const all = Array.from({ length: count }, () => repeats.take('a', kindOf('a'), atMs));
  return all.filter(({ isWritten }) => isWritten).length;
}

describe('lines of one kind', () => {
  it('are written as often as they may be in each window', () => {
    const repeats = createRepeats<string>({ most: 3, mostKinds: 8 });
    expect(takenOf(repeats, 3, 0)).toBe(3);
    expect(takenOf(repeats, 3, 1_000)).toBe(3);
    expect(repeats.closeAll()).toEqual([]);
  });

  it('are counted past that, with the first of them and the times', () => {
    const repeats = createRepeats<string>({ most: 1, mostKinds: 8 });
    repeats.take('first', kindOf('a'), 10);
    expect(repeats.take('second', kindOf('a'), 20)).toEqual({
      isWritten: false,
      opens: { window: 'a', endsAtMs: 1_010 },
    });
    expect(repeats.take('third', kindOf('a'), 500)).toEqual({ isWritten: false });
    expect(repeats.close('a')).toEqual({ line: 'second', count: 2, sinceMs: 20, untilMs: 500 });
    expect(repeats.close('a')).toBeUndefined();
  });

  it('are written again after the window was closed, and counted until then, however late', () => {
    const repeats = createRepeats<string>({ most: 1, mostKinds: 8 });
    expect(takenOf(repeats, 2, 0)).toBe(1);
    expect(takenOf(repeats, 1, 5_000)).toBe(0);
    expect(repeats.close('a')?.count).toBe(2);
    expect(takenOf(repeats, 1, 5_000)).toBe(1);
  });
});

describe('lines of many kinds', () => {
  it('are told apart up to a bound, then they are one kind', () => {
    const repeats = createRepeats<string>({ most: 1, mostKinds: 2 });
    const written = ['a', 'b', 'c', 'd', 'e'].filter(
      (name) => repeats.take(name, kindOf(name), 0).isWritten,
    );
    expect(written).toEqual(['a', 'b', 'c']);
    expect(repeats.close(OTHER_KINDS)).toMatchObject({ line: 'd', count: 2 });
  });

  it('make room for others once their time is over', () => {
    const repeats = createRepeats<string>({ most: 1, mostKinds: 2 });
    for (const name of ['a', 'b']) repeats.take(name, kindOf(name), 0);
    const later = ['c', 'd'].map((name) => repeats.take(name, kindOf(name), 2_000).isWritten);
    expect(later).toEqual([true, true]);
  });

  test('are all written or counted, and each is told of as long as it is counted', () => {
    const lines = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(700)), {
      size: 'max',
      maxLength: 60,
    });
    fc.assert(
      fc.property(lines, fc.integer({ min: 1, max: 3 }), (all, most) => {
        const repeats = createRepeats<string>({ most, mostKinds: 3 });
        const due = new Map<string, number>();
        let [atMs, written, told] = [0, 0, 0];
        const closeDue = (isDue: (endsAtMs: number) => boolean) => {
          const over = [...due].filter(([, endsAtMs]) => isDue(endsAtMs)).map(([name]) => name);
          for (const name of over) told += repeats.close(name)?.count ?? 0;
          for (const name of over) due.delete(name);
        };
        for (const [name, passedMs] of all) {
          atMs += passedMs;
          closeDue((endsAtMs) => endsAtMs <= atMs);
          const taken = repeats.take(name, kindOf(name), atMs);
          written += Number(taken.isWritten);
          const opens = taken.isWritten ? undefined : taken.opens;
          if (opens !== undefined) due.set(opens.window, opens.endsAtMs);
        }
        closeDue(() => true);
        expect(written + told).toBe(all.length);
        expect(repeats.closeAll()).toEqual([]);
      }),
    );
  });
});

describe('what varies in a message', () => {
  it.each([
    ['upstream 10.0.0.1:8080 reset', 'upstream 10.2.33.4:9 reset'],
    ['[C123][S456] closed', '[C9][S77777777777] closed'],
    ['at 0x7ffd12ab', 'at 0x1'],
    ['peer [fd00::1:2]:80 gone', 'peer [::1]:443 gone'],
    ['id 9f6a1c1e-0000-4000-8000-00000000abcd', 'id ffffffff-ffff-4fff-8fff-ffffffffffff'],
    ['digest 12ab34cd56', 'digest aaaaaaaa1'],
  ])('is not looked at: %s', (one, other) => {
    expect(withoutVarying(one)).toBe(withoutVarying(other));
  });

  it.each([
    ['cluster blue', 'cluster green'],
    ['decade', 'facade'],
  ])('is no word: %s, %s', (one, other) => {
    expect(withoutVarying(one)).not.toBe(withoutVarying(other));
  });
});
