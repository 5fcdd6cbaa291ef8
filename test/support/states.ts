/** States of the core to start a test from, in few words. */

import type { Effect, Event } from '../../src/core/events.ts';
import { initialState, step } from '../../src/core/lifecycle.ts';
import {
  type Desired,
  digestOf,
  epochOf,
  handoverIdOf,
  launchIdOf,
  lineageIdOf,
  type Policy,
  type TimerName,
} from '../../src/core/model.ts';
import type { Attempt, GivenUp, Handover, Launch, State } from '../../src/core/state.ts';

/** The defaults of the settings. */
export const policy: Policy = {
  handover: 'auto',
  triggers: new Set(['certificates', 'bootstrap', 'binary']),
  standby: false,
  memory: 'warn',
  delivery: 'restart',
  jitterMs: 0,
  expiryMarginMs: 600_000,
  certificateWaitMs: 0,
  liveDeadlineMs: 60_000,
  initDeadlineMs: 300_000,
  hangDeadlineMs: 30_000,
  drainTimeMs: 45_000,
  parentShutdownTimeMs: 60_000,
  restartTokens: 10,
  restartBackoffMs: 200,
  restartRefillTimeMs: 600_000,
  terminationDelayMs: 0,
  terminationDrainMinMs: 5_000,
  terminationDrainMaxMs: 25_000,
};

/** When `take` happens, and when everything in these states began. */
export const NOW_MS = 1_000_000;

export function desiredOf(certificates: string, others: Partial<Desired> = {}): Desired {
  return {
    certificates: digestOf(certificates),
    bootstrap: digestOf('bootstrap-1'),
    binary: digestOf('binary-1'),
    ...others,
  };
}

export const OLD = desiredOf('certificates-1');
export const NEW = desiredOf('certificates-2');
export const NEWER = desiredOf('certificates-3');

/** `L<count>` in lineage G1, one epoch after the other, live since NOW_MS. */
export function launchOf(count: number, patch: Partial<Launch> = {}): Launch {
  const stage = patch.stage ?? 'live';
  return {
    id: launchIdOf(count),
    epoch: epochOf(count - 1),
    lineage: lineageIdOf(1),
    stage,
    target: OLD,
    generation: stage === 'starting' ? 2 : 1,
    startedAtMs: NOW_MS,
    ...(stage === 'starting' ? {} : { liveAtMs: NOW_MS }),
    ...(stage === 'retiring' ? { retiringAtMs: NOW_MS } : {}),
    ...patch,
  };
}

export function handoverOf(patch: Partial<Handover> = {}): Handover {
  return {
    id: handoverIdOf(2),
    triggers: ['certificates'],
    askedMode: 'auto',
    mode: 'hot',
    aim: 'change',
    target: NEW,
    step: 'starting',
    requests: [],
    attempts: [],
    startedAtMs: NOW_MS,
    ...patch,
  };
}

export function attemptOf(count: number, patch: Partial<Attempt> = {}): Attempt {
  return {
    launch: launchIdOf(count),
    epoch: epochOf(0),
    outcome: { kind: 'exited', code: 1 },
    uptimeMs: 50,
    wasLive: false,
    wasSilent: false,
    lastLines: [],
    ...patch,
  };
}

/** Given up by a handover before these. */
export function givenUp<What>(what: What): GivenUp<What> {
  return { what, handover: handoverIdOf(1), reason: 'Envoy rejects it.', atMs: NOW_MS - 1_000 };
}

export function timersOf(timers: Partial<Record<TimerName, number>>): State['timers'] {
  return new Map(Object.entries(timers) as [TimerName, number][]);
}

/** L1 serves what is desired, and nothing is going on. */
export const serving: State = {
  ...initialState,
  phase: 'running',
  desired: OLD,
  committed: OLD,
  generation: 1,
  launches: [launchOf(1)],
  launchCount: 1,
  handoverCount: 1,
  lineageCount: 1,
};

/** L1 serves, L2 is its child and not LIVE yet. */
export const handingOver: State = {
  ...serving,
  desired: NEW,
  launches: [launchOf(1), launchOf(2, { stage: 'starting', target: NEW })],
  launchCount: 2,
  handoverCount: 2,
  handover: handoverOf({ launch: launchIdOf(2) }),
  timers: timersOf({ 'silence:L2': NOW_MS + 60_000 } as never),
};

/** L2 has taken over, L1 drains until L2 tells it to go. */
export const retiring: State = {
  ...handingOver,
  committed: NEW,
  generation: 2,
  launches: [launchOf(1, { stage: 'retiring' }), launchOf(2, { target: NEW, generation: 2 })],
  handover: handoverOf({ step: 'retiring', launch: launchIdOf(2) }),
  timers: timersOf({ 'retire:L1': NOW_MS + 70_000 } as never),
};

/** L1 crashed and was the only one; its token's delay runs. */
export const backingOff: State = {
  ...serving,
  phase: 'backoff',
  launches: [],
  crashes: [attemptOf(1, { wasLive: true })],
  handoverCount: 2,
  handover: handoverOf({ triggers: ['crash'], aim: 'restore', target: OLD, step: 'backoff' }),
  timers: timersOf({ retry: NOW_MS + 200 }),
};

export interface Taken {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** What comes of one event, `afterMs` later than NOW_MS. */
export function take(
  state: State,
  event: Event,
  { afterMs = 0, policy: own = policy } = {},
): Taken {
  return step(state, event, { atMs: NOW_MS + afterMs, chance: 0.5 }, own);
}

/** What comes of several events in a row, at the same moment. */
export function takeAll(state: State, events: readonly Event[], own = policy): Taken {
  return events.reduce<Taken>(
    (sofar, event) => {
      const taken = take(sofar.state, event, { policy: own });
      return { state: taken.state, effects: [...sofar.effects, ...taken.effects] };
    },
    { state, effects: [] },
  );
}

/** Each effect as one short line: its verb and what it is about. */
export function verbs(effects: readonly Effect[]): readonly string[] {
  return effects.map(verbOf);
}

function verbOf(effect: Effect): string {
  switch (effect.type) {
    case 'checkDesired':
      return `check ${effect.handover} ${effect.depth}`;
    case 'deliverCertificates':
      return `deliver to ${effect.recipients.map(({ launch }) => launch).join(' and ')}`;
    case 'launchEnvoy':
      return `launch ${effect.launch} at epoch ${effect.epoch} of ${effect.lineage}`;
    case 'signalLaunch':
      return `${effect.signal} ${effect.launch}`;
    case 'drainLaunch':
      return `drain ${effect.launch} for ${effect.purpose}`;
    case 'repairLineage':
      return `repair ${effect.lineage}`;
    case 'forgetLaunch':
      return `forget ${effect.launch}`;
    case 'reportHandover':
      return `report ${effect.end.id ?? 'request'} ${effect.end.result}`;
    case 'exitAgent':
      return `exit ${effect.code}`;
  }
}
