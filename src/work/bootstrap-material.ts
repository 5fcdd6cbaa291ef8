/** A bootstrap ready to be launched: layers merged, names filled, canonical. */
import { createHash } from 'node:crypto';
import { AgentError } from '../core/agent-error.ts';
import { fillTemplate, type Nearest, namesUsed, unusedNames } from '../core/bootstrap.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { mergeLayers } from '../core/merge-layers.ts';
import { type Digest, digestOf } from '../core/model.ts';
import type { LaunchPaths } from '../core/template-values.ts';
import type { Tree } from '../core/tree.ts';
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
}

export interface BootstrapMaterial {
  /** Over the content, values and all: a comment or another order of keys changes nothing. */
  readonly digest: Digest;
  /** The whole tree, its names not filled yet. */
  readonly merged: Tree;
  /** Whether it speaks of CERT_DIR. */
  readonly needsCertificates: boolean;
  /** The bootstrap as canonical JSON. @throws AgentError when a needed path is left out */
  json(paths: LaunchPaths): string;
}

/** Stand for what only a launch knows, when a bootstrap is tried and compared. */
const ANY_LAUNCH: LaunchPaths = { adminSocket: '/admin.sock', certificateFolder: '/certificates' };

/** All problems at once where a name can't be filled or a given value names nothing. */
export function bootstrapMaterial(
  { base, layers }: BootstrapParts,
  { valuesFor, givenNames, nearest }: Filling,
): Result<BootstrapMaterial> {
  const merged = mergeLayers(base, layers);
  const fill = (paths: LaunchPaths) => fillTemplate(merged, valuesFor(paths), nearest);
  const tried = fill(ANY_LAUNCH);
  const misspelt = unusedNames(merged, givenNames, nearest);
  if (!tried.ok) return { ok: false, problems: [...misspelt, ...tried.problems] };
  if (misspelt.length > 0) return { ok: false, problems: misspelt };
  const digest = createHash('sha256').update(canonicalJson(tried.value)).digest('hex');
  const material = {
    digest: digestOf(digest),
    merged,
    needsCertificates: namesUsed(merged).has('CERT_DIR'),
    json: (paths: LaunchPaths) => {
      const filled = fill(paths);
      if (filled.ok) return canonicalJson(filled.value);
      const reasons = filled.problems.map(({ message }) => message).join(' ');
      throw new AgentError('bootstrapNotFilled', reasons);
    },
  };
  return { ok: true, value: material };
}
