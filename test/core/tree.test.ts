import { expect, test } from 'vitest';
import { changeStrings, depthOf, entryOf, mapOf } from '../../src/core/tree.ts';

test('a map keeps an entry named __proto__ as an entry', () => {
  const map = mapOf([['__proto__', { polluted: true }]]);

  expect(Object.keys(map)).toEqual(['__proto__']);
  expect(Object.getPrototypeOf(map)).toBe(Object.prototype);
  expect(JSON.stringify(map)).toBe('{"__proto__":{"polluted":true}}');
});

test('a map has no entry under an inherited name', () => {
  expect(entryOf({}, 'constructor')).toBeUndefined();
});

test('strings are changed with their paths when they lie deep, and keys never', () => {
  const tree = { a: ['x', { 'x.y': 'z' }], n: 1, none: null };

  const changed = changeStrings(tree, (text, path) => `${path}=${text}`);

  expect(changed).toEqual({ a: ['a[0]=x', { 'x.y': 'a[1].x.y=z' }], n: 1, none: null });
});

test.each([
  ['a scalar', 'x', 0],
  ['an empty map', {}, 1],
  ['a list in a map', { a: [1] }, 2],
  ['more levels than the limit', [[[[[]]]]], 3],
])('depth is counted for %s', (_name, tree, depth) => {
  expect(depthOf(tree, 3)).toBe(depth);
});
