import { entryOf, isList, isMap, mapOf, type Tree, type TreeMap } from './tree.ts';

/**
 * Puts layers over a bootstrap, in order. Maps merge entry by entry, and a `null` in a layer takes
 * the entry away. Lists whose items are all maps with a `name` of their own merge item by item;
 * other lists are appended. Everything else is replaced, a map whose `@type` differs too: the
 * fields of one message make no sense in another.
 */
export function mergeLayers(base: Tree, layers: readonly Tree[]): Tree {
  return layers.reduce(merged, base);
}

function merged(base: Tree | undefined, layer: Tree): Tree {
  if (isMap(layer)) return mergedMaps(isSameMessage(base, layer) ? base : {}, layer);
  if (isList(layer) && isList(base)) return mergedLists(base, layer);
  return layer;
}

function isSameMessage(base: Tree | undefined, layer: TreeMap): base is TreeMap {
  if (!isMap(base)) return false;
  const type = entryOf(layer, '@type');
  return type === undefined || type === entryOf(base, '@type');
}

function mergedMaps(base: TreeMap, layer: TreeMap): TreeMap {
  const entries = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(layer)) {
    if (value === null) entries.delete(key);
    else entries.set(key, merged(entries.get(key), value));
  }
  return mapOf(entries);
}

function mergedLists(base: readonly Tree[], layer: readonly Tree[]): readonly Tree[] {
  const baseByName = byName(base);
  const layerByName = byName(layer);
  if (baseByName === undefined || layerByName === undefined) return [...base, ...layer];
  const items = new Map(baseByName);
  for (const [name, item] of layerByName) items.set(name, merged(items.get(name), item));
  return [...items.values()];
}

/** Absent unless every item is a map with a name that no other item has. */
function byName(list: readonly Tree[]): Map<string, Tree> | undefined {
  const items = new Map<string, Tree>();
  for (const item of list) {
    const name = isMap(item) ? entryOf(item, 'name') : undefined;
    if (typeof name !== 'string' || items.has(name)) return undefined;
    items.set(name, item);
  }
  return items;
}
