import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { visible, visibleJson, withVisibleStrings } from '../../src/core/visible.ts';

const CONTROL = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/u;
const hostile = fc.string({ unit: 'binary' });

describe('a text from elsewhere', () => {
  it.each([
    ['a\r\nb\t', 'a\\r\\nb\\t'],
    ['\u001b[31mred\u001b[0m', '\\u001b[31mred\\u001b[0m'],
    ['\u009b2J', '\\u009b2J'],
    ['\u202egpj.exe', '\\u202egpj.exe'],
    ['grün "a" \\n', 'grün "a" \\n'],
  ])('shows its controls: %j', (text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  test('is one line without controls, whatever it was', () => {
    fc.assert(fc.property(hostile, (text) => !CONTROL.test(visible(text))));
  });
});

describe('JSON', () => {
  test('means the same once it is visible, and has no control', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const json = visibleJson(JSON.stringify({ [text]: text }));
        expect(json).not.toMatch(CONTROL);
        expect(JSON.parse(json)).toEqual({ [text]: text });
      }),
    );
  });

  test('for people has strings that are visible when they are read', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const read = JSON.parse(withVisibleStrings(JSON.stringify({ text }))) as { text: string };
        expect(read.text).not.toMatch(CONTROL);
      }),
    );
    const plain = { text: 'a "b" \\ c/d', nested: ['\\n'] };
    expect(JSON.parse(withVisibleStrings(JSON.stringify(plain)))).toEqual(plain);
  });
});
