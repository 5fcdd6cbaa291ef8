/** The handovers of the history, with their steps and what failed on the way. */
import { attemptOf, reasonOf } from './attempts.ts';
import type { FailedAttempt, Happened, Lane, PastHandover } from './history-model.ts';
import type { HandoverId } from './model.ts';
import { secondsOf } from './seconds.ts';
import { continued, noSpans } from './spans.ts';
import type { Handover, HandoverEnd } from './state.ts';
import { findLaunch } from './turn.ts';

const MOST_HANDOVERS = 50;
const MOST_FAILURES = 20;
/** A reason may quote what an Envoy printed last. */
const LONGEST_REASON = 500;

/** The same handovers when none has changed. `lanes`: as they are after the transition. */
export function rememberHandovers(
  handovers: readonly PastHandover[],
  lanes: readonly Lane[],
  happened: Happened,
): readonly PastHandover[] {
  const followed = rememberSteps(rememberFailure(handovers, happened), happened);
  const ended = rememberResults(followed, happened);
  const all = rememberConnections(ended, lanes, happened);
  return all.length > MOST_HANDOVERS ? all.slice(-MOST_HANDOVERS) : all;
}

function changeOne(
  handovers: readonly PastHandover[],
  id: HandoverId,
  change: (handover: PastHandover) => PastHandover,
): readonly PastHandover[] {
  return handovers.map((handover) => (handover.id === id ? change(handover) : handover));
}

function rememberSteps(
  handovers: readonly PastHandover[],
  happened: Happened,
): readonly PastHandover[] {
  const { before, after, moment } = happened;
  if (before.handover === after.handover) return handovers;
  const left = before.handover?.id;
  const closed =
    left === undefined || left === after.handover?.id
      ? handovers
      : changeOne(handovers, left, (one) => ({ ...one, leftAtMs: moment.atMs }));
  return after.handover === undefined ? closed : follow(closed, after.handover, happened);
}

function follow(
  handovers: readonly PastHandover[],
  handover: Handover,
  happened: Happened,
): readonly PastHandover[] {
  const isKnown = handovers.some(({ id }) => id === handover.id);
  const known = isKnown ? handovers : [...handovers, begun(handover, happened)];
  return changeOne(known, handover.id, (one) => ({ ...one, ...factsOf(handover, one, happened) }));
}

function begun(handover: Handover, happened: Happened): PastHandover {
  const { id, aim, triggers, askedMode, startedAtMs } = handover;
  const crash = triggers.includes('crash') ? crashOf(happened) : undefined;
  return {
    id,
    aim,
    triggers,
    askedMode,
    startedAtMs,
    startedAtWallMs: happened.moment.wallMs,
    steps: noSpans(),
    failures: [],
    failureCount: 0,
    ...(crash === undefined ? {} : { crash: shortened(crash) }),
  };
}

function factsOf(
  handover: Handover,
  { steps }: PastHandover,
  { moment }: Happened,
): Partial<PastHandover> {
  const { triggers, mode, launch, step } = handover;
  const modeReason = handover.modeReason ?? handover.notInPlace;
  return {
    triggers,
    steps: continued(steps, { name: step, fromMs: moment.atMs }),
    ...(mode === undefined ? {} : { mode }),
    ...(modeReason === undefined ? {} : { modeReason: shortened(modeReason) }),
    ...(launch === undefined ? {} : { launch }),
  };
}

/** What came before a handover that answers a crash. */
function crashOf({ event, before, after, moment }: Happened): string | undefined {
  const crash = after.crashes.at(-1);
  if (crash !== undefined && crash !== before.crashes.at(-1)) return reasonOf(crash);
  if (event.type === 'launchSilent') {
    return `${event.launch} has not answered for ${secondsOf(event.silentMs)} s`;
  }
  const gone = event.type === 'launchExited' ? findLaunch(before, event.launch) : undefined;
  if (event.type !== 'launchExited' || gone === undefined) return undefined;
  return reasonOf(attemptOf(moment, gone, event));
}

function rememberFailure(
  handovers: readonly PastHandover[],
  happened: Happened,
): readonly PastHandover[] {
  const { handover } = happened.before;
  const failure = handover && failureOf(happened, handover);
  if (handover === undefined || failure === undefined) return handovers;
  return changeOne(handovers, handover.id, (one) => ({
    ...one,
    failures: [...one.failures, failure].slice(-MOST_FAILURES),
    failureCount: one.failureCount + 1,
  }));
}

/** A start that failed, a try that could not even be prepared, or a delivery that was not loaded. */
function failureOf(
  { event, before, after, moment }: Happened,
  handover: Handover,
): FailedAttempt | undefined {
  const { atMs } = moment;
  switch (event.type) {
    case 'launchExited': {
      const launch = findLaunch(before, event.launch);
      if (launch?.stage !== 'starting' || handover.launch !== launch.id) return undefined;
      if (before.stop !== undefined) return undefined;
      const reason = shortened(reasonOf(attemptOf(moment, launch, event)));
      return { launch: launch.id, reason, atMs };
    }
    case 'checksFailed': {
      // It was counted like a launch.
      const isAttempt = event.handover === handover.id && after.launchCount > before.launchCount;
      return isAttempt ? { reason: shortened(event.problems.join(' ')), atMs } : undefined;
    }
    case 'deliveryFailed':
      return event.handover === handover.id
        ? { reason: shortened(event.problems.join(' ')), atMs }
        : undefined;
    default:
      return undefined;
  }
}

function rememberResults(
  handovers: readonly PastHandover[],
  { effects }: Happened,
): readonly PastHandover[] {
  return effects.reduce((sofar, effect) => {
    if (effect.type !== 'reportHandover' || effect.end.id === undefined) return sofar;
    const { end } = effect;
    return changeOne(sofar, effect.end.id, (one) => ({ ...one, ...resultOf(end) }));
  }, handovers);
}

function resultOf(end: HandoverEnd): Partial<PastHandover> {
  const { triggers, mode, modeReason, result, reason, launch, endedAtMs } = end;
  return {
    triggers,
    result,
    endedAtMs,
    ...(mode === undefined ? {} : { mode }),
    ...(modeReason === undefined ? {} : { modeReason: shortened(modeReason) }),
    ...(reason === undefined ? {} : { reason: shortened(reason) }),
    ...(launch === undefined ? {} : { launch }),
  };
}

/** Counted for the handover that took the launch out of service, when the launch is gone. */
function rememberConnections(
  handovers: readonly PastHandover[],
  lanes: readonly Lane[],
  { before, after }: Happened,
): readonly PastHandover[] {
  if (before.launches === after.launches) return handovers;
  const gone = before.launches.filter(({ id }) => findLaunch(after, id) === undefined);
  return gone.reduce((sofar, { id, connections }) => {
    const replacedBy = lanes.find((lane) => lane.id === id)?.replacedBy;
    if (replacedBy === undefined || connections === undefined) return sofar;
    return changeOne(sofar, replacedBy, (one) => ({
      ...one,
      connectionsLeft: (one.connectionsLeft ?? 0) + connections,
    }));
  }, handovers);
}

function shortened(reason: string): string {
  return reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON - 3)}...` : reason;
}
