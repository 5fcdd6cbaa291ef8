/** A bootstrap ready to be launched: layers merged, names filled, canonical. */
import { createHash } from 'node:crypto';
import { AgentError } from '../core/agent-error.ts';
import { fillTemplate, type Nearest, namesUsed, unusedNames } from '../core/bootstrap.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { mergeLayers } from '../core/merge-layers.ts';
import { type Digest, digestOf, type Policy } from '../core/model.ts';
import { deliverBySecrets, type SecretDelivery } from '../core/secret-discovery.ts';
import type { LaunchPaths } from '../core/template-values.ts';
import type { Tree, TreeProblem, TreeResult } from '../core/tree.ts';
import type { Result } from '../ports.ts';

export interface BootstrapParts {
  readonly base: Tree;
  readonly layers: readonly Tree[];
}

export interface Filling {
  readonly valuesFor: (paths: LaunchPaths) => ReadonlyMap<string, Tree>;
  /** Names the user gave values for, to find the misspelt ones. */
  readonly givenNames: readonly string[];
  readonly nearest: Nearest;
  readonly delivery: Policy['delivery'];
}

export interface BootstrapMaterial {
  /** Over the content, values and all: a comment or another order of keys changes nothing. */
  readonly digest: Digest;
  /** The whole tree, its names not filled yet. */
  readonly merged: Tree;
  /** Whether it speaks of CERT_DIR. */
  readonly needsCertificates: boolean;
  /** With every certificate named by its file. @throws AgentError when a needed path is left out */
  named(paths: LaunchPaths): Tree;
  /** As it is launched, which is the same but where certificates come by file SDS. @throws AgentError */
  launched(paths: LaunchPaths): Tree;
  /** By name; none but where certificates come by file SDS. @throws AgentError */
  secrets(paths: LaunchPaths): ReadonlyMap<string, Tree>;
}

/** Stand for what only a launch knows, when a bootstrap is tried and compared. */
const ANY_LAUNCH: LaunchPaths = {
  adminSocket: '/admin.sock',
  certificateFolder: '/certificates',
  secretsFolder: '/secrets',
};

/**
 * All problems at once where a name can't be filled, a given value names nothing, or a certificate
 * can't be delivered as it is to be.
 */
export function bootstrapMaterial(
  { base, layers }: BootstrapParts,
  { valuesFor, givenNames, nearest, delivery }: Filling,
): Result<BootstrapMaterial> {
  const merged = mergeLayers(base, layers);
  const tried = fillTemplate(merged, valuesFor(ANY_LAUNCH), nearest);
  const misspelt = unusedNames(merged, givenNames, nearest);
  const rewritten = delivery === 'sds' ? deliverBySecrets(merged) : asItIs(merged);
  const problems = [misspelt, problemsOf(tried), problemsOf(rewritten)].flat();
  if (!tried.ok || !rewritten.ok || problems.length > 0) return { ok: false, problems };
  const { named, bootstrap, secrets } = rewritten.value;
  const fill = (tree: Tree, paths: LaunchPaths) => filled(tree, valuesFor(paths), nearest);
  const digest = createHash('sha256').update(canonicalJson(tried.value)).digest('hex');
  const material = {
    digest: digestOf(digest),
    merged,
    needsCertificates: namesUsed(merged).has('CERT_DIR'),
    named: (paths: LaunchPaths) => fill(named, paths),
    launched: (paths: LaunchPaths) => fill(bootstrap, paths),
    secrets: (paths: LaunchPaths) =>
      new Map([...secrets].map(([name, secret]) => [name, fill(secret, paths)])),
  };
  return { ok: true, value: material };
}

function asItIs(bootstrap: Tree): TreeResult<SecretDelivery> {
  return { ok: true, value: { named: bootstrap, bootstrap, secrets: new Map() } };
}

function problemsOf(result: TreeResult<unknown>): readonly TreeProblem[] {
  return result.ok ? [] : result.problems;
}

function filled(tree: Tree, values: ReadonlyMap<string, Tree>, nearest: Nearest): Tree {
  const result = fillTemplate(tree, values, nearest);
  if (result.ok) return result.value;
  const reasons = result.problems.map(({ message }) => message).join(' ');
  throw new AgentError('bootstrapNotFilled', reasons);
}
