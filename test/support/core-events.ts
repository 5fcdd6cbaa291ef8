/** What the core is told in most of its tests, in few words. */
import type { Event } from '../../src/core/events.ts';
import {
  type Desired,
  handoverIdOf,
  launchIdOf,
  type Outcome,
  requestIdOf,
} from '../../src/core/model.ts';

export const desire = (desired: Desired): Event => ({ type: 'desiredChanged', desired });

/** @param facts what the checks found beside */
export const passed = (count: number, facts: object = {}): Event => ({
  type: 'checksPassed',
  handover: handoverIdOf(count),
  speaksSameVersion: true,
  ...facts,
});

export const failedChecks = (count: number): Event => ({
  type: 'checksFailed',
  handover: handoverIdOf(count),
  problems: ['Cannot do it.'],
  exitCode: 78,
});

export const live = (count: number): Event => ({ type: 'launchLive', launch: launchIdOf(count) });

export const exited = (count: number, outcome: Outcome): Event => ({
  type: 'launchExited',
  launch: launchIdOf(count),
  outcome,
  lastLines: [],
});

export const counted = (launch: number, count: number): Event => ({
  type: 'connectionsCounted',
  launch: launchIdOf(launch),
  count,
});

/** `R1` asks for a restart in any mode. */
export const ask: Event = {
  type: 'restartRequested',
  trigger: 'request',
  mode: 'auto',
  request: requestIdOf('R1'),
};

export const hangUp: Event = { type: 'restartRequested', trigger: 'signal', mode: 'auto' };
