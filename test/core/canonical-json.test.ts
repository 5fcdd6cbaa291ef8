import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import type { Tree } from '../../src/core/tree.ts';

test('canonical JSON is the same text when keys come in another order', () => {
  const one = canonicalJson({ b: [{ y: 1, x: null }], a: true });
  const other = canonicalJson({ a: true, b: [{ x: null, y: 1 }] });

  expect(one).toBe(other);
  expect(one).toBe(
    '{\n  "a": true,\n  "b": [\n    {\n      "x": null,\n      "y": 1\n    }\n  ]\n}\n',
  );
});

test('canonical JSON keeps the order of lists', () => {
  expect(canonicalJson(['b', 'a'])).toBe('[\n  "b",\n  "a"\n]\n');
});

test('canonical JSON says what the tree says, whatever the tree', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(canonicalJson(value as Tree))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});
