/**
 * The one place where an event meets the state. `step` is pure: the same state, event, moment and
 * policy always give the same answer, and a recorded run can be replayed from its events.
 */
import { onAsked } from './asks.ts';
import { onCertificateEvent } from './certificate-events.ts';
import { settleReturn } from './drained.ts';
import type { Event, Step } from './events.ts';
import { onLaunchExited, onLineageRepaired, onStartOverdue } from './failures.ts';
import { onChecksPassed, onLaunchAnswered, onLaunchLive, startChecks } from './handover.ts';
import { onLaunchHeard, onLaunchSilent } from './hangs.ts';
import {
  type Desired,
  EXIT,
  type LaunchId,
  type Moment,
  type Phase,
  type Policy,
  sameDesired,
  type TimerName,
} from './model.ts';
import { reconcile, startChange } from './reconcile.ts';
import { retarget } from './redirect.ts';
import { killLaunch, onRetireOverdue, onRetiringCounted } from './retiring.ts';
import type { State } from './state.ts';
import { beginStop, drain, onDrainCounted, onDrainMin, terminate } from './stopping.ts';
import { onChecksFailed } from './tries.ts';
import {
  arm,
  disarm,
  findLaunch,
  patchLaunch,
  servingLaunch,
  setState,
  type Turn,
} from './turn.ts';

/** Before anything is known. */
export const initialState: State = {
  phase: 'waiting',
  missing: [],
  held: new Map(),
  launches: [],
  unsound: new Map(),
  generation: 0,
  pending: [],
  crashes: [],
  timers: new Map(),
  launchCount: 0,
  handoverCount: 0,
  lineageCount: 0,
};

/** Takes one event. Events that come late or mean nothing any more change nothing. */
export function step(state: State, event: Event, moment: Moment, policy: Policy): Step<State> {
  if (state.phase === 'stopped') return { state, effects: [] };
  const turn = settleReturn(reconcile(take({ ...moment, state, policy, effects: [] }, event)));
  return { state: named(turn.state), effects: turn.effects };
}

function take(turn: Turn, event: Event): Turn {
  switch (event.type) {
    case 'desiredChanged':
      return onDesiredChanged(turn, event.desired);
    case 'desiredMissing':
      return onDesiredMissing(turn, event);
    case 'certificatesSeen':
    case 'certificatesProved':
    case 'certificatesDelivered':
    case 'deliveryFailed':
      return onCertificateEvent(turn, event);
    case 'partHeld':
      return onPartHeld(turn, event);
    case 'checksPassed':
      return onChecksPassed(turn, event);
    case 'checksFailed':
      return onChecksFailed(turn, event);
    case 'launchSpawned':
      return patchLaunch(turn, event.launch, { pid: event.pid });
    case 'launchAnswered':
      return onLaunchAnswered(turn, event);
    case 'launchLive':
      return onLaunchLive(turn, event);
    case 'launchSilent':
      return onLaunchSilent(turn, event);
    case 'launchHeard':
      return onLaunchHeard(turn, event);
    case 'launchExited':
      return onLaunchExited(turn, event);
    case 'lineageRepaired':
      return onLineageRepaired(turn, event);
    case 'connectionsCounted':
      return onConnectionsCounted(turn, event);
    case 'timerFired':
      return onTimerFired(turn, event.timer);
    case 'restartRequested':
    case 'drainRequested':
    case 'undrainRequested':
    case 'stopRequested':
      return onAsked(turn, event);
  }
}

const SECOND_THOUGHTS = ['reconsider', 'reconsiderCertificates', 'standby'] as const;
const NOTHING_REFUSED = { refused: undefined, refusedCertificates: undefined };

/** A changed desired state is a new chance: tokens are whole again, a delay is not waited out. */
function onDesiredChanged(turn: Turn, desired: Desired): Turn {
  const { state } = turn;
  if (sameDesired(state.desired, desired)) return turn;
  const quiet = disarm(turn, 'certificateWait', ...SECOND_THOUGHTS);
  const anew = { missing: [], ...NOTHING_REFUSED, standbyGivenUp: undefined };
  const known = setState(quiet, { desired, ...anew });
  if (state.stop !== undefined || state.desired === undefined) return known;
  return retarget(setState(known, { crashes: [] }), desired);
}

function onDesiredMissing(turn: Turn, event: Event & { type: 'desiredMissing' }): Turn {
  const { state, policy } = turn;
  const { problems, lacks } = event;
  if (state.desired !== undefined || state.stop !== undefined) return turn;
  const known = setState(turn, { missing: problems });
  if (lacks !== 'certificates' || policy.certificateWaitMs === 0) return giveUpWaiting(known);
  if (state.timers.has('certificateWait')) return known;
  return arm(known, 'certificateWait', policy.certificateWaitMs);
}

function onPartHeld(turn: Turn, { part, problems }: Event & { type: 'partHeld' }): Turn {
  const held = new Map(turn.state.held);
  if (problems.length === 0) held.delete(part);
  else held.set(part, problems);
  return setState(turn, { held });
}

function giveUpWaiting(turn: Turn): Turn {
  const reason = turn.state.missing.join(' ');
  return beginStop(turn, { how: 'now', exitCode: EXIT.configuration, reason });
}

function onConnectionsCounted(turn: Turn, event: Event & { type: 'connectionsCounted' }): Turn {
  const counted = patchLaunch(turn, event.launch, { connections: event.count });
  if (turn.state.stop !== undefined) return onDrainCounted(counted);
  return onRetiringCounted(counted, event.launch);
}

function onTimerFired(turn: Turn, timer: TimerName): Turn {
  if (!turn.state.timers.has(timer)) return turn;
  const fired = disarm(turn, timer);
  switch (timer) {
    case 'certificateWait':
      return giveUpWaiting(fired);
    case 'jitter':
      return startChange(fired);
    case 'retry':
    case 'headroom':
      return startChecks(fired);
    case 'refill':
      return refill(fired);
    case 'reconsider':
      return setState(fired, { refused: undefined });
    case 'reconsiderCertificates':
      return setState(fired, { refusedCertificates: undefined });
    case 'standby':
      return setState(fired, { standbyGivenUp: undefined });
    case 'stopDelay':
      return drain(fired);
    case 'drainMin':
      return onDrainMin(fired);
    case 'drainMax':
      return terminate(fired);
    default:
      return onLaunchTimer(fired, timer);
  }
}

function refill(turn: Turn): Turn {
  return setState(disarm(turn, 'standby'), { crashes: [], standbyGivenUp: undefined });
}

type LaunchTimer = Extract<TimerName, `${string}:${string}`>;

function onLaunchTimer(turn: Turn, timer: LaunchTimer): Turn {
  const [name, id] = timer.split(':') as [string, LaunchId];
  switch (name) {
    case 'retire':
      return onRetireOverdue(turn, id);
    case 'kill':
      return onKillOverdue(turn, id);
    case 'replace':
      return turn;
    case 'silence':
      // What it said before is no longer so.
      return onStartOverdue(patchLaunch(turn, id, { envoyState: undefined }), id);
    default:
      return onStartOverdue(turn, id);
  }
}

/** SIGTERM was not obeyed: SIGKILL. Not even that: the kernel holds it; it is waited for no more. */
function onKillOverdue(turn: Turn, id: LaunchId): Turn {
  const launch = findLaunch(turn.state, id);
  if (launch === undefined) return turn;
  if (!launch.isKilled) {
    // Time is up for all of them: an orchestrator's grace period has an end.
    const overdue = turn.state.stop === undefined ? [launch] : turn.state.launches;
    return overdue.reduce((sofar, { id: one }) => killLaunch(sofar, one), turn);
  }
  const outcome = { kind: 'killed', signal: 'SIGKILL' } as const;
  return onLaunchExited(turn, { type: 'launchExited', launch: id, outcome, lastLines: [] });
}

function named(state: State): State {
  const phase = phaseOf(state);
  return phase === state.phase ? state : { ...state, phase };
}

function phaseOf(state: State): Phase {
  if (state.phase === 'stopped') return 'stopped';
  if (state.stop !== undefined) return 'draining';
  if (servingLaunch(state) !== undefined) return 'running';
  return state.crashes.length > 0 || state.committed !== undefined ? 'backoff' : 'waiting';
}
