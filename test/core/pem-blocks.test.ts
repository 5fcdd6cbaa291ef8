import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitPemBlocks } from '../../src/core/pem-blocks.ts';

const block = (label: string, body = 'AAAA') =>
  `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;

describe('splitPemBlocks', () => {
  it('finds the blocks in their order with text around them passed over', () => {
    const text = `subject\n${block('CERTIFICATE', 'one')}between\r\n${block('PRIVATE KEY', 'two')}end`;
    expect(splitPemBlocks(text)).toEqual({
      blocks: [
        { label: 'CERTIFICATE', text: block('CERTIFICATE', 'one') },
        { label: 'PRIVATE KEY', text: block('PRIVATE KEY', 'two') },
      ],
    });
  });

  it('takes carriage returns and spaces at the ends of lines for nothing', () => {
    const text = block('CERTIFICATE').replaceAll('\n', ' \r\n');
    expect(splitPemBlocks(text)).toEqual({
      blocks: [{ label: 'CERTIFICATE', text: block('CERTIFICATE') }],
    });
  });

  it.each(['', 'a password', '----- not a boundary -----'])(
    'finds nothing wrong in "%s"',
    (text) => {
      expect(splitPemBlocks(text)).toEqual({ blocks: [] });
    },
  );

  it.each([
    ['no END line', '-----BEGIN CERTIFICATE-----\nAAAA\n', 'its block CERTIFICATE is cut off'],
    ['a BEGIN line within a block', `-----BEGIN A-----\n${block('B')}`, 'its block A is cut off'],
    [
      'an END line of another label',
      '-----BEGIN A-----\n-----END B-----\n',
      'its block A is cut off',
    ],
    ['a cut after BEGIN', '-----BEGIN', 'does not stand alone on its line'],
    ['a cut before BEGIN is whole', '-----BE', 'it is cut off in a BEGIN line'],
    ['a cut after the dashes', '-----', 'it is cut off in a BEGIN line'],
    ['an END line alone', '-----END A-----\n', 'an END line has no BEGIN line'],
    ['a byte order mark', `\uFEFF${block('A')}`, 'it begins with a byte order mark'],
    ['an indented BEGIN line', ` ${block('A')}`, 'does not stand alone on its line'],
    ['two boundaries on a line', '-----END A----------BEGIN A-----', 'does not stand alone'],
  ])('tells of %s and keeps the blocks before it', (_, text, reason) => {
    const { blocks, defect } = splitPemBlocks(block('CERTIFICATE') + text);
    expect(defect).toContain(reason);
    expect(blocks.map(({ label }) => label)).toEqual(['CERTIFICATE']);
  });

  it('finds every whole block again, or tells a defect, whatever is cut out of the text', () => {
    const text = block('CERTIFICATE', 'one') + block('PRIVATE KEY', 'two');
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(text.length), (from, to) => {
        const { blocks, defect } = splitPemBlocks(text.slice(0, from) + text.slice(to));
        for (const { label, text: own } of blocks) {
          expect(own.startsWith(`-----BEGIN ${label}-----\n`)).toBe(true);
          expect(own.endsWith(`-----END ${label}-----\n`)).toBe(true);
        }
        expect(defect === undefined || /^(it|its|a|an) /.test(defect)).toBe(true);
      }),
    );
  });
});
