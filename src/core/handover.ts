/**
 * A handover from its checks to its end: checking -> (clearing) -> starting -> retiring, with
 * repairing and backoff in between when a launch fails. What failure leads to is in failures.ts.
 */
import type { Event } from './events.ts';
import {
  type Desired,
  handoverIdOf,
  launchIdOf,
  lineageIdOf,
  type Mode,
  type RequestId,
  sameDesired,
  type Trigger,
} from './model.ts';
import { chooseMode } from './modes.ts';
import { beginRetiring, retireByAgent } from './retiring.ts';
import type { Handover, HandoverResult, Launch, State } from './state.ts';
import {
  arm,
  disarm,
  emit,
  findLaunch,
  newestInheritable,
  nextEpoch,
  patchLaunch,
  servingLaunch,
  setState,
  type Turn,
} from './turn.ts';

export interface HandoverPlan {
  readonly triggers: readonly Trigger[];
  readonly askedMode: 'auto' | Mode;
  /** `restore`: back to what last was LIVE, after a crash. */
  readonly aim: Handover['aim'];
  readonly requests: readonly RequestId[];
}

/** Starts a handover with its checks. There must be none in progress, and a desired state. */
export function beginHandover(turn: Turn, plan: HandoverPlan): Turn {
  return startChecks(prepareHandover(turn, plan));
}

/** The handover as a value, without starting anything. */
export function prepareHandover(turn: Turn, plan: HandoverPlan): Turn {
  const { state } = turn;
  const target = plan.aim === 'restore' ? (state.committed ?? state.desired) : state.desired;
  if (target === undefined) return turn;
  const handoverCount = state.handoverCount + 1;
  const handover: Handover = {
    ...plan,
    id: handoverIdOf(handoverCount),
    target,
    step: 'checking',
    attempts: [],
    startedAtMs: turn.atMs,
  };
  return setState(disarm(turn, 'jitter'), { handover, handoverCount });
}

/** Everything that can be tried without touching the serving launch, for the newest target. */
export function startChecks(turn: Turn): Turn {
  const { handover } = turn.state;
  if (handover === undefined) return turn;
  const target = newestTarget(turn.state, handover);
  return emit(setHandover(turn, { ...handover, target, step: 'checking' }), {
    type: 'checkDesired',
    handover: handover.id,
    target,
    depth: depthOf(turn.state, target),
  });
}

/** What changed is a new chance: earlier failures count no more, what waits is tried now. */
export function retarget(turn: Turn, desired: Desired): Turn {
  const { handover } = turn.state;
  if (handover === undefined) return turn;
  const isWaiting = handover.step === 'backoff' || handover.step === 'repairing';
  const anew = isWaiting ? { aim: 'change' as const, target: desired } : {};
  const attempts = isSilent(handover) ? handover.attempts.slice(-1) : [];
  return hurry(setHandover(turn, { ...handover, ...anew, attempts }));
}

/** Does not wait out a token's delay; a late answer to a launch that fell silent is waited out. */
export function hurry(turn: Turn): Turn {
  const { handover } = turn.state;
  if (handover?.step !== 'backoff' || isSilent(handover)) return turn;
  return startChecks(disarm(turn, 'retry'));
}

function isSilent({ attempts }: Handover): boolean {
  return attempts.at(-1)?.wasSilent === true;
}

/** Whether the desired state has moved on since the handover was last checked. */
export function isOutdated({ state }: Turn): boolean {
  const { handover } = state;
  return handover !== undefined && !sameDesired(newestTarget(state, handover), handover.target);
}

/** While a change is being prepared its last content wins; a restore stays with what was LIVE. */
function newestTarget(state: State, handover: Handover): Desired {
  return handover.aim === 'change' ? (state.desired ?? handover.target) : handover.target;
}

/**
 * Envoy's own validation costs as much as a start. It protects something only where something
 * serves or something known to be good can be gone back to.
 */
function depthOf(state: State, target: Desired): 'render' | 'full' {
  const isKnownGood = sameDesired(target, state.committed);
  if (servingLaunch(state) !== undefined) return 'full';
  return isKnownGood || state.committed === undefined ? 'render' : 'full';
}

/** Nothing is known against it: on to the launch, in the mode that fits. */
export function onChecksPassed(turn: Turn, event: Event & { type: 'checksPassed' }): Turn {
  const { handover } = turn.state;
  if (handover?.id !== event.handover || handover.step !== 'checking') return turn;
  if (isOutdated(turn)) return startChecks(turn);
  const choice = chooseMode(turn.state, handover, { ...event, policy: turn.policy });
  if (choice.mode === undefined) return refuseMode(turn, handover, choice.reason);
  return proceed(setHandover(turn, { ...handover, mode: choice.mode }));
}

/** A mode that someone named can't be had; that says nothing against what was to be served. */
function refuseMode(turn: Turn, { askedMode }: Handover, reason: string): Turn {
  const ended = endHandover(turn, 'refused', reason);
  return askedMode === 'auto' ? ended : setState(ended, { refused: turn.state.refused });
}

/** Launches once nothing is in the way; a cold handover first takes the old one out of service. */
export function proceed(turn: Turn): Turn {
  const { handover, launches } = turn.state;
  if (handover?.mode === undefined) return turn;
  if (handover.mode !== 'cold' || launches.length === 0)
    return launch(turn, handover, handover.mode);
  const cleared = launches
    .filter(({ stage }) => stage === 'live')
    .reduce((sofar, { id }) => retireByAgent(sofar, id), turn);
  return setHandover(cleared, { ...handover, step: 'clearing' });
}

function launch(turn: Turn, handover: Handover, mode: Mode): Turn {
  const inherited = mode === 'hot' ? newestInheritable(turn.state)?.lineage : undefined;
  const lineageCount = turn.state.lineageCount + (inherited === undefined ? 1 : 0);
  const lineage = inherited ?? lineageIdOf(lineageCount);
  const launchCount = turn.state.launchCount + 1;
  const started: Launch = {
    id: launchIdOf(launchCount),
    epoch: nextEpoch(turn.state, lineage),
    lineage,
    stage: 'starting',
    target: handover.target,
    startedAtMs: turn.atMs,
  };
  const launched = setState(turn, {
    launches: [...turn.state.launches, started],
    launchCount,
    lineageCount,
    handover: { ...handover, step: 'starting', launch: started.id },
  });
  return emit(arm(launched, `silence:${started.id}`, turn.policy.liveDeadlineMs), {
    type: 'launchEnvoy',
    launch: started.id,
    epoch: started.epoch,
    lineage,
    target: started.target,
  });
}

/** Its admin answers: it is not silent, it waits for its control plane. */
export function onLaunchAnswered(turn: Turn, event: Event & { type: 'launchAnswered' }): Turn {
  const answering = findLaunch(turn.state, event.launch);
  if (answering?.stage !== 'starting' || answering.isKilled) return turn;
  const heard = arm(turn, `silence:${event.launch}`, turn.policy.liveDeadlineMs);
  const bounded =
    answering.envoyState === undefined
      ? arm(heard, `initialize:${event.launch}`, turn.policy.initDeadlineMs)
      : heard;
  return patchLaunch(bounded, event.launch, { envoyState: event.envoyState });
}

/** The commit: from here on the new launch is what serves, and what a restore goes back to. */
export function onLaunchLive(turn: Turn, event: Event & { type: 'launchLive' }): Turn {
  const live = findLaunch(turn.state, event.launch);
  if (live?.stage !== 'starting') return turn;
  const quiet = disarm(turn, `silence:${live.id}`, `initialize:${live.id}`);
  const serving = patchLaunch(quiet, live.id, {
    stage: 'live',
    liveAtMs: turn.atMs,
    envoyState: undefined,
  });
  const { refused } = serving.state;
  const isAccepted = sameDesired(live.target, refused);
  const committed = setState(serving, {
    committed: live.target,
    refused: isAccepted ? undefined : refused,
  });
  const { restartRefillTimeMs } = turn.policy;
  const counting =
    restartRefillTimeMs > 0 ? arm(committed, 'refill', restartRefillTimeMs) : committed;
  return beginRetiring(reportEnd(counting, 'committed'), live);
}

/** Ends the handover in progress without a new serving launch, if there is one in progress. */
export function endHandover(turn: Turn, result: HandoverResult, reason: string): Turn {
  if (turn.state.handover === undefined) return turn;
  const reported = turn.state.handover.step === 'retiring' ? turn : reportEnd(turn, result, reason);
  const { aim, target } = turn.state.handover;
  const isChange = aim === 'change' && !sameDesired(target, turn.state.committed);
  const isGivenUp = isChange && (result === 'refused' || result === 'rolledBack');
  return setState(disarm(reported, 'retry'), {
    handover: undefined,
    ...(isGivenUp ? { refused: target } : {}),
  });
}

/** Says how the handover ended, to the log and to whoever asked; nobody is told twice. */
function reportEnd(turn: Turn, result: HandoverResult, reason?: string): Turn {
  const { handover } = turn.state;
  if (handover === undefined) return turn;
  const end = {
    id: handover.id,
    triggers: handover.triggers,
    ...(handover.mode === undefined ? {} : { mode: handover.mode }),
    result,
    ...(reason === undefined ? {} : { reason }),
    ...(handover.launch === undefined ? {} : { launch: handover.launch }),
    attemptCount: handover.attempts.length,
    startedAtMs: handover.startedAtMs,
    endedAtMs: turn.atMs,
  };
  const told = setState(turn, { lastEnd: end, handover: { ...handover, requests: [] } });
  return emit(told, { type: 'reportHandover', end, requests: handover.requests });
}

export function setHandover(turn: Turn, handover: Handover): Turn {
  return setState(turn, { handover });
}
