import { expect, test } from 'vitest';
import { mergeLayers } from '../../src/core/merge-layers.ts';
import type { Tree } from '../../src/core/tree.ts';

const cases: readonly (readonly [string, Tree, Tree, Tree])[] = [
  ['maps deeply', { a: { x: 1, y: 2 } }, { a: { y: 3, z: 4 } }, { a: { x: 1, y: 3, z: 4 } }],
  ['a scalar over a scalar', { a: 1 }, { a: 'one' }, { a: 'one' }],
  ['a list over a map', { a: { x: 1 } }, { a: [1] }, { a: [1] }],
  ['a null by taking the entry away', { a: { x: 1 }, b: 2 }, { a: null }, { b: 2 }],
  ['a null in a new map by leaving it out', {}, { a: { x: null, y: 1 } }, { a: { y: 1 } }],
  ['lists of scalars by appending', { a: [1, 2] }, { a: [2, 3] }, { a: [1, 2, 2, 3] }],
  [
    'lists of named items by name, new ones last',
    [
      { name: 'in', port: 1, keep: true },
      { name: 'out', port: 2 },
    ],
    [
      { name: 'new', port: 3 },
      { name: 'in', port: 9 },
    ],
    [
      { name: 'in', port: 9, keep: true },
      { name: 'out', port: 2 },
      { name: 'new', port: 3 },
    ],
  ],
  [
    'lists by appending when a name comes twice',
    [{ name: 'a' }, { name: 'a' }],
    [{ name: 'a', x: 1 }],
    [{ name: 'a' }, { name: 'a' }, { name: 'a', x: 1 }],
  ],
  [
    'lists by appending when an item has no name',
    [{ name: 'a' }, 'plain'],
    [{ name: 'a', x: 1 }],
    [{ name: 'a' }, 'plain', { name: 'a', x: 1 }],
  ],
  [
    'a map of another @type by replacing it',
    { config: { '@type': 'tls', contexts: {} } },
    { config: { '@type': 'raw' } },
    { config: { '@type': 'raw' } },
  ],
  [
    'a map without @type into one that has it',
    { config: { '@type': 'tls', a: 1 } },
    { config: { b: 2 } },
    { config: { '@type': 'tls', a: 1, b: 2 } },
  ],
];

test.each(cases)('a layer merges %s', (_name, base, layer, merged) => {
  expect(mergeLayers(base, [layer])).toEqual(merged);
});

test('later layers go over earlier ones', () => {
  expect(mergeLayers({ a: 1 }, [{ a: 2, b: 2 }, { a: 3 }])).toEqual({ a: 3, b: 2 });
});

test('a layer with a key named __proto__ changes no prototype', () => {
  const layer = JSON.parse('{"__proto__": {"polluted": true}}') as Tree;

  const merged = mergeLayers({ a: 1 }, [layer]);

  expect(JSON.stringify(merged)).toBe('{"a":1,"__proto__":{"polluted":true}}');
  expect({}).not.toHaveProperty('polluted');
});
