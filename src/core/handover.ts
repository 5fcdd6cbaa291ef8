/**
 * A handover from its checks to its end: checking -> (clearing) -> starting -> retiring, with
 * repairing and backoff in between when a launch fails. What failure leads to is in failures.ts.
 */

import { certificatesAlone, isTakenBack } from './changes.ts';
import { tellNewcomer } from './drained.ts';
import type { Event, Inheritance } from './events.ts';
import { endHandover, withoutRefusal } from './handover-end.ts';
import { deliver, goesInPlace } from './in-place.ts';
import {
  type Desired,
  handoverIdOf,
  type LaunchId,
  launchIdOf,
  lineageIdOf,
  type Mode,
  type RequestId,
  sameDesired,
  type Trigger,
} from './model.ts';
import { chooseMode, predecessorOf } from './modes.ts';
import { reportLive } from './proof.ts';
import { beginRetiring, endLaunch, retireByAgent } from './retiring.ts';
import type { Handover, Launch, State } from './state.ts';
import {
  arm,
  childOf,
  disarm,
  emit,
  findLaunch,
  nextEpoch,
  parentOf,
  patchLaunch,
  servingLaunch,
  setHandover,
  setState,
  type Turn,
} from './turn.ts';

/** From one look at the memory limit to the next, while a handover waits for room. */
const LOOK_AGAIN_MS = 10_000;

export interface HandoverPlan {
  readonly triggers: readonly Trigger[];
  readonly askedMode: 'auto' | Mode;
  readonly aim: Handover['aim'];
  readonly scope?: 'certificates';
  readonly replaces?: LaunchId;
  readonly requests: readonly RequestId[];
}

/** Starts a handover with its checks. There must be none in progress, and a desired state. */
export function beginHandover(turn: Turn, plan: HandoverPlan): Turn {
  return startChecks(prepareHandover(turn, plan));
}

/** A new lineage for one that will not serve for long, with what last was LIVE. */
export function beginRescue(turn: Turn, failing: LaunchId): Turn {
  return beginHandover(turn, {
    triggers: ['crash'],
    askedMode: 'side-by-side',
    aim: 'restore',
    replaces: failing,
    requests: [],
  });
}

/** The handover as a value, without starting anything. */
export function prepareHandover(turn: Turn, plan: HandoverPlan): Turn {
  const { state } = turn;
  const target =
    plan.aim === 'change' ? wantedIn(state, plan.scope) : (state.committed ?? state.desired);
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

export const TAKEN_BACK = 'what serves is wanted again';

/** Everything that can be tried without touching the serving launch, for the newest target. */
export function startChecks(turn: Turn): Turn {
  const { handover } = turn.state;
  if (handover === undefined) return turn;
  if (isTakenBack(turn)) return endHandover(turn, 'abandoned', TAKEN_BACK);
  const target = newestTarget(turn.state, handover);
  const inheritsFrom = inheritanceOf(turn.state, handover);
  return emit(setHandover(turn, { ...handover, target, step: 'checking' }), {
    type: 'checkDesired',
    handover: handover.id,
    target,
    depth: depthOf(turn, handover.aim, target),
    ...(inheritsFrom === undefined ? {} : { inheritsFrom }),
  });
}

function inheritanceOf(state: State, handover: Handover): Inheritance | undefined {
  const predecessor = predecessorOf(state, handover);
  if (predecessor === undefined) return undefined;
  const { id: launch, lineage } = predecessor;
  return { launch, lineage, epoch: nextEpoch(state, lineage) };
}

/** Whether the desired state has moved on since the handover was last checked. */
export function isOutdated({ state }: Turn): boolean {
  const { handover } = state;
  return handover !== undefined && !sameDesired(newestTarget(state, handover), handover.target);
}

/** While a change is being prepared its last content wins; a restore stays with what was LIVE. */
function newestTarget(state: State, handover: Handover): Desired {
  const newest = handover.aim === 'change' ? wantedIn(state, handover.scope) : undefined;
  return newest ?? handover.target;
}

function wantedIn(state: State, scope: Handover['scope']): Desired | undefined {
  return scope === undefined ? state.desired : certificatesAlone(state);
}

/**
 * Envoy's own validation costs as much as a start. It protects something only where something
 * serves or something known to be good can be gone back to, and a rescue is in a hurry.
 */
function depthOf(
  { state, policy }: Turn,
  aim: Handover['aim'],
  target: Desired,
): 'render' | 'full' {
  const isKnownGood = sameDesired(target, state.committed);
  if (isKnownGood && aim === 'restore') return 'render';
  // Envoy goes LIVE without a secret that it rejects, and then serves nobody (measured on 1.40).
  if (policy.delivery === 'sds') return 'full';
  if (servingLaunch(state) !== undefined) return 'full';
  return isKnownGood || state.committed === undefined ? 'render' : 'full';
}

/** Nothing is known against it: on to the launch, in the mode that fits. */
export function onChecksPassed(turn: Turn, event: Event & { type: 'checksPassed' }): Turn {
  const { handover } = turn.state;
  if (handover?.id !== event.handover || handover.step !== 'checking') return turn;
  if (isOutdated(turn)) return startChecks(turn);
  const isMeant = goesInPlace(turn, handover);
  if (isMeant && event.isDeliverable) return deliver(turn, withoutReason(handover));
  const known = isMeant ? { ...handover, notInPlace: NAMES_FOLDERS } : handover;
  return goOn(turn, known, event);
}

const NAMES_FOLDERS = 'the bootstrap names a certificate folder itself, not ${CERT_DIR}';

/** To a launch, in the mode that fits; or it waits. */
function goOn(turn: Turn, handover: Handover, event: Event & { type: 'checksPassed' }): Turn {
  const choice = chooseMode(turn.state, handover, { ...event, policy: turn.policy });
  const { mode, reason: modeReason } = choice;
  if (choice.kind === 'refused') return refuseMode(turn, handover, choice.reason);
  const reasoned = modeReason === undefined ? withoutReason(handover) : { ...handover, modeReason };
  if (mode === undefined) return awaitHeadroom(turn, reasoned);
  return proceed(setHandover(turn, { ...reasoned, mode }));
}

function withoutReason({ modeReason: _, ...handover }: Handover): Handover {
  return handover;
}

/** Nothing is hurt by waiting: what serves goes on, and the last content wins when there is room. */
function awaitHeadroom(turn: Turn, handover: Handover): Turn {
  return arm(setHandover(turn, { ...handover, step: 'headroom' }), 'headroom', LOOK_AGAIN_MS);
}

/** A mode that someone named can't be had; that says nothing against what was to be served. */
function refuseMode(turn: Turn, { askedMode }: Handover, reason: string): Turn {
  const ended = endHandover(turn, 'refused', reason);
  if (askedMode === 'auto') return ended;
  const { refused, refusedCertificates, timers } = turn.state;
  const dueMs = timers.get('reconsider');
  const again = dueMs === undefined ? ended : arm(ended, 'reconsider', dueMs - turn.atMs);
  return setState(again, { refused, refusedCertificates });
}

/** Launches once nothing is in the way; a cold handover first takes the old one out of service. */
export function proceed(turn: Turn): Turn {
  const { handover, launches } = turn.state;
  if (handover?.mode === undefined || handover.mode === 'in-place') return turn;
  if (handover.mode !== 'cold' || launches.length === 0)
    return launch(turn, handover, handover.mode);
  const cleared = launches
    .filter(({ stage }) => stage === 'live')
    .reduce(
      (sofar, { id, isHung }) => (isHung ? endLaunch : retireByAgent)(sofar, id),
      endDrained(disarm(turn, 'refill'), handover),
    );
  return setHandover(cleared, { ...handover, step: 'clearing' });
}

/** With nothing else serving, the last connections of one that accepts none are not waited for. */
function endDrained(turn: Turn, { aim }: Handover): Turn {
  const isServed = servingLaunch(turn.state) !== undefined;
  const drained = turn.state.launches.filter((one) => {
    return one.stage === 'retiring' && childOf(turn.state, one) === undefined;
  });
  if (aim !== 'restore' || isServed) return turn;
  return drained.reduce((sofar, { id }) => endLaunch(sofar, id), turn);
}

function launch(turn: Turn, handover: Handover, mode: Mode): Turn {
  const inherited = mode === 'hot' ? predecessorOf(turn.state, handover)?.lineage : undefined;
  const lineageCount = turn.state.lineageCount + (inherited === undefined ? 1 : 0);
  const lineage = inherited ?? lineageIdOf(lineageCount);
  const launchCount = turn.state.launchCount + 1;
  const started: Launch = {
    id: launchIdOf(launchCount),
    epoch: nextEpoch(turn.state, lineage),
    lineage,
    stage: 'starting',
    target: handover.target,
    generation: turn.state.generation + (handover.aim === 'change' ? 1 : 0),
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
  const bounded = turn.state.timers.has(`initialize:${event.launch}`)
    ? heard
    : arm(heard, `initialize:${event.launch}`, turn.policy.initDeadlineMs);
  return patchLaunch(bounded, event.launch, { envoyState: event.envoyState });
}

/** The commit: from here on the new launch is what serves, and what a restore goes back to. */
export function onLaunchLive(turn: Turn, event: Event & { type: 'launchLive' }): Turn {
  const live = findLaunch(turn.state, event.launch);
  if (live?.stage !== 'starting') return turn;
  // Beside another it took nothing over yet; a child has, and goes the way of one that was LIVE.
  if (live.isKilled && parentOf(turn.state, live) === undefined) return turn;
  const quiet = disarm(turn, `silence:${live.id}`, `initialize:${live.id}`);
  const serving = patchLaunch(quiet, live.id, {
    stage: 'live',
    liveAtMs: turn.atMs,
    envoyState: undefined,
  });
  const { refused } = serving.state;
  const isAccepted = sameDesired(live.target, refused?.what);
  const settled = isAccepted ? disarm(serving, 'reconsider') : serving;
  const committed = setState(withoutRefusal(settled, live.target.certificates), {
    committed: live.target,
    generation: Math.max(live.generation, serving.state.generation),
    refused: isAccepted ? undefined : refused,
  });
  const { restartRefillTimeMs } = turn.policy;
  const counting =
    restartRefillTimeMs > 0 ? arm(committed, 'refill', restartRefillTimeMs) : committed;
  return beginRetiring(reportLive(tellNewcomer(counting, live), event), live);
}
