/** What a change or a request does to a handover in progress. */
import { isChangeWaiting, isTakenBack } from './changes.ts';
import { startChecks, TAKEN_BACK } from './handover.ts';
import { endHandover } from './handover-end.ts';
import type { Desired } from './model.ts';
import type { Handover, PendingRequest } from './state.ts';
import { arm, disarm, failingLaunch, servingLaunch, setHandover, type Turn } from './turn.ts';

/** What changed is a new chance: earlier failures count no more, what waits is tried now. */
export function retarget(turn: Turn, desired: Desired): Turn {
  const { handover } = turn.state;
  if (handover === undefined) return turn;
  if (handover.aim === 'standby') return giveWay(turn);
  const isOpen = NOT_LAUNCHED.includes(handover.step) && !isSilent(handover);
  // After a launch fell silent its parent may answer late; that is waited out first.
  if (isOpen && isTakenBack(turn)) return endHandover(turn, 'abandoned', TAKEN_BACK);
  const { scope: _, notInPlace: __, ...whole } = handover;
  const isWaiting = ['backoff', 'repairing', 'headroom'].includes(handover.step);
  const isRescue = handover.aim === 'restore' && failingLaunch(turn.state) !== undefined;
  const anew = isWaiting && !isRescue ? turnedTo(desired, whole) : whole;
  const attempts = isSilent(handover) ? handover.attempts.slice(-1) : [];
  return hurry(setHandover(turn, { ...anew, attempts }));
}

/** What was to bring back the old content brings the new one. */
export function turnedTo(target: Desired, handover: Handover): Handover {
  if (handover.aim === 'change') return { ...handover, target };
  return { ...handover, aim: 'change', askedMode: 'auto', target };
}

const NOT_LAUNCHED: readonly Handover['step'][] = ['checking', 'headroom', 'backoff'];
/** How long a change waits for a standby that has been launched. */
export const STANDBY_GRACE_MS = 5_000;

/** A standby goes on to what is LIVE already; a change comes first, or right after its launch. */
export function giveWay(turn: Turn): Turn {
  const { handover } = turn.state;
  const isInTheWay = servingLaunch(turn.state) !== undefined && isChangeWaiting(turn);
  if (handover?.aim !== 'standby' || !isInTheWay) return turn;
  if (NOT_LAUNCHED.includes(handover.step)) {
    return endHandover(turn, 'abandoned', 'a change comes first');
  }
  if (handover.step !== 'starting' || handover.launch === undefined) return turn;
  const deadline = `initialize:${handover.launch}` as const;
  const dueMs = turn.state.timers.get(deadline) ?? Number.POSITIVE_INFINITY;
  const isSooner = turn.atMs + STANDBY_GRACE_MS < dueMs;
  return isSooner ? arm(turn, deadline, STANDBY_GRACE_MS) : turn;
}

/** The handover with who asked for one of their own, to be answered by it. */
export function joinedBy(handover: Handover, askers: readonly PendingRequest[]): Handover {
  const triggers = [...handover.triggers, ...askers.map(({ trigger }) => trigger)];
  const asked = askers.flatMap(({ id }) => (id === undefined ? [] : [id]));
  return {
    ...handover,
    triggers: [...new Set(triggers)],
    requests: [...handover.requests, ...asked],
  };
}

/** Does not wait out a token's delay; a late answer to a launch that fell silent is waited out. */
export function hurry(turn: Turn): Turn {
  const { handover } = turn.state;
  if (handover?.step === 'headroom') return startChecks(disarm(turn, 'headroom'));
  if (handover?.step !== 'backoff' || isSilent(handover)) return turn;
  return startChecks(disarm(turn, 'retry'));
}

function isSilent({ attempts }: Handover): boolean {
  return attempts.at(-1)?.wasSilent === true;
}
