/** What was desired for a moment and then was not: what serves is what is wanted again. */
import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { type Desired, handoverIdOf, requestIdOf } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import {
  attemptOf,
  handoverOf,
  NEW,
  OLD,
  serving,
  take,
  takeAll,
  verbs,
} from '../support/states.ts';

const desire = (desired: Desired): Event => ({ type: 'desiredChanged', desired });
const ask: Event = {
  type: 'restartRequested',
  trigger: 'request',
  mode: 'auto',
  request: requestIdOf('R1'),
};
const hangUp: Event = { type: 'restartRequested', trigger: 'signal', mode: 'auto' };
const passed: Event = {
  type: 'checksPassed',
  handover: handoverIdOf(2),
  speaksSameVersion: true,
};
const { state: checking } = take(serving, desire(NEW));
const waiting: State = {
  ...checking,
  handover: handoverOf({ step: 'backoff', attempts: [attemptOf(2)] }),
};

describe('a change that is taken back', () => {
  it.each([
    ['while it is checked', checking],
    ['while it waits for its next try', waiting],
    ['while it waits for memory', { ...checking, handover: handoverOf({ step: 'headroom' }) }],
  ])('%s is given up, and nothing is launched for it', (_, before: State) => {
    const { state, effects } = take(before, desire(OLD));
    expect(effects).toMatchObject([{ end: { result: 'abandoned' } }]);
    expect(state.handover).toBeUndefined();
    expect(state.refused).toBeUndefined();
    expect(take(state, passed).effects).toEqual([]);
  });

  it.each([
    ['someone', ask],
    ['a signal', hangUp],
  ])('is gone through with when %s asked for a restart meanwhile', (_, asking) => {
    const { effects } = takeAll(checking, [asking, desire(OLD), passed, passed]);
    expect(verbs(effects).at(-1)).toBe('launch L2 at epoch 1 of G1');
  });

  it('is waited out where a launch fell silent: its parent may answer it late', () => {
    const attempts = [attemptOf(2, { wasSilent: true })];
    const silent = { ...waiting, handover: handoverOf({ step: 'backoff', attempts }) };
    expect(take(silent, desire(OLD)).state.handover).toMatchObject({ step: 'backoff' });
  });
});
