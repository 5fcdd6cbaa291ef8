/** What comes while a restart after a crash is under way may be the cure. */
import { expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { launchIdOf } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import {
  attemptOf,
  givenUp,
  handoverOf,
  launchOf,
  NEW,
  OLD,
  serving,
  take,
  takeAll,
  verbs,
} from '../support/states.ts';

const restarting: State = {
  ...serving,
  phase: 'backoff',
  launches: [launchOf(2, { stage: 'starting' })],
  launchCount: 2,
  crashes: [attemptOf(1, { wasLive: true })],
  handoverCount: 2,
  handover: handoverOf({
    ...{ triggers: ['crash'], aim: 'restore', mode: 'cold', target: OLD, step: 'starting' },
    launch: launchIdOf(2),
  }),
};
const change: Event = { type: 'desiredChanged', desired: NEW };
const exited: Event = {
  ...{ type: 'launchExited', launch: launchIdOf(2), lastLines: [] },
  outcome: { kind: 'exited', code: 1 },
};

it('is what the next start is of, when the one under way fails', () => {
  const { state } = takeAll(restarting, [change, exited]);
  expect(state.handover).toMatchObject({ aim: 'change', target: NEW, step: 'backoff' });
  expect(state.refused).toBeUndefined();
  const { effects } = take(state, { type: 'timerFired', timer: 'retry' });
  expect(verbs(effects)).toEqual(['check H2 full']);
});

it('is not tried again when it was given up before', () => {
  const { state } = takeAll({ ...restarting, desired: NEW, refused: givenUp(NEW) }, [exited]);
  expect(state.handover).toMatchObject({ aim: 'restore', target: OLD });
});
