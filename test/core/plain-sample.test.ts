import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readExpositionLine } from '../../src/core/exposition-lines.ts';
import { endOfPlainName } from '../../src/core/plain-sample.ts';

/** Between other lines, whose bytes must not count. */
function plainNameOf(line: string): string | undefined {
  const bytes = Buffer.from(`x 1\n${line}\n{y="1"} 2\n`);
  const end = endOfPlainName(bytes, 4, 4 + Buffer.byteLength(line));
  return end < 0 ? undefined : bytes.subarray(4, end).toString();
}

describe('a plain sample', () => {
  test.each([
    ['name 1', 'name'],
    ['a:b_c9{} -1.25', 'a:b_c9'],
    ['name{a="b",c="d e{}=,#"} 0', 'name'],
    ['name{a="b",} 1', 'name'],
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
    'name{,} 1',
    'name{a="b",,} 1',
    'name{le="x"} 1',
    'name{quantile=""} 1',
    `name{${Array.from({ length: 17 }, (_, at) => `l${at}="1"`).join()}} 1`,
  ])('is not seen in: %s', (line) => {
    expect(plainNameOf(line)).toBeUndefined();
  });

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
