import { describe, expect, test } from 'vitest';
import { createTranslation } from '../../src/core/openmetrics.ts';

describe('OpenMetrics in the text format', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    [
      'a counter has its name whole',
      [
        '# HELP a Many.',
        '# TYPE a counter',
        '# UNIT a ',
        'a_total{b="c"} 1',
        'a_created{b="c"} 5.5',
      ],
      ['# HELP a_total Many.', '# TYPE a_total counter', 'a_total{b="c"} 1'],
    ],
    [
      'help that comes after the type has it, too',
      ['# TYPE a counter', '# HELP a Many.'],
      ['# TYPE a_total counter', '# HELP a_total Many.'],
    ],
    [
      'an info metric is a gauge',
      ['# TYPE a info', 'a_info{version="1"} 1'],
      ['# TYPE a_info gauge', 'a_info{version="1"} 1'],
    ],
    [
      'a state set is a gauge',
      ['# TYPE a stateset', 'a{a="b"} 1'],
      ['# TYPE a gauge', 'a{a="b"} 1'],
    ],
    ['what is unknown is untyped', ['# TYPE a unknown', 'a 1'], ['# TYPE a untyped', 'a 1']],
    [
      'what has no counterpart has no type',
      ['# TYPE a gaugehistogram', 'a_bucket{le="1"} 1', 'a_gcount 1'],
      ['a_bucket{le="1"} 1', 'a_gcount 1'],
    ],
    ['times are in milliseconds', ['a 1 1700000000.1234'], ['a 1 1700000000123']],
    [
      'exemplars are left out',
      ['a_bucket{le="1"} 1 # {trace="}\\" x"} 0.5 1700000000', 'b 2 1.5 # {} 1'],
      ['a_bucket{le="1"} 1', 'b 2 1500'],
    ],
    [
      'quotes in help are no longer marked',
      ['# TYPE a gauge', '# HELP a \\"b\\" \\\\'],
      ['# TYPE a gauge', '# HELP a "b" \\\\'],
    ],
    [
      'a gauge may be called created',
      ['# TYPE a gauge', 'a_created 1'],
      ['# TYPE a gauge', 'a_created 1'],
    ],
    ['the end mark and comments are left out', ['# EOF', '# anything'], []],
    ['what is no such line is for others to judge', ['<html>', 'a{'], ['<html>', 'a{']],
  ])('%s', (_, lines, expected) => {
    expect(lines.flatMap(createTranslation())).toEqual(expected);
  });
});
