/** How the second Envoy fares, where there is to be one all the time. */
import type { Policy } from './model.ts';
import type { Outlook } from './readiness.ts';
import { delayAfterFailure } from './restart-tokens.ts';
import { secondsOf } from './seconds.ts';
import type { State } from './state.ts';

export interface StandbyStatus {
  /** `missing`: it was given up for now. */
  readonly state: 'serving' | 'starting' | 'missing';
  /** Why it was given up, and when it is tried again; one line. */
  readonly reason?: string | undefined;
}

/** Undefined where there is to be none: it is switched off, or the agent stops. */
export function standbyStatus(state: State, outlook: Outlook): StandbyStatus | undefined {
  if (!outlook.policy.standby || state.stop !== undefined) return undefined;
  if (!isStandbyMissing(state, outlook.policy)) return { state: 'serving' };
  if (state.standbyGivenUp !== state.generation) return { state: 'starting' };
  return {
    state: 'missing',
    reason: `${whyGivenUp(state, outlook)}; ${whenAgain(state, outlook)}`,
  };
}

/** Whether there are to be two Envoys that serve, and there are fewer. */
export function isStandbyMissing(state: State, { standby }: Pick<Policy, 'standby'>): boolean {
  if (!standby || state.stop !== undefined) return false;
  return state.launches.filter(({ stage, isHung }) => stage === 'live' && !isHung).length < 2;
}

function whyGivenUp({ crashes, lastEnd }: State, { policy }: Outlook): string {
  if (delayAfterFailure(crashes.length, policy) === undefined) {
    return `all ${policy.restartTokens} restart tokens are spent`;
  }
  const isOfStandby = lastEnd?.triggers.some((one) => one === 'standby' || one === 'crash');
  return (isOfStandby ? lastEnd?.reason : undefined) ?? 'it could not be started';
}

function whenAgain({ timers }: State, { moment }: Outlook): string {
  const dueMs = timers.get('standby') ?? timers.get('refill');
  const inTime = dueMs === undefined ? '' : `in ${secondsOf(dueMs - moment.atMs)} s, or `;
  return `tried again ${inTime}when something on disk changes or someone asks for a handover`;
}
