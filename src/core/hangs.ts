/**
 * An Envoy that lives and answers nothing. Its admin is asked over a connection that is kept, so
 * silence means a main thread that does not run: stopped, dead-locked, or waiting for its parent.
 */
import type { Event } from './events.ts';
import { rescue } from './failures.ts';
import { endHandover } from './handover-end.ts';
import { delayAfterFailure } from './restart-tokens.ts';
import { killLaunch } from './retiring.ts';
import type { Attempt, Handover, Launch } from './state.ts';
import { ANSWERS_AGAIN, giveUpRunning, recordCrash } from './tries.ts';
import { disarm, findLaunch, parentOf, patchLaunch, type Turn } from './turn.ts';

type Silent = Event & { readonly type: 'launchSilent' };

/** Silence is noted at once and acted on at its deadline; a stop has deadlines of its own. */
export function onLaunchSilent(turn: Turn, { launch: id, silentMs }: Silent): Turn {
  const launch = findLaunch(turn.state, id);
  if (launch === undefined || launch.isKilled || !isWatched(launch)) return turn;
  const noted = patchLaunch(turn, id, { silentMs });
  const { hangDeadlineMs } = turn.policy;
  const isOverdue = hangDeadlineMs > 0 && silentMs >= hangDeadlineMs;
  return isOverdue && turn.state.stop === undefined ? onHung(noted, launch) : noted;
}

/** It was only slow. A replacement that was not launched yet is not needed any more. */
export function onLaunchHeard(turn: Turn, { launch: id }: Event & { type: 'launchHeard' }): Turn {
  const launch = findLaunch(turn.state, id);
  const quiet = disarm(turn, `replace:${id}`);
  const heard = patchLaunch(quiet, id, { silentMs: undefined, isHung: undefined });
  const { handover } = turn.state;
  const isRescue = handover?.aim === 'restore' && handover.replaces === id;
  if (!isRescue || !launch?.isHung || launch.isDoomed || !PREPARING.includes(handover.step))
    return heard;
  return endHandover(heard, 'abandoned', ANSWERS_AGAIN);
}

const PREPARING: readonly Handover['step'][] = ['checking', 'headroom', 'repairing', 'backoff'];

function isWatched({ stage }: Launch): boolean {
  return stage === 'live' || stage === 'retiring';
}

function onHung(turn: Turn, launch: Launch): Turn {
  // Its end leads to the rescue of its child, if it has one.
  if (launch.stage === 'retiring') return killLaunch(turn, launch.id);
  const parent = parentOf(turn.state, launch);
  // A child waits for its parent's answer: where both are silent the parent is at fault.
  if (parent?.silentMs !== undefined) return killLaunch(turn, parent.id);
  // It is being replaced already.
  if (launch.isDoomed) return turn;
  if (isOneOfTwo(turn, launch)) return killLaunch(turn, launch.id);
  return launch.isHung ? turn : replace(turn, launch);
}

/** One that answers goes on serving, and one that hangs as well is being replaced already. */
function isOneOfTwo({ state }: Turn, launch: Launch): boolean {
  return state.launches.some(({ id, stage, silentMs, isHung, isKilled }) => {
    const isKept = silentMs === undefined || isHung === true;
    return id !== launch.id && stage === 'live' && isKept && !isKilled;
  });
}

/** Its workers may still serve: a new lineage is LIVE before it is killed. */
function replace(turn: Turn, launch: Launch): Turn {
  const hung = recordCrash(patchLaunch(turn, launch.id, { isHung: true }), hangOf(turn, launch));
  const isOutOfTokens = delayAfterFailure(hung.state.crashes.length, turn.policy) === undefined;
  return isOutOfTokens ? giveUpRunning(hung) : rescue(hung, launch, 'the old Envoy hangs');
}

function hangOf(turn: Turn, launch: Launch): Attempt {
  const silentMs = findLaunch(turn.state, launch.id)?.silentMs ?? 0;
  return {
    launch: launch.id,
    epoch: launch.epoch,
    outcome: { kind: 'hung', silentMs },
    uptimeMs: turn.atMs - launch.startedAtMs,
    wasLive: true,
    wasSilent: true,
    lastLines: [],
  };
}
