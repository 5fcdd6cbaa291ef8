import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readExpositionLine } from '../../src/core/exposition-lines.ts';
import { plainRunAt } from '../../src/core/plain-samples.ts';

/** Between other lines, which must not count. */
function plainNameOf(line: string): string | undefined {
  const text = `x 1\n${line}\n{y="1"} 2\n`;
  const run = plainRunAt(text, 4);
  if (run !== undefined) expect(text.slice(4, run.end)).toBe(`${line}\n`);
  return run && text.slice(4, run.nameEnd);
}

describe('a plain sample', () => {
  test.each([
    ['name 1', 'name'],
    ['a:b_c9{} -1.25', 'a:b_c9'],
    ['name{a="b",c="d e{}=,#"} 0', 'name'],
    ['name_bucket{le="0.5"} 1', 'name_bucket'],
    ['name_bucket{a="b",le="+Inf"} 1', 'name_bucket'],
    ['name{leg="x",quantiles="y",lb="1"} 1', 'name'],
  ])('is recognized: %s', (line, name) => {
    expect(plainNameOf(line)).toBe(name);
  });

  test.each([
    '',
    'name',
    '# TYPE name gauge',
    '1name 1',
    'name  1',
    'name 1 ',
    'name 1 1700000000000',
    'name 1e5',
    'name .5',
    'name NaN',
    `name ${'1'.repeat(41)}`,
    'name {} 1',
    'name{} 1\r',
    'name{a="b"',
    'name{a="b"}',
    'name{a="b',
    'name{a=',
    'name{',
    'name{a="é"} 1',
    String.raw`name{a="\\"} 1`,
    'name{a="b",a="c"} 1',
    'name{ab="1",a="2",ab="3"} 1',
    'name{__name__="b"} 1',
    'name{1a="b"} 1',
    'name{a:b="c"} 1',
    'name{a="b",} 1',
    'name{,} 1',
    'name{a="b",,} 1',
    'name{le="x"} 1',
    'name{quantile=""} 1',
    `name{${Array.from({ length: 17 }, (_, at) => `l${at}="1"`).join()}} 1`,
  ])('is not seen in: %s', (line) => {
    expect(plainNameOf(line)).toBeUndefined();
  });

  test.each([
    ['others of its name', 'n{a="b"} 1\nn{a="c"} 2\nn 3\n', 3],
    ['one whose name begins alike', 'n 1\nn_total 2\n', 1],
    ['one whose name is a part of it', 'name 1\nn 2\n', 1],
    ['one that is unusual', 'n 1\nn 2\nn 1e5\nn 3\n', 2],
    ['one with a label twice', 'n 1\nn{a="b",a="b"} 2\n', 1],
    ['one that is not over', 'n 1\nn 2', 1],
    ['a head', 'n 1\n# TYPE m gauge\nm 1\n', 1],
  ])('is read in one run with %s', (_, text, lineCount) => {
    const lines = text.slice(0, plainRunAt(text, 0)?.end).split('\n');
    expect(lines.length - 1).toBe(lineCount);
  });

  test('is found in a text of any length, a thousand lines at a time', () => {
    const line = 'n{a="b"} 1\n';

    expect(plainRunAt(line.repeat(1_000_000), 0)?.end).toBe(1_000 * line.length);
  });

  test.each<[string, (length: number) => string]>([
    ['a run', (length) => 'n{a="b",c="d"} 1\n'.repeat(length / 20)],
    [
      'a run whose last line fails',
      (length) => `${'n{a="b"} 1\n'.repeat(length / 20)}n{a="b"} x\n`,
    ],
    ['a name', (length) => 'n'.repeat(length)],
    ['a value', (length) => `n{a="${'b'.repeat(length)}`],
    ['commas', (length) => `n{a="${','.repeat(length)}",b="${',a'.repeat(length)}"} x\n`],
    ['labels', (length) => `n{${'a="b",'.repeat(length / 6)}`],
    ['digits', (length) => `n ${'1'.repeat(length)}`],
  ])('is looked for in a time that grows no faster than the text: %s', (_, textOf) => {
    const [short, long] = [textOf(40_000), textOf(1_280_000)];

    expect(quickestMsOf(long) / quickestMsOf(short)).toBeLessThan(32 * 8);
  });

  function quickestMsOf(text: string): number {
    const tries = Array.from({ length: 5 }, () => {
      const beginMs = performance.now();
      plainRunAt(text, 0);
      return performance.now() - beginMs;
    });
    // A clock that has not moved would say that any text takes endlessly longer.
    return Math.max(0.01, Math.min(...tries));
  }

  test('is one that a strict reader takes, under the same name', () => {
    const word = fc.constantFrom(
      'a',
      'le',
      'b9',
      '_',
      '{',
      '}',
      '="',
      '"',
      ',',
      ' ',
      '1',
      '.',
      '-',
      '\\',
      'é',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 14 }), (words) => {
        const line = words.join('');
        const name = plainNameOf(line);

        if (name !== undefined) expect(readExpositionLine(line)).toEqual({ kind: 'sample', name });
      }),
      { numRuns: 5_000 },
    );
  });
});
