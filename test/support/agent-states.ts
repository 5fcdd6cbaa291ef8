/** States of the agent as its own core makes them out of events. */
import type { Event } from '../../src/core/events.ts';
import { initialState, step } from '../../src/core/lifecycle.ts';
import {
  type Desired,
  digestOf,
  handoverIdOf,
  launchIdOf,
  type Policy,
} from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';

/** The documented defaults. */
export const defaultPolicy: Policy = {
  handover: 'auto',
  triggers: new Set(['certificates', 'bootstrap', 'binary']),
  delivery: 'restart',
  jitterMs: 0,
  expiryMarginMs: 600_000,
  certificateWaitMs: 0,
  liveDeadlineMs: 60_000,
  initDeadlineMs: 300_000,
  drainTimeMs: 45_000,
  parentShutdownTimeMs: 60_000,
  standby: false,
  memory: 'warn',
  hangDeadlineMs: 30_000,
  restartTokens: 10,
  restartBackoffMs: 200,
  restartRefillTimeMs: 600_000,
  terminationDelayMs: 0,
  terminationDrainMinMs: 5_000,
  terminationDrainMaxMs: 25_000,
};

/** A desired state that differs from another by its version. */
export function desiredVersion(version: number): Desired {
  const digest = (part: string) => digestOf(`${part}${version}`.padEnd(64, '0'));
  return { certificates: digest('c'), bootstrap: digest('b'), binary: digest('e') };
}

/** An event and the milliseconds at which it is taken. */
export type Happening = readonly [atMs: number, event: Event];

/** The state after some events, each at its moment. */
export function stateAfter(
  happenings: readonly Happening[],
  policy: Policy = defaultPolicy,
  from: State = initialState,
): State {
  return happenings.reduce(
    (state, [atMs, event]) => step(state, event, { atMs, chance: 0.5 }, policy).state,
    from,
  );
}

/** L1 starts at 0 ms; its checks have passed and it was spawned as process 101. */
export const startingHappenings: readonly Happening[] = [
  [0, { type: 'desiredChanged', desired: desiredVersion(1) }],
  [0, checksPassed(1)],
  [0, { type: 'launchSpawned', launch: launchIdOf(1), pid: 101 }],
];

/** L1 has been LIVE since 100 ms. */
export const servingHappenings: readonly Happening[] = [
  ...startingHappenings,
  [100, { type: 'launchLive', launch: launchIdOf(1) }],
];

/** L2 of a hot handover H2, begun at 10,000 ms for changed contents, is being started. */
export const handoverHappenings: readonly Happening[] = [
  ...servingHappenings,
  [10_000, { type: 'desiredChanged', desired: desiredVersion(2) }],
  [10_000, checksPassed(2)],
  [10_000, { type: 'launchSpawned', launch: launchIdOf(2), pid: 102 }],
];

export function checksPassed(handover: number): Event {
  return { type: 'checksPassed', handover: handoverIdOf(handover), speaksSameVersion: true };
}

export function crashed(launch: number, signal: string): Event {
  return {
    type: 'launchExited',
    launch: launchIdOf(launch),
    outcome: { kind: 'killed', signal },
    lastLines: ['a last line'],
  };
}

export const sigterm = {
  type: 'stopRequested',
  how: 'graceful',
  reason: 'SIGTERM',
} as const satisfies Event;
