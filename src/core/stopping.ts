/**
 * The stop: delay, drain (not before MIN, until no connection is left, not after MAX), then SIGTERM
 * newest first, then SIGKILL. Whatever fails on the way never makes it shorter.
 */
import type { Event } from './events.ts';
import { endHandover } from './handover-end.ts';
import { EXIT, type ExitCode } from './model.ts';
import { settleProof } from './proof.ts';
import { endLaunch, killLaunch } from './retiring.ts';
import type { Launch, State, Stop } from './state.ts';
import { stopTimesAt } from './stop-plan.ts';
import {
  arm,
  childOf,
  disarm,
  emit,
  newestInheritable,
  parentOf,
  setState,
  type Turn,
} from './turn.ts';

/** Two asks this close together are one: a terminal and npm both pass a Ctrl-C on. */
export const SAME_ASK_MS = 300;

type Asked = Event & { readonly type: 'stopRequested' };

export interface StopOrder {
  readonly how: 'graceful' | 'now';
  readonly exitCode: ExitCode;
  readonly reason: string;
}

/** The first ask begins the stop, the second skips what is left of the wait, the third kills. */
export function onStopRequested(turn: Turn, event: Asked): Turn {
  const { stop } = turn.state;
  const exitCode = event.exitCode ?? EXIT.stopped;
  if (stop === undefined) return beginStop(turn, { ...event, exitCode });
  // A failure is no ask of anyone's: it only tells what to exit with.
  if (event.exitCode !== undefined) return setState(turn, { stop: { ...stop, exitCode } });
  const isHastier = event.how === 'now' && stop.how === 'graceful';
  if (!isHastier && turn.atMs - stop.lastAskedAtMs < SAME_ASK_MS) return turn;
  const askedCount = stop.askedCount + 1;
  const how = isHastier ? 'now' : stop.how;
  const asked = setState(turn, { stop: { ...stop, how, askedCount, lastAskedAtMs: turn.atMs } });
  if (askedCount === 2 && stop.step !== 'terminating') return terminate(asked);
  return askedCount >= 3 ? cutShort(asked) : asked;
}

const WAITS_OF_A_RUN = [
  'certificateWait',
  'jitter',
  'retry',
  'refill',
  'reconsider',
  'reconsiderCertificates',
  'standby',
] as const;

/** Nothing new is begun any more; what was begun and is not LIVE is killed. */
export function beginStop(turn: Turn, order: StopOrder): Turn {
  if (turn.state.stop !== undefined) return turn;
  const stop: Stop = {
    ...order,
    step: 'delay',
    askedCount: 1,
    startedAtMs: turn.atMs,
    lastAskedAtMs: turn.atMs,
    minReached: false,
  };
  const reason = `the agent is stopping: ${order.reason}`;
  const ended = endHandover(refusePending(turn), 'abandoned', reason);
  const quiet = disarm(settleProof(ended, reason), ...WAITS_OF_A_RUN);
  const stopping = killStarting(setState(quiet, { handover: undefined, stop }));
  const isDraining = newestInheritable(stopping.state) !== undefined;
  if (order.how === 'now' || !isDraining) return terminate(stopping);
  const { terminationDelayMs } = stopTimesAt(turn.state, turn.policy, turn.atMs);
  return terminationDelayMs > 0 ? arm(stopping, 'stopDelay', terminationDelayMs) : drain(stopping);
}

function refusePending(turn: Turn): Turn {
  const requests = turn.state.pending.flatMap(({ id }) => (id === undefined ? [] : [id]));
  const cleared = setState(turn, { pending: [] });
  return requests.length === 0 ? cleared : refuseRequests(cleared, requests);
}

/** Answers requests that no handover will ever serve. */
export function refuseRequests(
  turn: Turn,
  requests: readonly NonNullable<State['pending'][number]['id']>[],
  reason = 'the agent is stopping',
): Turn {
  const end = {
    triggers: ['request'] as const,
    result: 'refused' as const,
    reason,
    attemptCount: 0,
    startedAtMs: turn.atMs,
    endedAtMs: turn.atMs,
  };
  return emit(turn, { type: 'reportHandover', end, requests });
}

/** Never SIGTERM to one that is not LIVE: it would tell its parent to go as well. */
function killStarting(turn: Turn): Turn {
  return turn.state.launches
    .filter(({ stage }) => stage === 'starting')
    .reduce((sofar, { id }) => endLaunch(sofar, id), turn);
}

/** After the delay: clients are told to go, and connections are counted. */
export function drain(turn: Turn): Turn {
  const { stop, launches } = turn.state;
  if (stop?.step !== 'delay') return turn;
  const { terminationDrainMinMs, terminationDrainMaxMs } = stopTimesAt(
    turn.state,
    turn.policy,
    turn.atMs,
  );
  const draining = setState(turn, { stop: { ...stop, step: 'draining' } });
  const timed = arm(
    arm(draining, 'drainMin', terminationDrainMinMs),
    'drainMax',
    terminationDrainMaxMs,
  );
  return emit(
    timed,
    ...launches
      .filter(({ stage }) => stage === 'live' || stage === 'retiring')
      .map((launch) => ({
        type: 'drainLaunch' as const,
        launch: launch.id,
        purpose: knowsAlready(turn.state, launch) ? ('count' as const) : ('stop' as const),
      })),
  );
}

/** Whether it has told its clients already: a child has taken over from it, or it was drained. */
function knowsAlready(state: State, { lineage, epoch, drainedAtMs }: Launch): boolean {
  const hasSuccessor = state.launches.some(
    (other) => other.lineage === lineage && other.epoch > epoch && other.stage !== 'stopping',
  );
  return drainedAtMs !== undefined || hasSuccessor;
}

/** From now on the last connection's end is the end of the drain. */
export function onDrainMin(turn: Turn): Turn {
  const { stop } = turn.state;
  if (stop?.step !== 'draining') return turn;
  return onDrainCounted(setState(turn, { stop: { ...stop, minReached: true } }));
}

/** Zero connections end the drain once MIN is over; a launch that was never counted does not. */
export function onDrainCounted(turn: Turn): Turn {
  const { stop, launches } = turn.state;
  const isIdle = launches.every(
    ({ connections, stage, isHung }) => stage === 'stopping' || isHung || connections === 0,
  );
  return stop?.step === 'draining' && stop.minReached && isIdle ? terminate(turn) : turn;
}

/** SIGTERM to the newest; it takes its parent along, and each exit leads to the next. */
export function terminate(turn: Turn): Turn {
  const { stop } = turn.state;
  if (stop === undefined) return turn;
  const quiet = disarm(turn, 'stopDelay', 'drainMin', 'drainMax');
  return continueStop(setState(quiet, { stop: { ...stop, step: 'terminating' } }));
}

/** Called at each exit while stopping. Once nobody is left, the agent may go. */
export function continueStop(turn: Turn): Turn {
  const { stop, launches } = turn.state;
  if (stop === undefined) return turn;
  const newest = launches.at(-1);
  if (newest === undefined) return exitAgent(turn, stop);
  if (stop.step !== 'terminating') {
    const isDraining = newestInheritable(turn.state) !== undefined;
    if (isDraining) return onDrainCounted(turn);
    return newest.stage === 'stopping' ? turn : terminate(turn);
  }
  const isHeld = newest.stage === 'stopping' && parentOf(turn.state, newest) !== undefined;
  if (isHeld) return turn;
  return launches
    .filter((launch) => launch.stage !== 'stopping' && isTopmost(turn.state, launch))
    .reduce((sofar, { id }) => endLaunch(sofar, id), turn);
}

/** A launch with a living child above it is left to that child. */
function isTopmost(state: State, launch: Launch): boolean {
  return childOf(state, launch) === undefined;
}

function cutShort(turn: Turn): Turn {
  const { stop, launches } = turn.state;
  if (stop === undefined) return turn;
  const short = setState(disarm(turn, 'stopDelay', 'drainMin', 'drainMax'), {
    stop: { ...stop, step: 'terminating', exitCode: EXIT.cutShort },
  });
  return launches.reduce((sofar, { id }) => killLaunch(sofar, id), short);
}

function exitAgent(turn: Turn, stop: Stop): Turn {
  const over = setState(turn, { phase: 'stopped', timers: new Map() });
  return emit(over, { type: 'exitAgent', code: stop.exitCode, reason: stop.reason });
}
