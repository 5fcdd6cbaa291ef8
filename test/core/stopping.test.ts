import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { initialState } from '../../src/core/lifecycle.ts';
import { launchIdOf, lineageIdOf, type Policy, requestIdOf } from '../../src/core/model.ts';
import type { Launch, State } from '../../src/core/state.ts';
import { counted } from '../support/core-events.ts';
import {
  backingOff,
  handingOver,
  handoverOf,
  launchOf,
  NOW_MS,
  policy,
  retiring,
  serving,
  take,
  takeAll,
  timersOf,
  verbs,
} from '../support/states.ts';

const stop = (how: 'graceful' | 'now' = 'graceful', reason = 'SIGTERM'): Event => ({
  type: 'stopRequested',
  how,
  reason,
});
const exited = (id: number): Event => ({
  type: 'launchExited',
  launch: launchIdOf(id),
  outcome: { kind: 'exited', code: 0 },
  lastLines: [],
});
const fired = (timer: string): Event => ({ type: 'timerFired', timer: timer as never });
const starting = launchOf(2, { stage: 'starting' });

describe('a stop', () => {
  it.each<[string, State, 'graceful' | 'now', readonly string[]]>([
    ['nothing is known', initialState, 'graceful', ['exit 0']],
    [
      'the first checks run',
      takeAll(initialState, [{ type: 'desiredChanged', desired: handoverOf().target }]).state,
      'graceful',
      ['report H1 abandoned', 'exit 0'],
    ],
    ['Envoy serves', serving, 'graceful', ['drain L1 for stop']],
    ['Envoy serves and there is no time', serving, 'now', ['SIGTERM L1']],
    [
      'the first one starts',
      { ...handingOver, launches: [starting] },
      'graceful',
      ['report H2 abandoned', 'SIGKILL L2'],
    ],
    [
      'a new one starts',
      handingOver,
      'graceful',
      ['report H2 abandoned', 'SIGKILL L2', 'drain L1 for stop'],
    ],
    [
      'a new one starts and there is no time',
      handingOver,
      'now',
      ['report H2 abandoned', 'SIGKILL L2'],
    ],
    ['an old one drains', retiring, 'graceful', ['drain L1 for count', 'drain L2 for stop']],
    ['an old one drains and there is no time', retiring, 'now', ['SIGTERM L2']],
    ['a delay runs', backingOff, 'graceful', ['report H2 abandoned', 'exit 0']],
    [
      'a delay runs while an old one drains',
      { ...backingOff, launches: [launchOf(1, { stage: 'retiring' })] },
      'graceful',
      ['report H2 abandoned', 'drain L1 for stop'],
    ],
  ])('does what it must when %s', (_, given, how, expected) => {
    const { state, effects } = take(given, stop(how));
    expect(verbs(effects)).toEqual(expected);
    expect(state.handover).toBeUndefined();
    expect(state.timers.has('retry')).toBe(false);
    expect(state.phase).toBe(expected.includes('exit 0') ? 'stopped' : 'draining');
  });

  it('lets everything be during the delay', () => {
    const own = { ...policy, terminationDelayMs: 2_000 };
    const delayed = take(serving, stop(), { policy: own });
    expect(delayed.effects).toEqual([]);
    expect(delayed.state.timers).toEqual(timersOf({ stopDelay: NOW_MS + 2_000 }));
    const { state, effects } = take(delayed.state, fired('stopDelay'), { afterMs: 2_000 });
    expect(verbs(effects)).toEqual(['drain L1 for stop']);
    expect(state.timers).toEqual(timersOf({ drainMin: NOW_MS + 7_000, drainMax: NOW_MS + 27_000 }));
  });

  it('answers everybody who waits, in whatever step the handover is', () => {
    const pending = [{ trigger: 'request', mode: 'auto', id: requestIdOf('R2') } as const];
    for (const given of [serving, handingOver, retiring]) {
      const { state, effects } = take({ ...given, pending }, stop());
      expect(effects).toContainEqual(
        expect.objectContaining({ type: 'reportHandover', requests: ['R2'] }),
      );
      expect(state.pending).toEqual([]);
    }
  });

  it('keeps the exit code and the reason it began with', () => {
    const code: Event = { ...stop('now', 'the status port'), exitCode: 70 } as Event;
    const { effects } = takeAll(serving, [code, stop(), exited(1)]);
    expect(effects.at(-1)).toEqual({ type: 'exitAgent', code: 70, reason: 'the status port' });
  });
});

describe('the drain', () => {
  const draining = take(serving, stop()).state;

  it.each<[string, readonly Event[], readonly string[]]>([
    ['not at zero before MIN', [counted(1, 0)], []],
    ['not at MIN with connections', [counted(1, 2), fired('drainMin')], []],
    ['not at MIN when nobody could count', [fired('drainMin')], []],
    ['at MIN when there are none', [counted(1, 0), fired('drainMin')], ['SIGTERM L1']],
    ['at zero after MIN', [fired('drainMin'), counted(1, 0)], ['SIGTERM L1']],
    ['at MAX with connections', [counted(1, 2), fired('drainMax')], ['SIGTERM L1']],
    ['when Envoy has gone', [exited(1)], ['forget L1', 'exit 0']],
  ])('ends %s', (_, events, expected) => {
    expect(verbs(takeAll(draining, events).effects)).toEqual(expected);
  });

  it('waits for the connections of the old one too', () => {
    const both = take(retiring, stop()).state;
    const { state, effects } = takeAll(both, [fired('drainMin'), counted(2, 0), counted(1, 1)]);
    expect(effects).toEqual([]);
    expect(verbs(take(state, counted(1, 0)).effects)).toEqual(['SIGTERM L2']);
  });

  it('does not wait for one that is being killed', () => {
    const both = take(handingOver, stop()).state;
    const { effects } = takeAll(both, [fired('drainMin'), counted(1, 0)]);
    // Its parent is told once it is gone.
    expect(effects).toEqual([]);
    const ended = takeAll(both, [fired('drainMin'), counted(1, 0), exited(2)]);
    expect(verbs(ended.effects)).toEqual(['forget L2', 'SIGTERM L1']);
  });

  it('does not wait for one that hangs: nobody can count its connections', () => {
    const hung = { ...serving, launches: [launchOf(1, { isHung: true, connections: 3 })] };
    const { effects } = takeAll(hung, [stop(), fired('drainMin')]);
    expect(verbs(effects)).toEqual(['drain L1 for stop', 'SIGKILL L1']);
  });

  it('restarts nothing when Envoy dies in it, and goes on for what drains', () => {
    const both = take(retiring, stop()).state;
    const { state, effects } = take(both, exited(2));
    expect(verbs(effects)).toEqual(['forget L2']);
    const ended = takeAll(state, [fired('drainMin'), counted(1, 0)]);
    expect(verbs(ended.effects)).toEqual(['SIGTERM L1']);
  });

  it('waits for what drains while nothing serves', () => {
    const clearing = {
      ...serving,
      handover: handoverOf({ step: 'clearing', mode: 'cold' }),
      launches: [launchOf(1, { stage: 'retiring', connections: 7 })],
    };
    const { state, effects } = takeAll(clearing, [stop(), fired('drainMin')]);
    expect(verbs(effects)).toEqual(['report H2 abandoned', 'drain L1 for stop']);
    expect(verbs(take(state, counted(1, 0)).effects)).toEqual(['SIGTERM L1']);
  });
});

describe('the end of the stop', () => {
  const terminating = take(serving, stop('now')).state;

  it('is SIGKILL after three seconds and no more waiting after two more', () => {
    expect(terminating.timers).toEqual(timersOf({ 'kill:L1': NOW_MS + 3_000 } as never));
    const killed = take(terminating, fired('kill:L1'));
    expect(verbs(killed.effects)).toEqual(['SIGKILL L1']);
    expect(killed.state.timers).toEqual(timersOf({ 'kill:L1': NOW_MS + 2_000 } as never));
    expect(verbs(take(killed.state, fired('kill:L1')).effects)).toEqual(['forget L1', 'exit 0']);
  });

  it('tells the parent only when its child is gone', () => {
    const { effects } = takeAll(retiring, [stop('now'), exited(2)]);
    expect(verbs(effects)).toEqual(['SIGTERM L2', 'forget L2', 'SIGTERM L1']);
  });

  it('is SIGKILL for all of them when the time of one is up', () => {
    const { effects } = takeAll(retiring, [stop('now'), fired('kill:L2')]);
    expect(verbs(effects)).toEqual(['SIGTERM L2', 'SIGKILL L1', 'SIGKILL L2']);
  });

  it('tells two lineages at once, and kills a doomed one', () => {
    const beside: Launch = launchOf(3, { lineage: lineageIdOf(2) });
    const doomed = launchOf(2, { stage: 'retiring', isDoomed: true });
    const given = { ...serving, launches: [doomed, beside] };
    expect(verbs(take(given, stop('now')).effects)).toEqual(['SIGKILL L2', 'SIGTERM L3']);
  });

  it('commits nothing that becomes LIVE on its way out', () => {
    const killed: Launch = { ...starting, isKilled: true };
    const given = { ...handingOver, launches: [launchOf(1), killed] };
    const stopping = take(given, stop()).state;
    const { state, effects } = take(stopping, { type: 'launchLive', launch: launchIdOf(2) });
    expect(effects).toEqual([]);
    expect(state.committed).toBe(given.committed);
  });
});

describe('a failure while stopping', () => {
  it('tells what to exit with and is no ask', () => {
    const failure = { ...stop('graceful', 'a bug of ours'), exitCode: 70 } as Event;
    const { state, effects } = takeAll(serving, [stop(), failure]);
    expect(state.stop).toMatchObject({ exitCode: 70, askedCount: 1, step: 'draining' });
    expect(verbs(effects)).toEqual(verbs(take(serving, stop()).effects));
  });
});

describe('asking again', () => {
  const own: Policy = { ...policy, terminationDelayMs: 2_000 };
  const askedAt = (...timesMs: readonly number[]) =>
    timesMs.reduce(
      (sofar, afterMs) => {
        const { state, effects } = take(sofar.state, stop(), { afterMs, policy: own });
        return { state, verbs: [...sofar.verbs, ...verbs(effects)] };
      },
      { state: serving as State, verbs: [] as readonly string[] },
    );

  it.each<[string, readonly number[], readonly string[]]>([
    ['within 300 ms is the same ask', [0, 299], []],
    ['after 300 ms skips the wait', [0, 300], ['SIGTERM L1']],
    ['a third time kills', [0, 300, 600], ['SIGTERM L1', 'SIGKILL L1']],
    ['a third time within 300 ms of the second is the same ask', [0, 300, 599], ['SIGTERM L1']],
    ['after that changes nothing', [0, 300, 600, 900, 1_200], ['SIGTERM L1', 'SIGKILL L1']],
  ])('%s', (_, timesMs, expected) => {
    expect(askedAt(...timesMs).verbs).toEqual(expected);
  });

  it('for a stop at once is never the same ask as for a graceful one', () => {
    const delayed = take(serving, stop(), { policy: own }).state;
    const hasty = take(delayed, stop('now'), { afterMs: 50, policy: own });
    expect(verbs(hasty.effects)).toEqual(['SIGTERM L1']);
    const again = take(hasty.state, stop('now'), { afterMs: 100, policy: own });
    expect(again.effects).toEqual([]);
  });

  it('a third time exits with 137 and does not spare parents', () => {
    const third = [0, 300, 600].reduce(
      (state, afterMs) => take(state, stop(), { afterMs }).state,
      retiring as State,
    );
    expect(third.launches.every(({ isKilled }) => isKilled)).toBe(true);
    expect(verbs(takeAll(third, [exited(1), exited(2)]).effects)).toContain('exit 137');
  });

  it('does not make the wait for the kernel any longer', () => {
    const { state } = askedAt(0, 300, 600, 900);
    expect(state.timers).toEqual(timersOf({ 'kill:L1': NOW_MS + 2_600 } as never));
  });
});
