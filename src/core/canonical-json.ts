import { isList, isMap, mapOf, type Tree } from './tree.ts';

/**
 * The same text for equal trees whatever order their keys came in, for a person to read and for a
 * digest to compare. Keys are sorted by code unit; a lone surrogate is written as its escape.
 */
export function canonicalJson(tree: Tree): string {
  return `${JSON.stringify(sorted(tree), undefined, 2)}\n`;
}

function sorted(tree: Tree): Tree {
  if (isList(tree)) return tree.map(sorted);
  if (!isMap(tree)) return tree;
  const keys = Object.keys(tree).sort();
  return mapOf(keys.map((key) => [key, sorted(tree[key] ?? null)]));
}
