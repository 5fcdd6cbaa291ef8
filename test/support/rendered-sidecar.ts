/** The built-in template the way the agent renders it: settings in, canonical JSON out. */
import { readSources } from '../../src/adapters/bootstrap-sources.ts';
import { fillTemplate, namesUsed } from '../../src/core/bootstrap.ts';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import { mergeLayers } from '../../src/core/merge-layers.ts';
import { type LaunchPaths, templateValues } from '../../src/core/template-values.ts';
import type { Result } from '../../src/ports.ts';
import { nearestName } from '../../src/settings/nearest.ts';
import { identityOf, readSettings } from '../../src/settings.ts';

const facts = {
  cpuCount: 1,
  envoyOnPath: undefined,
  isTerminal: false,
  hostName: 'host',
  runDirectory: '/run/baton',
};

export interface RenderedSidecar {
  readonly json: string;
  /** The variables of the template with its layers. */
  readonly names: readonly string[];
}

/** @throws Error with the problems, when there are any */
export async function renderedSidecar(
  env: Readonly<Record<string, string>>,
  paths: LaunchPaths,
): Promise<RenderedSidecar> {
  const settings = required(readSettings(env, facts));
  const { bootstrap, bootstrapLayers, templateTexts } = settings;
  const sources = required(await readSources({ bootstrap, layers: bootstrapLayers }));
  const tree = mergeLayers(sources.base, sources.layers);
  const values = templateValues(identityOf(settings), templateTexts, paths);
  return {
    json: canonicalJson(required(fillTemplate(tree, values, nearestName))),
    names: [...namesUsed(tree)],
  };
}

function required<Value>(result: Result<Value>): Value {
  if (result.ok) return result.value;
  throw new Error(result.problems.map(({ message }) => message).join('\n'));
}
