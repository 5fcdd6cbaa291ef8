/** Certificate folders that a bootstrap speaks of by their own paths. */
import { changeStrings, type Tree } from './tree.ts';

/** Those of the folders that hold a file named in the bootstrap. */
export function foldersNamedIn(bootstrap: Tree, folders: readonly string[]): readonly string[] {
  const named = new Set<string>();
  changeStrings(bootstrap, (text) => {
    for (const folder of folders) {
      if (text.startsWith(`${folder.replace(/\/+$/, '')}/`)) named.add(folder);
    }
    return text;
  });
  return folders.filter((folder) => named.has(folder));
}
