/** A parsed bootstrap, or a part of one: what JSON can say, `null` included. */
export type Tree = null | boolean | number | string | readonly Tree[] | TreeMap;

export interface TreeMap {
  readonly [key: string]: Tree;
}

/** Of the same shape as `Problem` of the ports, which the core cannot name. */
export interface TreeProblem {
  readonly about: string;
  readonly message: string;
}

export type TreeResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problems: readonly TreeProblem[] };

export function isList(tree: Tree | undefined): tree is readonly Tree[] {
  return Array.isArray(tree);
}

export function isMap(tree: Tree | undefined): tree is TreeMap {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree);
}

/**
 * A map from its entries. Every map of a tree is made here: an entry named `__proto__` becomes an
 * entry, where an assignment would change the prototype.
 */
export function mapOf(entries: Iterable<readonly [string, Tree]>): TreeMap {
  return Object.fromEntries(entries);
}

/** What stands under a key; an inherited name such as `constructor` is no entry. */
export function entryOf(map: TreeMap, key: string): Tree | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/**
 * The same tree with every string replaced by what `change` makes of it; keys stay as they are.
 * `path` reads like `static_resources.listeners[0].name`.
 */
export function changeStrings(
  tree: Tree,
  change: (text: string, path: string) => Tree,
  path = '',
): Tree {
  if (typeof tree === 'string') return change(tree, path);
  if (isList(tree)) return tree.map((item, at) => changeStrings(item, change, `${path}[${at}]`));
  if (!isMap(tree)) return tree;
  return mapOf(
    Object.entries(tree).map(([key, value]) => [
      key,
      changeStrings(value, change, path === '' ? key : `${path}.${key}`),
    ]),
  );
}

/** How many levels of maps and lists lie in each other; a scalar has none. Stops counting at `limit`. */
export function depthOf(tree: Tree, limit: number): number {
  if (limit === 0 || typeof tree !== 'object' || tree === null) return 0;
  let deepest = 0;
  for (const child of Object.values(tree)) {
    deepest = Math.max(deepest, depthOf(child as Tree, limit - 1));
  }
  return deepest + 1;
}
