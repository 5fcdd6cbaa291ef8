/** The old launch after a takeover: left alone where Envoy's protocol ends it, else ended by us. */
import type { Effect } from './events.ts';
import type { LaunchId, Outcome } from './model.ts';
import type { Launch } from './state.ts';
import {
  arm,
  childOf,
  emit,
  findLaunch,
  isFailing,
  patchLaunch,
  setState,
  type Turn,
} from './turn.ts';

/** How long past its own time a parent may stay before it counts as dead-locked. */
export const RETIRE_SLACK_MS = 10_000;
/** From SIGTERM, which Envoy answers within 30 ms (measured), to SIGKILL. */
export const KILL_AFTER_MS = 3_000;
/** From SIGKILL to no longer waiting for a process the kernel does not give up. */
export const UNREAPED_AFTER_MS = 2_000;
/** One whose parent died aborts 10-15 s later (measured): it is ended before that. */
const DOOMED_RETIRE_MS = 8_000;
/** A parent that leaves this much before its time was not told to go by its child. */
const EARLY_MARGIN_MS = 1_000;

/** Everything older than the launch that is LIVE now starts to retire, but for one of two. */
export function beginRetiring(turn: Turn, successor: Launch): Turn {
  const { handover, launches } = turn.state;
  if (handover === undefined) return turn;
  const leaving = launches.filter(
    (launch) => launch.id !== successor.id && isRetiredBy(turn, launch, successor),
  );
  const next = leaving.length === 0 ? undefined : { ...handover, step: 'retiring' as const };
  return leaving.reduce(
    (sofar, launch) => retire(sofar, launch, successor),
    setState(turn, { handover: next }),
  );
}

function isRetiredBy({ state, policy }: Turn, launch: Launch, successor: Launch): boolean {
  if (launch.lineage === successor.lineage) return launch.stage !== 'stopping';
  // A parent belongs to its child, and one of two serves on beside the other.
  if (launch.stage === 'retiring') return childOf(state, launch) === undefined;
  const isOneOfTwo = policy.standby && launch.id !== state.handover?.replaces;
  return launch.stage === 'live' && (isFailing(launch) || !isOneOfTwo);
}

function retire(turn: Turn, { id, lineage, isHung }: Launch, successor: Launch): Turn {
  if (lineage === successor.lineage) return leaveToItsChild(turn, id, successor);
  // Nothing can be asked of it any more; what it still holds waits in vain.
  return isHung ? endLaunch(turn, id) : drainByAgent(turn, id);
}

/** Envoy's own protocol ends it: never signal a parent whose child is attached. */
function leaveToItsChild(turn: Turn, id: LaunchId, child: Launch): Turn {
  // LIVE may have been noticed late; the child's timer has run since it was LIVE.
  const sinceMs = child.startedAtMs;
  const withinMs = turn.policy.parentShutdownTimeMs + RETIRE_SLACK_MS;
  return beginDrain(turn, id, { purpose: 'count', sinceMs, withinMs });
}

/** Its child took over and is gone: it accepts nothing any more, and goes with its last connection. */
export function retireDrained(turn: Turn, id: LaunchId): Turn {
  return beginDrain(turn, id, { purpose: 'count' });
}

/** At the end of the drain time the last clients are only told to go: it is not yet the launch's own. */
function drainByAgent(turn: Turn, id: LaunchId): Turn {
  const { parentShutdownTimeMs } = turn.policy;
  const isDoomed = findLaunch(turn.state, id)?.isDoomed === true;
  const withinMs = isDoomed
    ? Math.min(DOOMED_RETIRE_MS, parentShutdownTimeMs)
    : parentShutdownTimeMs;
  return beginDrain(turn, id, { purpose: 'handover', withinMs });
}

/** Takes a live launch out of service before a cold handover: its clients are told to go first. */
export function retireByAgent(turn: Turn, id: LaunchId): Turn {
  return beginDrain(turn, id, { purpose: 'stop' });
}

interface Drain {
  readonly purpose: (Effect & { readonly type: 'drainLaunch' })['purpose'];
  /** When it may have begun. @default now */
  readonly sinceMs?: number;
  /** @default BATON_PARENT_SHUTDOWN_TIME */
  readonly withinMs?: number;
}

function beginDrain(turn: Turn, id: LaunchId, { purpose, ...times }: Drain): Turn {
  const { sinceMs = turn.atMs, withinMs = turn.policy.parentShutdownTimeMs } = times;
  const retiring = patchLaunch(turn, id, { stage: 'retiring', retiringAtMs: sinceMs });
  const timed = arm(retiring, `retire:${id}`, withinMs);
  return emit(timed, { type: 'drainLaunch', launch: id, purpose });
}

/** A retiring launch that nobody else ends is ended as soon as its last connection is gone. */
export function onRetiringCounted(turn: Turn, id: LaunchId): Turn {
  const launch = findLaunch(turn.state, id);
  if (launch?.stage !== 'retiring' || launch.connections !== 0) return turn;
  return childOf(turn.state, launch) === undefined ? endLaunch(turn, id) : turn;
}

/**
 * Its time is over. With its child attached it is dead-locked: it is killed, and its end leads to
 * the rescue of the child. Without one nobody will tell it to go but us.
 */
export function onRetireOverdue(turn: Turn, id: LaunchId): Turn {
  const launch = findLaunch(turn.state, id);
  if (launch?.stage !== 'retiring') return turn;
  const child = childOf(turn.state, launch);
  if (child === undefined) return endLaunch(turn, id);
  // A child that is not LIVE still asks its parent for things; it arms the timer anew when it is.
  if (child.stage === 'starting') return arm(turn, `retire:${id}`, RETIRE_SLACK_MS);
  return killLaunch(turn, id);
}

/**
 * SIGTERM, then SIGKILL. One whose parent died would abort on SIGTERM, 10 s late, and one that hangs
 * would not read it.
 */
export function endLaunch(turn: Turn, id: LaunchId): Turn {
  const launch = findLaunch(turn.state, id);
  if (launch === undefined) return turn;
  const ending = patchLaunch(turn, id, { stage: 'stopping' });
  const cannotObey = launch.isKilled || launch.isDoomed || launch.isHung;
  if (cannotObey || launch.stage === 'starting') {
    return killLaunch(ending, id);
  }
  return emit(arm(ending, `kill:${id}`, KILL_AFTER_MS), {
    type: 'signalLaunch',
    launch: id,
    signal: 'SIGTERM',
  });
}

/** SIGKILL, once: asking again does not make the wait for its end any longer. */
export function killLaunch(turn: Turn, id: LaunchId): Turn {
  if (findLaunch(turn.state, id)?.isKilled) return turn;
  const killed = patchLaunch(turn, id, { isKilled: true });
  return emit(arm(killed, `kill:${id}`, UNREAPED_AFTER_MS), {
    type: 'signalLaunch',
    launch: id,
    signal: 'SIGKILL',
  });
}

/** Whether its child told it to go: exit 0, and not before the child's timer could have fired. */
export function leftOnTime(
  turn: Pick<Turn, 'atMs' | 'policy'>,
  launch: Launch,
  wasClean: boolean,
): boolean {
  if (launch.retiringAtMs === undefined) return false;
  const agedMs = turn.atMs - launch.retiringAtMs;
  return wasClean && agedMs >= turn.policy.parentShutdownTimeMs - EARLY_MARGIN_MS;
}

/** Whether the end of a launch is news and no trouble: it was asked to end, or its time had come. */
export function endedAsAsked(
  { state, ...now }: Pick<Turn, 'state' | 'atMs' | 'policy'>,
  launch: Launch | undefined,
  outcome: Outcome,
): boolean {
  if (state.stop !== undefined || launch?.stage === 'stopping') return true;
  const wasClean = outcome.kind === 'exited' && outcome.code === 0;
  return launch?.stage === 'retiring' && leftOnTime(now, launch, wasClean);
}
