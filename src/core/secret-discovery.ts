/**
 * Certificates that Envoy takes in while it runs: a bootstrap that names them by file is rewritten
 * to ask for secrets by SDS, and each secret is a file that Envoy watches. What each place of the
 * bootstrap says stays word for word what it was, so one bootstrap serves both ways of delivery.
 *
 * Of Envoy's `CommonTlsContext`: `tls_certificate_sds_secret_configs` is passed over wherever
 * `tls_certificates` is set, so a list becomes secrets as a whole or not at all; a secret may hold
 * all that a `validation_context` may, a validator of its own included; what stands under
 * `default_validation_context` is merged with a secret of somebody else and can't be one.
 */
import { namesUsed } from './bootstrap.ts';
import { canonicalJson } from './canonical-json.ts';
import { snakeCase } from './proto-json.ts';
import { fileOf } from './secret-files.ts';
import {
  entryOf,
  isList,
  isMap,
  mapOf,
  type Tree,
  type TreeMap,
  type TreeProblem,
  type TreeResult,
} from './tree.ts';

export interface SecretDelivery {
  /** The bootstrap as it was, fit to be validated beside the rewritten one: with a node. */
  readonly named: Tree;
  /** Speaks of `${CERT_SECRETS_DIR}` where it spoke of `${CERT_DIR}`. */
  readonly bootstrap: Tree;
  /** By name: Envoy's `Secret`, its variables not filled yet. Empty: the bootstrap is the same. */
  readonly secrets: ReadonlyMap<string, TreeMap>;
}

/**
 * Rewrites a bootstrap whose layers are merged and whose variables are not filled. Equal entries
 * share a secret. Envoy takes no secrets without a node's id and cluster, so these are filled in
 * where they are missing. A problem for each `${CERT_DIR}` that no secret can stand for.
 */
export function deliverBySecrets(merged: Tree): TreeResult<SecretDelivery> {
  const problems: TreeProblem[] = [];
  const { secrets, nameOf } = nameSecrets(namesIn(merged));
  const refuse = (path: string, reason: string) => {
    problems.push({ about: SETTING, message: refusal(path, reason) });
    return null;
  };
  const bootstrap = rewritten(merged, '', { nameOf, refuse });
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    value:
      secrets.size > 0
        ? { named: withNode(merged), bootstrap: withNode(bootstrap), secrets }
        : { named: merged, bootstrap: merged, secrets },
  };
}

const SETTING = 'BATON_CERT_DELIVERY';
const SECRET_TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';

interface Kind {
  /** What the secrets' names begin with. */
  readonly prefix: string;
  /** Of the `Secret` message. */
  readonly field: string;
}

const CERTIFICATE: Kind = { prefix: 'certificate', field: 'tls_certificate' };
const AUTHORITY: Kind = { prefix: 'authority', field: 'validation_context' };

type NameOf = (kind: Kind, content: Tree) => string;

interface Rewriting {
  /** The secret with this content. */
  readonly nameOf: NameOf;
  /** Returns what stands in place of what can't be rewritten. */
  readonly refuse: (path: string, reason: string) => null;
}

/** Equal content has one name, and no name is one that is taken. */
function nameSecrets(taken: ReadonlySet<string>) {
  const secrets = new Map<string, TreeMap>();
  const names = new Map<string, string>();
  const freeName = ({ prefix }: Kind) => {
    let count = 1;
    const isTaken = (name: string) => taken.has(name) || secrets.has(name);
    while (isTaken(`${prefix}-${count}`)) count += 1;
    return `${prefix}-${count}`;
  };
  const nameOf: NameOf = (kind, content) => {
    const key = `${kind.field} ${canonicalJson(content)}`;
    const name = names.get(key) ?? freeName(kind);
    names.set(key, name);
    secrets.set(
      name,
      mapOf([
        ['@type', SECRET_TYPE],
        ['name', name],
        [kind.field, content],
      ]),
    );
    return name;
  };
  return { secrets, nameOf };
}

function rewritten(tree: Tree, path: string, rewriting: Rewriting): Tree {
  if (isList(tree)) return tree.map((item, at) => rewritten(item, `${path}[${at}]`, rewriting));
  if (isMap(tree)) return rewrittenMap(tree, path, rewriting);
  return speaksOfFiles(tree) ? rewriting.refuse(path, reasonAt(path)) : tree;
}

function rewrittenMap(map: TreeMap, path: string, rewriting: Rewriting): TreeMap {
  const isSecret = /^static_?resources\.secrets\[\d+\]$/i.test(path) || isOfTypeSecret(map);
  const entries = Object.entries(map).map(([key, value]): readonly [string, Tree] => {
    const at = path === '' ? key : `${path}.${key}`;
    const place = isSecret || !speaksOfFiles(value) ? undefined : placeOf(key, value);
    if (place === undefined) return [key, rewritten(value, at, rewriting)];
    const obstacle = rivalIn(map, key, place) ?? unevennessIn(value);
    if (obstacle !== undefined) return [key, rewriting.refuse(at, obstacle)];
    return [place.becomes, place.configs(value, rewriting.nameOf)];
  });
  return mapOf(entries);
}

/** A field whose content can be had from secrets. */
interface Place {
  readonly becomes: string;
  readonly configs: (value: Tree, nameOf: NameOf) => Tree;
}

function placeOf(key: string, value: Tree): Place | undefined {
  const name = snakeCase(key);
  if (name === 'validation_context' && isMap(value)) return VALIDATION_CONTEXT;
  return name === 'tls_certificates' && isList(value) ? TLS_CERTIFICATES : undefined;
}

const TLS_CERTIFICATES: Place = {
  becomes: 'tls_certificate_sds_secret_configs',
  configs: (value, nameOf) =>
    isList(value) ? value.map((entry) => configFor(nameOf(CERTIFICATE, entry))) : [],
};

const VALIDATION_CONTEXT: Place = {
  becomes: 'validation_context_sds_secret_config',
  configs: (value, nameOf) => configFor(nameOf(AUTHORITY, value)),
};

/** Envoy looks at the file, and watches the folder above for the moment its link is swapped. */
function configFor(name: string): Tree {
  return {
    name,
    sds_config: {
      resource_api_version: 'V3',
      path_config_source: {
        path: `\${CERT_SECRETS_DIR}/current/${fileOf(name)}`,
        watched_directory: { path: '${CERT_SECRETS_DIR}' },
      },
    },
  };
}

/** What else says the same of its owner: beside it the rewritten field would mean something else. */
function rivalIn(owner: TreeMap, key: string, { becomes }: Place): string | undefined {
  const names = [snakeCase(key), becomes];
  const isRival = (other: string) => other !== key && names.includes(snakeCase(other));
  const rival = Object.keys(owner).find(isRival);
  return rival === undefined ? undefined : `it stands beside ${rival}`;
}

function unevennessIn(value: Tree): string | undefined {
  if (!isList(value) || value.every(speaksOfFiles)) return undefined;
  return 'not all of its entries are of ${CERT_DIR}, and Envoy reads a list in one way alone';
}

function reasonAt(path: string): string {
  if (/\bdefault_?validation_?context\b/i.test(path)) {
    return 'a combined_validation_context is merged with a secret of its own';
  }
  if (/^static_?resources\.secrets\[/i.test(path)) return 'a static secret stays as it is';
  return 'only tls_certificates and validation_context can change while Envoy runs';
}

function refusal(path: string, reason: string): string {
  return `Cannot deliver \${CERT_DIR} at ${path} to a running Envoy: ${reason}. Use ${SETTING}=restart.`;
}

/** Only where there is none: what the user says goes before Baton's own. */
function withNode(bootstrap: Tree): Tree {
  if (!isMap(bootstrap)) return bootstrap;
  const node = entryOf(bootstrap, 'node') ?? {};
  if (!isMap(node)) return bootstrap;
  const missing = Object.entries(NODE).filter(([key]) => {
    const value = entryOf(node, key) ?? '';
    return value === '';
  });
  const whole = mapOf([...Object.entries(node), ...missing]);
  return mapOf([...Object.entries(bootstrap), ['node', whole]]);
}

const NODE = { id: '${NODE_ID}', cluster: '${NODE_CLUSTER}' };

function isOfTypeSecret(map: TreeMap): boolean {
  return entryOf(map, '@type') === SECRET_TYPE;
}

function speaksOfFiles(tree: Tree): boolean {
  return namesUsed(tree).has('CERT_DIR');
}

function namesIn(tree: Tree): ReadonlySet<string> {
  if (isList(tree)) return new Set(tree.flatMap((item) => [...namesIn(item)]));
  if (!isMap(tree)) return new Set();
  const name = entryOf(tree, 'name');
  const below = Object.values(tree).flatMap((value) => [...namesIn(value)]);
  return new Set(typeof name === 'string' ? [name, ...below] : below);
}
