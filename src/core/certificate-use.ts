/** Which certificate files Envoy is told to load. */
import { field, itemsOf } from './proto-json.ts';
import { isList, isMap, type Tree, type TreeMap } from './tree.ts';

/** Each path once, as it is written, in order of first appearance. */
export interface CertificateUse {
  /** Files with a leaf and what leads to its authority. */
  readonly chains: readonly string[];
  /** Files with trusted authorities. */
  readonly authorities: readonly string[];
}

/**
 * The files that a filled bootstrap names, and the filled secrets that it asks for. A static secret
 * counts only where something asks for it: Envoy doesn't show one that nobody uses.
 */
export function certificateUse(bootstrap: Tree, secrets: Iterable<Tree> = []): CertificateUse {
  const maps = [...mapsIn(bootstrap, idleSecrets(bootstrap)), ...mapsIn([...secrets], new Set())];
  return {
    chains: filesUnder('certificate_chain', maps),
    authorities: filesUnder('trusted_ca', maps),
  };
}

function filesUnder(name: string, maps: readonly TreeMap[]): readonly string[] {
  const paths = maps.map((map) => field(field(map, name), 'filename'));
  return [...new Set(paths.filter((path) => typeof path === 'string'))];
}

function* mapsIn(tree: Tree, passedOver: ReadonlySet<Tree>): Generator<TreeMap> {
  if (passedOver.has(tree)) return;
  if (isMap(tree)) yield tree;
  const below = isMap(tree) ? Object.values(tree) : isList(tree) ? tree : [];
  for (const value of below) yield* mapsIn(value, passedOver);
}

/** Static secrets that no TLS context names. */
function idleSecrets(filled: Tree): ReadonlySet<Tree> {
  const secrets = itemsOf(field(field(filled, 'static_resources'), 'secrets'));
  if (secrets.length === 0) return new Set();
  const asked = new Set([...mapsIn(filled, new Set(secrets))].flatMap(namesAskedFor));
  return new Set(secrets.filter((secret) => !asked.has(field(secret, 'name'))));
}

function namesAskedFor(map: TreeMap): readonly (Tree | undefined)[] {
  const configs = [
    ...itemsOf(field(map, 'tls_certificate_sds_secret_configs')),
    field(map, 'validation_context_sds_secret_config'),
  ];
  return configs.map((config) => field(config, 'name'));
}
