/**
 * What the end of a launch leads to: which side of the takeover it was on decides. An exit that
 * nobody asked for is a failure whatever its code, 0 included.
 */
import { attemptOf, reasonOf } from './attempts.ts';
import type { Event } from './events.ts';
import {
  beginRescue,
  type HandoverPlan,
  prepareHandover,
  proceed,
  startChecks,
} from './handover.ts';
import { endHandover } from './handover-end.ts';
import type { LaunchId, LineageId } from './model.ts';
import { onProvingExited } from './proof.ts';
import { hurry } from './redirect.ts';
import { delayAfterFailure } from './restart-tokens.ts';
import { endLaunch, killLaunch, leftOnTime, retireDrained } from './retiring.ts';
import type { Handover, Launch } from './state.ts';
import { continueStop } from './stopping.ts';
import {
  backOff,
  giveUpRunning,
  isServed,
  permanentExit,
  recordCrash,
  stopFor,
  tryAgain,
  withAttempt,
} from './tries.ts';
import {
  childOf,
  disarm,
  dropLaunch,
  emit,
  findLaunch,
  parentOf,
  patchLaunch,
  setHandover,
  setSoundness,
  setState,
  type Turn,
} from './turn.ts';

type Exited = Event & { readonly type: 'launchExited' };

/** A launch is gone: what that leads to depends on the stage it was in. */
export function onLaunchExited(turn: Turn, event: Exited): Turn {
  const launch = findLaunch(turn.state, event.launch);
  if (launch === undefined) return turn;
  const gone = dropLaunch(onProvingExited(turn, launch.id), launch.id);
  if (gone.state.stop !== undefined) return continueStop(gone);
  switch (launch.stage) {
    case 'starting':
      return onFailedStart(gone, launch, event);
    case 'live':
      return onCrash(gone, launch, event);
    case 'retiring':
      return onRetired(gone, launch, event);
    case 'stopping':
      return onEnded(repairAfter(gone, launch));
  }
}

/** We ended it. A handover that waited for it goes on; one that was only retiring it is over. */
function onEnded(turn: Turn): Turn {
  const { handover } = turn.state;
  // There may be room now for what waited for it.
  if (handover?.step === 'headroom') return hurry(turn);
  if (handover?.step === 'clearing') return proceed(turn);
  return handover?.step === 'retiring' ? finishRetiring(turn) : goOnUnlessPoisoned(turn);
}

/** Killed before it was LIVE it left its lineage poisoned, in which its parent lives on. */
function repairAfter(turn: Turn, { lineage }: Launch): Turn {
  const isPoisoned = turn.state.unsound.get(lineage) === 'poisoned';
  const isFree = turn.state.launches.every(
    (one) => one.lineage !== lineage || one.stage === 'live',
  );
  return isPoisoned && isFree ? emit(turn, { type: 'repairLineage', lineage }) : turn;
}

function onRetired(turn: Turn, launch: Launch, event: Exited): Turn {
  const child = childOf(turn.state, launch);
  const wasClean = event.outcome.kind === 'exited' && event.outcome.code === 0;
  // It waits for an answer that will not come; its end leads to the next attempt.
  if (child?.stage === 'starting') return killLaunch(turn, child.id);
  if (child === undefined || leftOnTime(turn, launch, wasClean)) return onEnded(turn);
  // Its main thread freezes at the next stats flush and it aborts 10-15 s after (measured), while
  // its workers go on serving.
  const doomed = patchLaunch(turn, child.id, { isDoomed: true });
  return child.stage === 'live'
    ? rescue(doomed, child, 'the old Envoy died too early')
    : onEnded(doomed);
}

/** A launch that still serves but will not for long: a new lineage takes over before its end. */
export function rescue(turn: Turn, failing: Launch, reason: string): Turn {
  const { handover, launches } = turn.state;
  const starting = launches.find(({ stage }) => stage === 'starting');
  // Whatever else becomes LIVE retires it: its replacement is on the way.
  if (starting !== undefined && starting.lineage !== failing.lineage) return turn;
  const isBegun = handover?.aim === 'restore' && handover.replaces === failing.id;
  if (isBegun && handover.step !== 'retiring') return turn;
  const cleared = starting === undefined ? turn : endStarting(turn, starting);
  return beginRescue(endHandover(cleared, 'abandoned', reason), failing.id);
}

function finishRetiring(turn: Turn): Turn {
  const isSomeoneLeft = turn.state.launches.some(
    ({ stage }) => stage === 'retiring' || stage === 'stopping',
  );
  return isSomeoneLeft ? turn : setState(turn, { handover: undefined });
}

/** A serving launch is gone. That it hung was counted already. */
function onCrash(turn: Turn, launch: Launch, event: Exited): Turn {
  const isCounted = launch.isHung && turn.state.crashes.some((one) => one.launch === launch.id);
  const counted = isCounted ? turn : recordCrash(turn, attemptOf(turn, launch, event));
  return isServed(counted) ? onOneOfTwoLost(counted, launch) : onServiceLost(counted);
}

function onServiceLost(turn: Turn): Turn {
  const counted = disarm(turn, 'refill');
  const { handover } = counted.state;
  const successor = counted.state.launches.find(({ stage }) => stage === 'starting');
  if (handover?.mode === 'side-by-side' && successor !== undefined) return counted;
  if (successor === undefined) return scheduleRestore(counted);
  return scheduleRestore(endStarting(counted, successor));
}

/** Killed beside its parent it leaves their lineage poisoned. */
function endStarting(turn: Turn, starting: Launch): Turn {
  const isChild = parentOf(turn.state, starting) !== undefined;
  const marked = isChild ? setSoundness(turn, starting.lineage, 'poisoned') : turn;
  return endLaunch(marked, starting.id);
}

/** The other one serves on: no outage, but a token and its delay before there are two again. */
function onOneOfTwoLost(turn: Turn, lost: Launch): Turn {
  const { handover, crashes, launches } = turn.state;
  if (handover === undefined || isOver(turn, handover)) return scheduleStandby(turn);
  const attempt = crashes.at(-1);
  const child = launches.find(({ stage, lineage }) => {
    return stage === 'starting' && lineage === lost.lineage;
  });
  // It waits for answers of a parent that is gone.
  if (child !== undefined && attempt !== undefined) {
    return tryAgain(withAttempt(endLaunch(turn, child.id), attempt), attempt);
  }
  return goOnUnlessPoisoned(turn);
}

/** Committed, or begun for one that is gone by now. */
function isOver({ state }: Turn, { step, aim, replaces }: Handover): boolean {
  if (step === 'retiring') return true;
  const isNeeded = replaces !== undefined && findLaunch(state, replaces) !== undefined;
  return aim === 'restore' && step !== 'starting' && !isNeeded;
}

function scheduleStandby(turn: Turn): Turn {
  const ended = endHandover(turn, 'abandoned', 'one of two Envoys crashed');
  const delayMs = delayAfterFailure(ended.state.crashes.length, turn.policy);
  if (delayMs === undefined) return setState(ended, { standbyGivenUp: ended.state.generation });
  const plan: HandoverPlan = {
    triggers: ['crash'],
    askedMode: 'auto',
    aim: 'standby',
    requests: [],
  };
  return backOff(prepareHandover(ended, plan), delayMs);
}

/** Back to what last was LIVE, after the delay of its token; out of tokens the agent gives up. */
function scheduleRestore(turn: Turn): Turn {
  const delayMs = delayAfterFailure(turn.state.crashes.length, turn.policy);
  if (delayMs === undefined) return giveUpRunning(turn);
  const requests =
    turn.state.handover?.step === 'retiring' ? [] : (turn.state.handover?.requests ?? []);
  const kept =
    turn.state.handover === undefined ? turn : withoutRequests(turn, turn.state.handover);
  const ended = endHandover(kept, 'abandoned', 'the serving Envoy crashed');
  const plan: HandoverPlan = { triggers: ['crash'], askedMode: 'auto', aim: 'restore', requests };
  return backOff(prepareHandover(ended, plan), delayMs);
}

/** Who asked is answered by the handover that follows. */
function withoutRequests(turn: Turn, handover: Handover): Turn {
  return setHandover(turn, { ...handover, requests: [] });
}

/** It never reported LIVE. Whatever serves is untouched; its lineage is repaired first. */
function onFailedStart(turn: Turn, launch: Launch, event: Exited): Turn {
  const { handover } = turn.state;
  if (handover === undefined) return turn;
  const attempt = attemptOf(turn, launch, event);
  const counted = isServed(turn) ? withAttempt(turn, attempt) : recordCrash(turn, attempt);
  const exitCode = permanentExit(counted, event.cause);
  if (exitCode !== undefined) return stopFor(counted, exitCode, reasonOf(attempt));
  if (parentOf(counted.state, launch) === undefined) return tryAgain(counted, attempt);
  const poisoned = setSoundness(counted, launch.lineage, 'poisoned');
  return emit(
    setHandover(poisoned, { ...(poisoned.state.handover ?? handover), step: 'repairing' }),
    {
      type: 'repairLineage',
      lineage: launch.lineage,
    },
  );
}

/** The same epoch again, or, where the lineage is beyond repair, another mode. */
export function onLineageRepaired(turn: Turn, event: Event & { type: 'lineageRepaired' }): Turn {
  if (!turn.state.unsound.has(event.lineage)) return turn;
  const soundness = event.isSound ? undefined : 'beyondRepair';
  const judged = setSoundness(turn, event.lineage, soundness);
  return goOnUnlessPoisoned(event.hasTakenOver ? onUnseenTakeover(judged, event.lineage) : judged);
}

/** Who failed had been LIVE for a moment that nobody saw: its end was a crash, not a failed start. */
function onUnseenTakeover(turn: Turn, lineage: LineageId): Turn {
  const parent = turn.state.launches.find((one) => one.lineage === lineage && one.stage === 'live');
  if (parent === undefined || turn.state.stop !== undefined) return turn;
  const drained = retireDrained(turn, parent.id);
  if (isServed(drained)) return drained;
  const { handover } = turn.state;
  const failed = handover?.attempts.at(-1);
  const lost = disarm(drained, 'refill');
  const counted = recordCrash(lost, failed ?? attemptOf(turn, parent, TAKEN_UNSEEN));
  // What failed is tried no more; what came after it was not tried yet.
  const isItsFailure = handover?.step === 'repairing' && failed !== undefined;
  return isItsFailure ? counted : onServiceLost(counted);
}

const TAKEN_UNSEEN = {
  outcome: { kind: 'notStarted', errno: 'takeover', message: 'its child took over and ended' },
  lastLines: [],
} as const;

/** The repair is over, or the lineage is gone; a change that came meanwhile is tried at once. */
function goOnUnlessPoisoned(turn: Turn): Turn {
  const { handover, crashes, unsound } = turn.state;
  if (handover?.step !== 'repairing' || [...unsound.values()].includes('poisoned')) return turn;
  // Behind what serves only the handover's own failures count.
  const attempt = handover.attempts.at(-1) ?? (isServed(turn) ? undefined : crashes.at(-1));
  return attempt === undefined ? startChecks(turn) : tryAgain(turn, attempt);
}

/** Silent past its deadline, or initializing past its own: it is given up, by SIGKILL only. */
export function onStartOverdue(turn: Turn, id: LaunchId): Turn {
  const launch = findLaunch(turn.state, id);
  return launch?.stage === 'starting' ? killLaunch(turn, id) : turn;
}
