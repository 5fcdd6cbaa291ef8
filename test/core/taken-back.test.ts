/** What was desired for a moment and then was not: what serves is what is wanted again. */
import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { digestOf, lineageIdOf } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import { ask, desire, exited, hangUp, passed } from '../support/core-events.ts';
import {
  attemptOf,
  handingOver,
  handoverOf,
  NEW,
  NOW_MS,
  OLD,
  policy,
  serving,
  take,
  takeAll,
  timersOf,
  verbs,
} from '../support/states.ts';

const { state: checking } = take(serving, desire(NEW));
const waiting: State = {
  ...checking,
  handover: handoverOf({ step: 'backoff', attempts: [attemptOf(2)] }),
  timers: timersOf({ retry: NOW_MS + 200 }),
};
const crowded: State = {
  ...checking,
  handover: handoverOf({ step: 'headroom' }),
  timers: timersOf({ headroom: NOW_MS + 10_000 }),
};

describe('a change that is taken back', () => {
  it.each([
    ['while it is checked', checking],
    ['while it waits for its next try', waiting],
    ['while it waits for memory', crowded],
  ])('%s is given up, and nothing is launched for it', (_, before: State) => {
    const { state, effects } = take(before, desire(OLD));
    expect(effects).toMatchObject([{ end: { result: 'abandoned' } }]);
    expect(state.handover).toBeUndefined();
    expect(state.refused).toBeUndefined();
    expect(state.timers.size).toBe(0);
    expect(take(state, passed(2)).effects).toEqual([]);
  });

  it.each([
    ['someone', ask],
    ['a signal', hangUp],
  ])('is gone through with when %s asked for a restart meanwhile', (_, asking) => {
    const { effects } = takeAll(checking, [asking, desire(OLD), passed(2), passed(2)]);
    expect(verbs(effects).at(-1)).toBe('launch L2 at epoch 1 of G1');
  });

  it('after its launch has failed is not launched again', () => {
    const repaired: Event = {
      ...{ type: 'lineageRepaired', lineage: lineageIdOf(1), isSound: true },
      reason: 'repaired',
    };
    const retry: Event = { type: 'timerFired', timer: 'retry' };
    const { state, effects } = takeAll(handingOver, [
      desire(OLD),
      exited(2, { kind: 'exited', code: 1 }),
      repaired,
      retry,
    ]);
    expect(verbs(effects).at(-1)).toBe('report H2 abandoned');
    expect(state.handover).toBeUndefined();
  });

  it('is so for what is watched, whatever else has changed on disk', () => {
    const own = { ...policy, triggers: new Set(['certificates'] as const) };
    const other = { ...OLD, binary: digestOf('binary-2') };
    const events = [desire({ ...other, certificates: NEW.certificates ?? digestOf('') })];
    const { state } = takeAll(serving, [...events, desire(other)], own);
    expect(state.handover).toBeUndefined();
  });

  it('is waited out where a launch fell silent: its parent may answer it late', () => {
    const attempts = [attemptOf(2, { wasSilent: true })];
    const silent: State = { ...waiting, handover: handoverOf({ step: 'backoff', attempts }) };
    expect(take(silent, desire(OLD)).state.handover).toMatchObject({ step: 'backoff' });
  });
});
