/** Which way the serving launch is replaced, and why not another. */
import type { Mode, Policy } from './model.ts';
import type { Handover, State } from './state.ts';
import { newestInheritable, servingLaunch } from './turn.ts';

export interface ModeFacts {
  /** Whether the binary speaks the hot restart version of the launch it would inherit from. */
  readonly speaksSameVersion: boolean;
  readonly policy: Pick<Policy, 'handover'>;
}

export type ModeChoice =
  | { readonly mode: Mode; readonly reason?: never }
  | { readonly mode?: never; readonly reason: string };

/**
 * `hot` comes first because it alone never loses a connection that waits in an accept queue
 * (measured on Envoy 1.40). Where it can't be done `auto` goes side by side; only a mode that was
 * asked for by name is refused.
 */
export function chooseMode(state: State, handover: Handover, facts: ModeFacts): ModeChoice {
  const living = state.launches.filter(({ stage }) => stage === 'live' || stage === 'retiring');
  if (living.length === 0) return { mode: 'cold' };
  const obstacle = obstacleToHot(state, facts);
  if (servingLaunch(state) === undefined) {
    return { mode: obstacle === undefined ? 'hot' : 'side-by-side' };
  }
  const asked = handover.askedMode === 'auto' ? facts.policy.handover : handover.askedMode;
  if (asked === 'hot' && obstacle !== undefined) return { reason: obstacle };
  if (asked === 'auto') return { mode: obstacle === undefined ? 'hot' : 'side-by-side' };
  return { mode: asked };
}

/** What keeps the newest launch from being inherited from; undefined when nothing does. */
export function obstacleToHot(state: State, facts: ModeFacts): string | undefined {
  const newest = newestInheritable(state);
  if (newest === undefined) return 'no Envoy is running';
  if (newest.isDoomed) return 'its parent died under it, so it will abort';
  const unsoundness = state.unsound.get(newest.lineage);
  if (unsoundness === 'poisoned') return 'its lineage has not been repaired';
  if (unsoundness === 'beyondRepair') return 'its lineage could not be repaired';
  if (!facts.speaksSameVersion) return 'the new binary speaks another hot restart version';
  return undefined;
}
