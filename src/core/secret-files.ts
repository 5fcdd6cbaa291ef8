/**
 * The files that Envoy reads its secrets from. Contents stand in them, not the names of further
 * files: for each name Envoy would open an inotify instance at each update, of which a user has 128,
 * and abort when there is none left (measured on 1.40); and it would take a secret whose files are
 * not there for a reason to serve without.
 */
import { canonicalJson } from './canonical-json.ts';
import { isList, isMap, mapOf, type Tree } from './tree.ts';

/** Every file that the secrets name. */
export function filesNamedIn(secrets: Iterable<Tree>): readonly string[] {
  return [...new Set([...secrets].flatMap(namesBelow))];
}

/**
 * The file of each secret, by its name in the folder: what a control plane would answer, with
 * `version` as the version that Envoy shows.
 *
 * @param contentOf base64 of a file's content; undefined for one that is named, not put in
 */
export function secretFiles(
  secrets: ReadonlyMap<string, Tree>,
  version: string,
  contentOf: (path: string) => string | undefined,
): ReadonlyMap<string, string> {
  const files = [...secrets].map(([name, secret]) => {
    const resources = [withContents(secret, contentOf)];
    return [fileOf(name), canonicalJson({ version_info: version, resources })] as const;
  });
  return new Map(files);
}

/** What the bootstrap asks for by the name of the secret. */
export const fileOf = (name: string) => `${name}.json`;

function namesBelow(tree: Tree): readonly string[] {
  if (isList(tree)) return tree.flatMap(namesBelow);
  if (!isMap(tree)) return [];
  return Object.entries(tree).flatMap(([key, value]) =>
    key === 'filename' && typeof value === 'string' ? [value] : namesBelow(value),
  );
}

type ContentOf = (path: string) => string | undefined;

function withContents(tree: Tree, contentOf: ContentOf): Tree {
  if (isList(tree)) return tree.map((item) => withContents(item, contentOf));
  if (!isMap(tree)) return tree;
  const entries = Object.entries(tree)
    // Without files there is no folder to be watched for them.
    .filter(([key]) => !/^watched_?directory$/i.test(key))
    .map(([key, value]): readonly [string, Tree] => {
      const content =
        key === 'filename' && typeof value === 'string' ? contentOf(value) : undefined;
      return content === undefined
        ? [key, withContents(value, contentOf)]
        : ['inline_bytes', content];
    });
  return mapOf(entries);
}
