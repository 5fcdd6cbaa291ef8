import { describe, expect, test } from 'vitest';
import { readExpositionLine } from '../../src/core/exposition-lines.ts';

const long = 'x'.repeat(60_000);

describe('a line of the text format', () => {
  test.each([
    ['name 1', 'name'],
    ['a:b_C9 -1.5e-3', 'a:b_C9'],
    ['name\t+Inf', 'name'],
    ['name NaN 1700000000000', 'name'],
    ['name nan -5', 'name'],
    ['name .5', 'name'],
    ['name{} 1', 'name'],
    ['name {} 1', 'name'],
    ['name{a="b"} 1', 'name'],
    ['name{a="b",} 1', 'name'],
    ['name{ a = "b" , c = "d" } 1', 'name'],
    [String.raw`name{a="\"} 1 \\"} 1`, 'name'],
    [String.raw`name{a="\n{},=#"} 1`, 'name'],
    ['name{a="Grüße, 世界"} 1', 'name'],
    [`name{a="${long}"} 1`, 'name'],
    ['name 1e308', 'name'],
  ])('is a sample: %s', (line, name) => {
    expect(readExpositionLine(line)).toEqual({ kind: 'sample', name });
  });

  test.each([
    'name',
    'name{a="b"}',
    'name{a="b"}1',
    'name 1 2 3',
    'name 1.5 1.5',
    'name 1e999',
    `name 1${'0'.repeat(400)}`,
    'name 0x1p-2',
    'name 1_000',
    'name one',
    '1name 1',
    'na-me 1',
    '{a="b"} 1',
    '{"name"} 1',
    'name{"a"="b"} 1',
    'name{a=b} 1',
    'name{a="b"',
    'name{a="b} 1',
    'name{a="b" c="d"} 1',
    'name{,} 1',
    'name{a="b",,} 1',
    'name{1a="b"} 1',
    'name{a:b="c"} 1',
    'name{a="b",a="c"} 1',
    'name{__name__="b"} 1',
    String.raw`name{a="\x"} 1`,
    String.raw`name{a="\"} 1`,
    `name{${Array.from({ length: 201 }, (_, at) => `l${at}="1"`).join()}} 1`,
    'name 1 # {a="b"} 1',
    '<!DOCTYPE html>',
    '{"json": 1}',
    '\u0000',
    '# TYPE name',
    '# TYPE name info',
    '# TYPE na-me gauge',
    '# TYPE name gauge gauge',
    '# HELP name',
    String.raw`# HELP name \x`,
  ])('would cost the page: %s', (line) => {
    expect(readExpositionLine(line)).toEqual({ kind: 'invalid' });
  });

  test.each([
    '',
    '#',
    '# EOF',
    '# UNIT name seconds',
    '#TYPE name gauge',
    '# a comment',
    '# TYPES',
  ])('says nothing: "%s"', (line) => {
    expect(readExpositionLine(line)).toEqual({ kind: 'blank' });
  });

  test('is a head, with the space a reader allows', () => {
    expect(readExpositionLine('# TYPE a:b histogram')).toEqual({
      kind: 'type',
      name: 'a:b',
      type: 'histogram',
    });
    expect(readExpositionLine('#\tTYPE  a  untyped')).toMatchObject({ kind: 'type', name: 'a' });
    expect(readExpositionLine(String.raw`# HELP a It's \\ "this"\n, or that.`)).toEqual({
      kind: 'help',
      name: 'a',
    });
  });
});
