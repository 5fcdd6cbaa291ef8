import { mutantsOf } from '../mutant.ts';

export const ofBootstrap = mutantsOf('bootstrap.ts', [
  [
    'what nothing has a name for is left empty',
    'fallback === undefined ? reportUnknown(name, path, filling) : fallbackOf(fallback)',
    "fallbackOf(fallback ?? '')",
  ],
  [
    'a number is filled in as a text',
    'if (scalarKind(value) === kind) return plainScalar(value);',
    'if (scalarKind(value) === kind) return value;',
  ],
  [
    'a text is filled in for a number',
    'if (scalarKind(value) === kind) return plainScalar(value);',
    'return plainScalar(value);',
  ],
  ['a structure is put into a text', 'if (isMap(value) || isList(value)) {', 'if (false) {'],
  [
    'what stands for itself is doubled',
    "if (mark === '$${') return '${';",
    "if (mark === '$${') return mark;",
  ],
]);

export const ofMergeLayers = mutantsOf('merge-layers.ts', [
  ['null stays', 'if (value === null) entries.delete(key);', 'if (false) entries.delete(key);'],
  [
    'fields of one message get into another',
    "return type === undefined || type === entryOf(base, '@type');",
    'return true;',
  ],
  [
    'of two items with one name the first is lost',
    "typeof name !== 'string' || items.has(name)",
    "typeof name !== 'string'",
  ],
]);

export const ofSecretDiscovery = mutantsOf('secret-discovery.ts', [
  ['a secret takes a name that is taken', 'taken.has(name) || ', ''],
  ['each place has a secret of its own', 'names.get(key) ?? freeName(kind)', 'freeName(kind)'],
  [
    'a list is half by file, half by secret',
    'rivalIn(map, key, place) ?? unevennessIn(value)',
    'rivalIn(map, key, place)',
  ],
  [
    'two fields say the same',
    'rivalIn(map, key, place) ?? unevennessIn(value)',
    'unevennessIn(value)',
  ],
]);
