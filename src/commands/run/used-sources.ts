/** Which of the files that were read are still in use: the others go, from disk too. */
import type { Agent } from '../../agent.ts';
import type { Desired, Policy } from '../../core/model.ts';
import type { State } from '../../core/state.ts';
import { createDryRun, type DryRun, type DryRunWorld } from '../../work/dry-run.ts';
import type { Sources } from './sources.ts';

export interface UsedSources {
  readonly agent: Agent;
  readonly sources: Sources;
}

/** Forgets what no launch and no plan needs any more. */
export function keepUsed({ agent, sources }: UsedSources): Promise<void> {
  return sources.keepOnly(inUse(agent.state()));
}

/** What a launch runs with or a restart would go back to. */
function inUse({ desired, committed, handover, launches }: State): readonly Desired[] {
  const all = [desired, committed, handover?.target, ...launches.map(({ target }) => target)];
  return all.filter((one) => one !== undefined);
}

/** Certificates that it alone has read are gone soon after its answer. */
export function dryRunOf(
  world: Omit<DryRunWorld, 'policy' | 'state' | 'preview'>,
  policy: Policy,
  { agent, sources }: UsedSources,
): DryRun {
  const dryRun = createDryRun({
    ...world,
    policy,
    state: agent.state,
    preview: sources.preview,
  });
  return (mode) => dryRun(mode).finally(() => void keepUsed({ agent, sources }));
}
