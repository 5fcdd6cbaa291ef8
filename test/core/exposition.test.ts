import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createExposition, type ExpositionForm, LONGEST_LINE } from '../../src/core/exposition.ts';
import { promtool } from '../support/promtool.ts';

/** Sources one after the other, each in parts of its own size. */
function merge(sources: readonly string[], form: ExpositionForm = 'text', partLength = 7) {
  const begin = createExposition();
  return sources.map((text) => {
    const source = begin(form);
    const bytes = Buffer.from(text);
    const passed: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += partLength) {
      passed.push(...source.take(bytes.subarray(at, at + partLength)));
    }
    passed.push(...source.end());
    return {
      passed: Buffer.concat(passed).toString(),
      leftOut: source.leftOut(),
      hasSamples: source.hasSamples(),
    };
  });
}

const pageOf = (sources: readonly string[], form?: ExpositionForm) =>
  merge(sources, form)
    .map(({ passed }) => passed)
    .join('');

describe('a merged page', () => {
  test('has the sources one after the other, as they came', () => {
    const first = '# HELP a A.\n# TYPE a counter\na{b="c"} 1\n';
    const second = '# TYPE d histogram\nd_bucket{le="+Inf"} 2\nd_sum 1\nd_count 2\n';

    expect(pageOf([first, second])).toBe(first + second);
  });

  test('ends every line once, however it was ended, and the last one as well', () => {
    expect(pageOf(['a 1\r\n\r\nb 2\r\n', '  c 3  \n\n\td 4'])).toBe('a 1\nb 2\nc 3\nd 4\n');
  });

  test('knows no end mark, so that what follows counts', () => {
    expect(pageOf(['a 1\n# EOF\n', 'b 1\n# EOF'])).toBe('a 1\nb 1\n');
    expect(pageOf(['a 1\n# EOF\n', 'b 1\n# EOF'], 'openMetrics')).toBe('a 1\nb 1\n');
  });

  test.each([
    ['piece by piece', 7],
    ['at once', 1_000],
  ])(
    'tells a metric of two sources as the first one does, and counts the rest: read %s',
    (_, partLength) => {
      const sources = [
        '# HELP a One.\n# TYPE a counter\na 1\n# TYPE h summary\nh_sum 1\nh_count 1\n',
        '# HELP a Two.\n# TYPE a gauge\na{b="1"} 2\na{b="2"} 2\n# TYPE h gauge\nh 2\nh_sum 3\nb 1\n',
      ];
      const [first, second] = merge(sources, 'text', partLength);

      expect(first?.leftOut).toEqual({ invalid: 0, clash: 0 });
      expect(second?.passed).toBe('b 1\n');
      expect(second?.leftOut).toEqual({ invalid: 0, clash: 7 });
    },
  );

  test('has no type for what another type speaks of, and no bound that is no number', () => {
    const [only] = merge(['# TYPE h histogram\nh{le="x"} 1\n# TYPE h_count summary\nh_count 1\n']);

    expect(only).toMatchObject({
      passed: '# TYPE h histogram\nh_count 1\n',
      leftOut: { invalid: 1, clash: 0 },
    });
  });

  test('reads a bound from its own label and nothing else', () => {
    const page = '# TYPE h histogram\nh_bucket{a="{le=",b="zz",le="1"} 1e0\n';

    expect(pageOf([page])).toBe(page);
  });

  test('is the same beside lines with other characters than ASCII', () => {
    const page = 'a{b="\u00e9"} 1\na{b="2"} 1\n# HELP c \u{1f600}\nc 3\nd 4\n';
    const [only] = merge([page], 'text', 1_000);

    expect(only).toMatchObject({ passed: page, leftOut: { invalid: 0, clash: 0 } });
  });

  test('has one head for each metric, and none behind its samples', () => {
    const twice =
      '# TYPE a gauge\na{b="1"} 1\n# TYPE a gauge\n# HELP a A.\n# HELP a B.\na{b="2"} 1\n';

    expect(pageOf([twice])).toBe('# TYPE a gauge\na{b="1"} 1\n# HELP a A.\na{b="2"} 1\n');
    expect(pageOf(['a 1\n# TYPE a gauge\n'])).toBe('a 1\n');
  });

  test('goes without lines that a reader would reject it for', () => {
    const [only] = merge(['a 1\n<html>\nb{c="d"\n# TYPE e nonsense\ne 1\n']);

    expect(only).toMatchObject({ passed: 'a 1\ne 1\n', leftOut: { invalid: 3, clash: 0 } });
  });

  test('goes without a line that does not end, and keeps what comes after it', () => {
    const endless = `a{b="${'x'.repeat(2 * LONGEST_LINE)}`;
    const [only] = merge([`${endless}\nc 1\n`], 'text', 1_000);

    expect(only).toMatchObject({ passed: 'c 1\n', leftOut: { invalid: 1 } });
    expect(merge([endless])[0]).toMatchObject({ passed: '', leftOut: { invalid: 1 } });
  });

  test('leaves out half a line of a source that was cut off', () => {
    const source = createExposition()('text');

    expect(Buffer.concat(source.take(Buffer.from('a 1\nb 1'))).toString()).toBe('a 1\n');
  });

  test('has numbers where the samples of a histogram or a summary differ by them', () => {
    const histogram = '# TYPE h histogram\nh_bucket{le="1"} 1\n';
    const summary = '# TYPE s summary\ns{a="b", quantile="0.5"} 1\n';
    const gauge = '# TYPE g gauge\ng{le="x"} 1\n';
    const wrong = 'h_bucket{le="x"} 1\n';

    expect(pageOf([histogram + wrong + summary + gauge])).toBe(histogram + summary + gauge);
    expect(pageOf([`${summary}s{quantile=""} 1\n`])).toBe(summary);
    expect(pageOf([`${histogram}h_bucket{role="a", le="x"} 1\n`])).toBe(histogram);
  });

  test('is the same in whatever parts its sources come', () => {
    const page = fc.array(
      fc.constantFrom('a', '{b="c"}', ' 1', '\n', '\r\n', '# TYPE a gauge', '#', '"'),
    );
    fc.assert(
      fc.property(page, fc.integer({ min: 1, max: 9 }), (words, partLength) => {
        const text = words.join('');

        expect(merge([text, text], 'text', partLength)).toEqual(merge([text, text], 'text', 1_000));
      }),
    );
  });

  test('is accepted by a strict reader, whatever its sources say', async () => {
    const name = fc.constantFrom('a', 'b', 'a_sum', 'a_total', 'b_bucket');
    const word = fc.string({
      unit: fc.constantFrom('a', '"', '\\', '{', '}', ',', '=', ' ', 'é', '\u0000'),
    });
    const value = fc.constantFrom('1', '-2.5', 'NaN', '+Inf', '1e999', '0x1', 'x', '');
    const number = fc.constantFrom('1', '+Inf', 'x', '');
    const type = fc.constantFrom('counter', 'gauge', 'histogram', 'summary', 'untyped', 'info', '');
    const line = fc.oneof(
      fc.tuple(name, value).map(([of, is]) => `${of} ${is}`),
      fc.tuple(name, word, value).map(([of, label, is]) => `${of}{l="${label}"} ${is}`),
      fc.tuple(name, word).map(([of, label]) => `${of}{l="1",m=${label}} 1 5`),
      fc
        .tuple(name, fc.constantFrom('le', 'quantile'), number)
        .map(([of, label, is]) => `${of}{${label}="${is}"} 1`),
      fc.tuple(name, type).map(([of, is]) => `# TYPE ${of} ${is}`),
      fc.tuple(name, word).map(([of, text]) => `# HELP ${of} ${text}`),
      word,
    );
    const sources = fc.array(fc.array(line, { maxLength: 12 }), { minLength: 1, maxLength: 3 });
    const form = fc.constantFrom('text' as const, 'openMetrics' as const);
    const pages = fc.sample(fc.tuple(sources, form), { numRuns: 60, seed: 7 });
    for (const [texts, of] of pages) {
      const page = pageOf(
        texts.map((lines) => lines.join('\n')),
        of,
      );
      const { output } = await promtool(['check', 'metrics'], page);

      // What it thinks of names and missing heads is its taste; what it cannot read it says like this.
      expect(output, page).not.toMatch(/error while linting/);
    }
  });
});
