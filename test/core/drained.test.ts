import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import {
  launchIdOf,
  lineageIdOf,
  type Outcome,
  type Policy,
  requestIdOf,
} from '../../src/core/model.ts';
import { isReady, readiness } from '../../src/core/readiness.ts';
import type { State } from '../../src/core/state.ts';
import { describeNextSigterm } from '../../src/core/stop-plan.ts';
import { counted, exited, failedChecks, live, passed } from '../support/core-events.ts';
import {
  backingOff,
  handingOver,
  handoverOf,
  launchOf,
  NOW_MS,
  OLD,
  policy,
  serving,
  take,
  takeAll,
  timersOf,
  verbs,
} from '../support/states.ts';

const drain: Event = { type: 'drainRequested', reason: 'asked by /drain' };
const undrain = (count = 1): Event => ({
  type: 'undrainRequested',
  request: requestIdOf(`R${count}`),
});
const sigterm: Event = { type: 'stopRequested', how: 'graceful', reason: 'SIGTERM' };
const { state: drained, effects: begun } = take(serving, drain);

describe('a drain that was asked for', () => {
  it('tells the clients to go and turns readiness off, and Envoy stays', () => {
    expect(verbs(begun)).toEqual(['drain L1 for stop']);
    expect(drained).toMatchObject({ phase: 'running', launches: [{ id: 'L1', stage: 'live' }] });
    expect(isReady(drained)).toBe(false);
    const { state } = take(drained, counted(1, 3));
    expect(readiness(state, { policy, moment: { atMs: NOW_MS + 12_000 } })).toEqual({
      ready: false,
      reason: 'drained: asked by /drain 12 s ago, 3 connections',
    });
  });

  it('is begun once, however often it is asked for', () => {
    const again = take(drained, drain, { afterMs: 9_000 });
    expect(again.effects).toEqual([]);
    expect(again.state.drained).toEqual({ sinceMs: NOW_MS, reason: 'asked by /drain' });
  });

  it('is told to both of two', () => {
    const two = [launchOf(1), launchOf(2, { lineage: lineageIdOf(2) })];
    const { effects } = take({ ...serving, launches: two }, drain, {
      policy: { ...policy, standby: true },
    });
    expect(verbs(effects)).toEqual(['drain L1 for stop', 'drain L2 for stop']);
  });

  it('is told to whoever is LIVE later, after a crash or a change', () => {
    const { effects } = takeAll(handingOver, [drain, live(2)]);
    expect(verbs(effects).slice(0, 2)).toEqual(['drain L1 for stop', 'drain L2 for stop']);
    const down = take(backingOff, drain);
    expect(down.effects).toEqual([]);
    expect(isReady(down.state)).toBe(false);
  });

  it('means nothing any more once the agent is stopping', () => {
    const { state } = take(serving, sigterm);
    expect(take(state, drain)).toEqual({ state, effects: [] });
  });
});

describe('the way back', () => {
  it('is a handover to an Envoy that was never told to go, and then readiness', () => {
    const { state, effects } = takeAll(drained, [undrain(), passed(2), live(2)]);
    expect(verbs(effects)).toContain('launch L2 at epoch 1 of G1');
    expect(verbs(effects)).not.toContain('drain L2 for stop');
    expect(state.drained).toBeUndefined();
    expect(isReady(state)).toBe(true);
  });

  it('leaves everything as it was when that handover fails, and may be asked for again', () => {
    const { state, effects } = takeAll(drained, [undrain(), failedChecks(2)]);
    expect(effects.at(-1)).toMatchObject({ end: { result: 'refused' }, requests: ['R1'] });
    expect(state.drained).toEqual(drained.drained);
    expect(state.launches).toEqual(drained.launches);
    const { state: back } = takeAll(state, [undrain(2), passed(3), live(2)]);
    expect(isReady(back)).toBe(true);
  });

  it('is not waited for where nobody serves: who is LIVE next was never told', () => {
    const { state } = takeAll(backingOff, [drain, undrain()]);
    expect(state).toEqual(backingOff);
  });

  it('means nothing to one that is in rotation', () => {
    expect(take(serving, undrain())).toEqual({ state: serving, effects: [] });
  });

  it('can be taken back: the new Envoy is told to go as well', () => {
    const { state, effects } = takeAll(drained, [undrain(), passed(2), drain, live(2)]);
    expect(verbs(effects)).toContain('drain L2 for stop');
    expect(isReady(state)).toBe(false);
  });

  it('is of whoever asked last', () => {
    const { state } = takeAll(drained, [undrain(1), undrain(2), passed(2), live(2)]);
    expect(state.drained).toBeUndefined();
  });

  it('is the handover that is under way already, for all who ask', () => {
    const { state, effects } = takeAll(handingOver, [drain, undrain(1), undrain(2), live(2)]);
    expect(isReady(state)).toBe(true);
    expect(effects.at(-2)).toMatchObject({
      end: { id: 'H2', result: 'committed' },
      requests: ['R1', 'R2'],
    });
    expect(state.pending).toEqual([]);
  });

  it('takes no one along who asked for a restart', () => {
    const restart: Event = {
      type: 'restartRequested',
      trigger: 'request',
      mode: 'auto',
      request: requestIdOf('R9'),
    };
    const { state } = takeAll(handingOver, [drain, undrain(), restart, live(2)]);
    expect(state.pending).toMatchObject([{ id: 'R9' }]);
  });

  it('takes a restart of its own where one of two would stay as it was told', () => {
    const two = [launchOf(1), launchOf(2, { lineage: lineageIdOf(2) })];
    const own = { ...policy, standby: true };
    const third = launchOf(3, { stage: 'starting', lineage: lineageIdOf(3), generation: 1 });
    const standby = handoverOf({
      aim: 'standby',
      mode: 'side-by-side',
      target: OLD,
      launch: third.id,
      replaces: launchIdOf(1),
    });
    const launches = [...two, third];
    const { state } = takeAll(
      { ...handingOver, launches, handover: standby },
      [drain, undrain(), live(3)],
      own,
    );
    expect(state.pending).toMatchObject([{ id: 'R1' }]);
  });

  describe('of two, when the one that came back dies before the other is replaced', () => {
    const own = { ...policy, standby: true };
    const second = launchOf(2, { lineage: lineageIdOf(2), epoch: launchOf(1).epoch });
    const two = {
      ...serving,
      launches: [launchOf(1), second],
      launchCount: 2,
      handoverCount: 2,
      lineageCount: 2,
    };
    const back = takeAll(two, [drain, undrain(), passed(3), live(3)], own).state;
    const killed: Outcome = { kind: 'killed', signal: 'SIGKILL' };
    const reasonIn = (state: State) => readiness(state, { policy: own, moment: { atMs: NOW_MS } });

    it('is over with the next one that is LIVE: the one left told its clients to go', () => {
      expect(isReady(back)).toBe(true);
      const { state } = take(back, exited(3, killed), { policy: own });
      expect(reasonIn(state)).toEqual({
        ready: false,
        reason: 'drained: L1 told its clients to go and is being replaced',
      });
      const retry: Event = { type: 'timerFired', timer: 'retry' };
      expect(isReady(takeAll(state, [retry, passed(4), live(4)], own).state)).toBe(true);
    });

    it('is a rescue without a token left, tried again for as long as it takes', () => {
      const spent = { ...own, restartTokens: 0 };
      const lost = takeAll(
        back,
        [exited(3, killed), exited(2, { kind: 'exited', code: 0 })],
        spent,
      );
      expect(verbs(lost.effects)).toContain('check H4 render');
      const { state } = take(lost.state, failedChecks(4), { policy: spent });
      expect(reasonIn(state)).toMatchObject({
        reason:
          'drained: L1 told its clients to go and could not be replaced, which is tried again',
      });
      const again: Event = { type: 'timerFired', timer: `replace:${launchIdOf(1)}` };
      const next = takeAll(state, [again, passed(5), live(4)], spent);
      expect(verbs(next.effects)).toContain('launch L4 at epoch 0 of G3');
      expect(isReady(next.state)).toBe(true);
    });
  });

  it('is not begun any more once it is taken back', () => {
    const { state, effects } = takeAll(handingOver, [drain, undrain(), drain, live(2)]);
    expect(isReady(state)).toBe(false);
    expect(state.pending).toEqual([]);
    expect(effects).toContainEqual(
      expect.objectContaining({
        end: expect.objectContaining({ result: 'refused' }),
        requests: ['R1'],
      }),
    );
  });

  it.each([
    ['one that is out of rotation', drained],
    ['one that was in rotation', serving],
  ])('is refused while the agent stops: %s', (_, before) => {
    const { state } = take(before, sigterm);
    expect(take(state, undrain()).effects).toMatchObject([
      { type: 'reportHandover', requests: ['R1'], end: { result: 'refused' } },
    ]);
  });
});

describe('SIGTERM to one that is out of rotation', () => {
  const slow: Policy = { ...policy, terminationDelayMs: 3_000 };

  it('ends it at once when no connection is left', () => {
    const empty = take(drained, counted(1, 0)).state;
    const told = take(empty, sigterm, { policy: slow });
    expect(verbs(told.effects)).toEqual(['drain L1 for count']);
    expect(told.state.timers).toEqual(timersOf({ drainMin: NOW_MS, drainMax: NOW_MS + 25_000 }));
    const { effects } = take(told.state, { type: 'timerFired', timer: 'drainMin' });
    expect(verbs(effects)).toEqual(['SIGTERM L1']);
  });

  it('waits for the last one no longer than it would have from the drain on', () => {
    const busy: State = take(drained, counted(1, 2)).state;
    const { state } = take(busy, sigterm, { afterMs: 20_000, policy: slow });
    expect(state.timers.get('drainMax')).toBe(NOW_MS + 25_000);
    const late = take(busy, sigterm, { afterMs: 60_000, policy: slow });
    expect(late.state.timers.get('drainMax')).toBe(NOW_MS + 60_000);
  });

  it('counts from when the last clients were told: a launch that went LIVE since was told then', () => {
    const { state: renewed } = take(take(handingOver, drain).state, live(2), { afterMs: 20_000 });
    const { state } = take(renewed, sigterm, { afterMs: 30_000, policy: slow });
    expect(state.timers.get('drainMax')).toBe(NOW_MS + 20_000 + 25_000);
  });

  it('is foretold', () => {
    expect(describeNextSigterm(drained, slow, NOW_MS + 20_000)).toEqual([
      '0 s on as soon as no connection is left, 5 s at the latest',
      '5 s SIGTERM to Envoy, newest first',
      '8 s SIGKILL to what is left',
      '10 s gone, whatever happened',
    ]);
  });
});
