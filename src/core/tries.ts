/**
 * After a failure: the same again once its token's delay is over, back to what was LIVE before, or
 * an end to it. Failures behind a serving launch are tries of its handover, the others cost tokens.
 */
import { reasonOf } from './attempts.ts';
import { changesOf, isChangeWaiting } from './changes.ts';
import type { Event } from './events.ts';
import { permanentExitCode } from './failure-cause.ts';
import { isOutdated, prepareHandover, startChecks } from './handover.ts';
import { endHandover, RECONSIDER_MS } from './handover-end.ts';
import {
  EXIT,
  type ExitCode,
  epochOf,
  type FailureCause,
  launchIdOf,
  sameDesired,
} from './model.ts';
import { turnedTo } from './redirect.ts';
import { delayAfterFailure } from './restart-tokens.ts';
import type { Attempt, Handover, State } from './state.ts';
import { beginStop } from './stopping.ts';
import {
  arm,
  failingLaunch,
  findLaunch,
  needsRescue,
  servingLaunch,
  setHandover,
  setState,
  type Turn,
} from './turn.ts';

/**
 * A launch that was killed while its admin was silent may have left a request unanswered: its
 * parent replies late, fails, and a new child of the same name would take that reply for its own.
 * Envoy tries ten times, one second apart.
 */
export const PENDING_REPLY_MS = 12_000;

/** Why a replacement that is not needed any more is not begun, or not begun again. */
export const ANSWERS_AGAIN = 'the old Envoy answers again';

/** The same handover again after its token's delay, with what is wanted by now, or an end to it. */
export function tryAgain(turn: Turn, attempt: Attempt): Turn {
  const { handover, crashes, committed } = turn.state;
  if (handover === undefined) return turn;
  const obstacle = reasonToStop(turn, handover);
  if (obstacle !== undefined) return endHandover(turn, 'abandoned', obstacle);
  if (!isServed(turn)) {
    const delayMs = delayAfterFailure(crashes.length, turn.policy);
    if (delayMs === undefined) return giveUpRunning(turn);
    const isUnproven = handover.aim === 'change' && committed !== undefined;
    return backOff(isUnproven ? fallBack(turn, attempt) : withNewerContent(turn), delayMs);
  }
  const delayMs = delayAfterFailure(handover.attempts.length, turn.policy);
  if (delayMs === undefined) return giveUpChange(turn, attempt);
  return backOff(turn, attempt.wasSilent ? Math.max(delayMs, PENDING_REPLY_MS) : delayMs);
}

/** Nothing serves, and what came while a restore was starting may be the cure. */
function withNewerContent(turn: Turn): Turn {
  const { handover, desired, refused } = turn.state;
  const isRestore = handover?.aim === 'restore' && !isServed(turn);
  const isNews =
    changesOf(turn.state, turn.policy).length > 0 && !sameDesired(desired, refused?.what);
  if (!isRestore || !isNews || desired === undefined) return turn;
  return setHandover(turn, turnedTo(desired, handover));
}

/** Why it is not tried again although that would be possible; undefined when it is. */
function reasonToStop(turn: Turn, handover: Handover): string | undefined {
  const { aim } = handover;
  if (isNeedless(turn.state, handover)) return ANSWERS_AGAIN;
  if (!isServed(turn)) return undefined;
  const isInTheWay = aim !== 'restore' && failingLaunch(turn.state) !== undefined;
  if (isInTheWay) return 'the serving Envoy has to be replaced first';
  return aim === 'standby' && isChangeWaiting(turn) ? 'a change comes first' : undefined;
}

/** What it was to replace did not answer when it was begun, and does now. */
function isNeedless(state: State, { aim, replaces }: Handover): boolean {
  const replaced = replaces && findLaunch(state, replaces);
  if (aim !== 'restore' || replaced?.stage !== 'live') return false;
  return !needsRescue(state, replaced);
}

/** What never started says nothing against the change, and a standby is known to be good. */
function giveUpChange(turn: Turn, attempt: Attempt): Turn {
  const { handover } = turn.state;
  const ended = endHandover(turn, 'rolledBack', reasonOf(attempt));
  if (handover?.aim === 'standby') return arm(ended, 'standby', RECONSIDER_MS);
  const isBlameless =
    attempt.outcome.kind === 'notStarted' && (attempt.cause ?? 'unknown') === 'unknown';
  const isScoped = handover?.scope !== undefined;
  const { refused, refusedCertificates } = ended.state;
  const isHeldBack = (isScoped ? refusedCertificates : refused) !== undefined;
  if (handover?.aim !== 'change' || !isBlameless || !isHeldBack) return ended;
  return arm(ended, isScoped ? 'reconsiderCertificates' : 'reconsider', RECONSIDER_MS);
}

/** With nothing serving, what failed gives way to what was LIVE before. */
function fallBack(turn: Turn, attempt: Attempt): Turn {
  return prepareHandover(giveUpChange(turn, attempt), {
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
  if (event.isTransient) return onUnprepared(turn, reason, 'unknown');
  if (isServed(turn)) return endHandover(turn, 'refused', reason);
  if (committed === undefined) return stopFor(turn, event.exitCode, reason);
  return onUnprepared(turn, reason, 'configurationRejected');
}

/** What can't even be prepared counts as a failed start: a token, or a try behind what serves. */
function onUnprepared(turn: Turn, reason: string, cause: FailureCause): Turn {
  const launchCount = turn.state.launchCount + 1;
  const attempt: Attempt = {
    launch: launchIdOf(launchCount),
    epoch: epochOf(0),
    outcome: { kind: 'notStarted', errno: 'checks', message: reason },
    cause,
    uptimeMs: 0,
    wasLive: false,
    wasSilent: false,
    lastLines: [reason],
  };
  const numbered = setState(turn, { launchCount });
  const counted = isServed(turn) ? withAttempt(numbered, attempt) : recordCrash(numbered, attempt);
  return tryAgain(counted, attempt);
}

/** What no retry mends, where nothing ever ran: it ends the agent with a code of its own. */
export function permanentExit(turn: Turn, cause: FailureCause | undefined): ExitCode | undefined {
  const mayYetRun = turn.state.committed !== undefined || isOutdated(turn);
  return mayYetRun ? undefined : permanentExitCode(cause);
}

export function giveUpRunning(turn: Turn): Turn {
  const { restartTokens } = turn.policy;
  return stopFor(turn, EXIT.tokensSpent, `all ${restartTokens} restart tokens are spent`);
}

export function stopFor(turn: Turn, exitCode: ExitCode, reason: string): Turn {
  return beginStop(turn, { how: 'now', exitCode, reason });
}

/** A token is spent. While something serves they come back with time. */
export function recordCrash(turn: Turn, attempt: Attempt): Turn {
  const spent = setState(turn, { crashes: [...turn.state.crashes, attempt] });
  const { restartRefillTimeMs } = turn.policy;
  const isRefilled = isServed(turn) && restartRefillTimeMs > 0 && !turn.state.timers.has('refill');
  return isRefilled ? arm(spent, 'refill', restartRefillTimeMs) : spent;
}

export function withAttempt(turn: Turn, attempt: Attempt): Turn {
  const { handover } = turn.state;
  if (handover === undefined) return turn;
  return setHandover(turn, { ...handover, attempts: [...handover.attempts, attempt] });
}

export function isServed(turn: Turn): boolean {
  return servingLaunch(turn.state) !== undefined;
}

export function backOff(turn: Turn, delayMs: number): Turn {
  const { handover } = turn.state;
  if (handover === undefined) return turn;
  return arm(setHandover(turn, { ...handover, step: 'backoff' }), 'retry', delayMs);
}
