/** Reading what protobuf's JSON mapping allows: each field may stand under either of two names. */
import { entryOf, isList, isMap, type Tree } from './tree.ts';

/** What stands under a field, by its own name (`bind_to_port`) or by its camel-case one. */
export function field(tree: Tree | undefined, name: string): Tree | undefined {
  if (!isMap(tree)) return undefined;
  const camel = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return entryOf(tree, name) ?? entryOf(tree, camel);
}

/** The items of a repeated field; none where there is no list. */
export function itemsOf(tree: Tree | undefined): readonly Tree[] {
  return isList(tree) ? tree : [];
}

/** The field's own name, whichever of the two the key is. */
export function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
