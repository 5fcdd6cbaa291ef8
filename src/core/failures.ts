/**
 * What the end of a launch leads to: which side of the takeover it was on decides. An exit that
 * nobody asked for is a failure whatever its code, 0 included.
 */
import { attemptOf, reasonOf } from './attempts.ts';
import type { Event } from './events.ts';
import { permanentExitCode } from './failure-cause.ts';
import {
  beginHandover,
  endHandover,
  type HandoverPlan,
  isOutdated,
  prepareHandover,
  proceed,
  setHandover,
  startChecks,
} from './handover.ts';
import {
  EXIT,
  type ExitCode,
  epochOf,
  type FailureCause,
  type LaunchId,
  launchIdOf,
} from './model.ts';
import { delayAfterFailure } from './restart-tokens.ts';
import { endLaunch, killLaunch, leftOnTime } from './retiring.ts';
import type { Attempt, Handover, Launch } from './state.ts';
import { beginStop, continueStop } from './stopping.ts';
import {
  arm,
  childOf,
  disarm,
  dropLaunch,
  emit,
  findLaunch,
  parentOf,
  patchLaunch,
  servingLaunch,
  setSoundness,
  setState,
  type Turn,
} from './turn.ts';

/**
 * A launch that was killed while its admin was silent may have left a request unanswered: its
 * parent replies late, fails, and a new child of the same name would take that reply for its own.
 * Envoy tries ten times, one second apart.
 */
export const PENDING_REPLY_MS = 12_000;

type Exited = Event & { readonly type: 'launchExited' };

/** A launch is gone: what that leads to depends on the stage it was in. */
export function onLaunchExited(turn: Turn, event: Exited): Turn {
  const launch = findLaunch(turn.state, event.launch);
  if (launch === undefined) return turn;
  const gone = dropLaunch(turn, launch.id);
  if (gone.state.stop !== undefined) return continueStop(gone);
  switch (launch.stage) {
    case 'starting':
      return onFailedStart(gone, launch, event);
    case 'live':
      return onCrash(gone, launch, event);
    case 'retiring':
      return onRetired(gone, launch, event);
    case 'stopping':
      return onEnded(gone);
  }
}

/** We ended it. A handover that waited for it goes on; one that was only retiring it is over. */
function onEnded(turn: Turn): Turn {
  const { handover } = turn.state;
  if (handover?.step === 'clearing') return proceed(turn);
  return handover?.step === 'retiring' ? finishRetiring(turn) : goOnUnlessPoisoned(turn);
}

function onRetired(turn: Turn, launch: Launch, event: Exited): Turn {
  const child = childOf(turn.state, launch);
  const wasClean = event.outcome.kind === 'exited' && event.outcome.code === 0;
  // It waits for an answer that will not come; its end leads to the next attempt.
  if (child?.stage === 'starting') return killLaunch(turn, child.id);
  if (child === undefined || leftOnTime(turn, launch, wasClean)) return onEnded(turn);
  return rescue(turn, child);
}

/**
 * Its parent died under it: its main thread freezes at the next stats flush and it aborts 10-15 s
 * after (measured), while its workers go on serving. A new lineage takes over before that.
 */
function rescue(turn: Turn, child: Launch): Turn {
  const doomed = patchLaunch(turn, child.id, { isDoomed: true });
  return beginHandover(endHandover(doomed, 'abandoned', 'the old Envoy died too early'), {
    triggers: ['crash'],
    askedMode: 'side-by-side',
    aim: 'restore',
    requests: [],
  });
}

function finishRetiring(turn: Turn): Turn {
  const isSomeoneLeft = turn.state.launches.some(
    ({ stage }) => stage === 'retiring' || stage === 'stopping',
  );
  return isSomeoneLeft ? turn : setState(turn, { handover: undefined });
}

/** The serving launch is gone. */
function onCrash(turn: Turn, launch: Launch, event: Exited): Turn {
  const counted = recordCrash(disarm(turn, 'refill'), attemptOf(turn, launch, event));
  const { handover } = counted.state;
  const successor = counted.state.launches.find(({ stage }) => stage === 'starting');
  if (handover?.mode === 'side-by-side' && successor !== undefined) return counted;
  const cleared = successor === undefined ? counted : endLaunch(counted, successor.id);
  return scheduleRestore(cleared);
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

function backOff(turn: Turn, delayMs: number): Turn {
  const { handover } = turn.state;
  if (handover === undefined) return turn;
  return arm(setHandover(turn, { ...handover, step: 'backoff' }), 'retry', delayMs);
}

/** It never reported LIVE. Whatever serves is untouched; its lineage is repaired first. */
function onFailedStart(turn: Turn, launch: Launch, event: Exited): Turn {
  const { handover } = turn.state;
  if (handover === undefined) return turn;
  const attempt = attemptOf(turn, launch, event);
  const counted = isServed(turn)
    ? setHandover(turn, { ...handover, attempts: [...handover.attempts, attempt] })
    : recordCrash(turn, attempt);
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
  return goOnUnlessPoisoned(setSoundness(turn, event.lineage, soundness));
}

/** The repair is over, or the lineage is gone; a change that came meanwhile is tried at once. */
function goOnUnlessPoisoned(turn: Turn): Turn {
  const { handover, crashes, unsound } = turn.state;
  if (handover?.step !== 'repairing' || [...unsound.values()].includes('poisoned')) return turn;
  const attempt = handover.attempts.at(-1) ?? crashes.at(-1);
  return attempt === undefined ? startChecks(turn) : tryAgain(turn, attempt);
}

/** The same handover again after its token's delay, or an end to it. */
function tryAgain(turn: Turn, attempt: Attempt): Turn {
  const { handover, crashes, committed } = turn.state;
  if (handover === undefined) return turn;
  if (!isServed(turn)) {
    const delayMs = delayAfterFailure(crashes.length, turn.policy);
    if (delayMs === undefined) return giveUpRunning(turn);
    const isUnproven = handover.aim === 'change' && committed !== undefined;
    return backOff(isUnproven ? fallBack(turn, reasonOf(attempt)) : turn, delayMs);
  }
  const delayMs = delayAfterFailure(handover.attempts.length, turn.policy);
  if (delayMs === undefined) return endHandover(turn, 'rolledBack', reasonOf(attempt));
  return backOff(turn, attempt.wasSilent ? Math.max(delayMs, PENDING_REPLY_MS) : delayMs);
}

/** With nothing serving, what failed gives way to what was LIVE before. */
function fallBack(turn: Turn, reason: string): Turn {
  return prepareHandover(endHandover(turn, 'rolledBack', reason), {
    triggers: ['crash'],
    askedMode: 'auto',
    aim: 'restore',
    requests: [],
  });
}

/** A change that can't be right is refused while something serves, and ends an agent that never served. */
export function onChecksFailed(turn: Turn, event: Event & { type: 'checksFailed' }): Turn {
  const { handover, committed } = turn.state;
  if (handover?.id !== event.handover || handover.step !== 'checking') return turn;
  if (isOutdated(turn)) return startChecks(turn);
  const reason = event.problems.join(' ');
  if (isServed(turn)) return endHandover(turn, 'refused', reason);
  if (committed === undefined) return stopFor(turn, event.exitCode, reason);
  return onUnprepared(turn, reason);
}

/** With nothing serving, what can't even be prepared costs a token as a failed start does. */
function onUnprepared(turn: Turn, reason: string): Turn {
  const launchCount = turn.state.launchCount + 1;
  const attempt: Attempt = {
    launch: launchIdOf(launchCount),
    epoch: epochOf(0),
    outcome: { kind: 'notStarted', errno: 'checks', message: reason },
    uptimeMs: 0,
    wasLive: false,
    wasSilent: false,
    lastLines: [reason],
  };
  return tryAgain(recordCrash(setState(turn, { launchCount }), attempt), attempt);
}

/** What no retry mends, where nothing ever ran: it ends the agent with a code of its own. */
function permanentExit(turn: Turn, cause: FailureCause | undefined): ExitCode | undefined {
  const mayYetRun = turn.state.committed !== undefined || isOutdated(turn);
  return mayYetRun ? undefined : permanentExitCode(cause);
}

function giveUpRunning(turn: Turn): Turn {
  const { restartTokens } = turn.policy;
  return stopFor(turn, EXIT.tokensSpent, `all ${restartTokens} restart tokens are spent`);
}

function stopFor(turn: Turn, exitCode: ExitCode, reason: string): Turn {
  return beginStop(turn, { how: 'now', exitCode, reason });
}

function recordCrash(turn: Turn, attempt: Attempt): Turn {
  return setState(turn, { crashes: [...turn.state.crashes, attempt] });
}

function isServed(turn: Turn): boolean {
  return servingLaunch(turn.state) !== undefined;
}

/** Silent past its deadline, or initializing past its own: it is given up, by SIGKILL only. */
export function onStartOverdue(turn: Turn, id: LaunchId): Turn {
  const launch = findLaunch(turn.state, id);
  return launch?.stage === 'starting' ? killLaunch(turn, id) : turn;
}
