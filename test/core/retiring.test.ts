import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { launchIdOf, lineageIdOf } from '../../src/core/model.ts';
import { leftOnTime } from '../../src/core/retiring.ts';
import type { Launch, State } from '../../src/core/state.ts';
import {
  launchOf,
  NOW_MS,
  policy,
  retiring,
  serving,
  take,
  timersOf,
  verbs,
} from '../support/states.ts';

const counted = (count: number): Event => ({
  type: 'connectionsCounted',
  launch: launchIdOf(1),
  count,
});
const overdue: Event = { type: 'timerFired', timer: 'retire:L1' as never };

/** L1 retires with or without these others; its time is over when its timer fires. */
function beside(...others: readonly Launch[]): State {
  return {
    ...retiring,
    launches: [launchOf(1, { stage: 'retiring' }), ...others],
    timers: timersOf({ 'retire:L1': NOW_MS } as never),
  };
}

const child = launchOf(2);
const stranger = launchOf(2, { lineage: lineageIdOf(2) });

describe('a retiring launch', () => {
  it.each<[string, State, number, readonly string[]]>([
    ['is left to its child without connections', beside(child), 0, []],
    ['is ended without connections when it has no child', beside(stranger), 0, ['SIGTERM L1']],
    ['is left alone with connections', beside(stranger), 3, []],
  ])('%s', (_, state, count, expected) => {
    const taken = take(state, counted(count));
    expect(verbs(taken.effects)).toEqual(expected);
    expect(taken.state.launches[0]?.connections).toBe(count);
  });

  it('is killed without connections when it is doomed: it would obey ten seconds late', () => {
    const state = {
      ...beside(stranger),
      launches: [launchOf(1, { stage: 'retiring', isDoomed: true }), stranger],
    };
    expect(verbs(take(state, counted(0)).effects)).toEqual(['SIGKILL L1']);
  });

  it.each<[string, State, readonly string[]]>([
    ['a living child: it is dead-locked', beside(child), ['SIGKILL L1']],
    ['no child: nobody else tells it', beside(stranger), ['SIGTERM L1']],
    ['a child that is not LIVE yet', beside(launchOf(2, { stage: 'starting' })), []],
  ])('past its time is dealt with when it has %s', (_, state, expected) => {
    expect(verbs(take(state, overdue).effects)).toEqual(expected);
  });

  it('is given ten seconds more while its child is not LIVE', () => {
    const { state } = take(beside(launchOf(2, { stage: 'starting' })), overdue);
    expect(state.timers.get('retire:L1' as never)).toBe(NOW_MS + 10_000);
  });

  it.each(['live', 'stopping', 'starting'] as const)('is not meant when L1 is %s', (stage) => {
    const state = { ...beside(), launches: [launchOf(1, { stage })] };
    expect(take(state, overdue).effects).toEqual([]);
  });
});

describe('a live launch', () => {
  it('is not ended for having no connections', () => {
    expect(take(serving, counted(0)).effects).toEqual([]);
  });
});

describe('leaving on time', () => {
  const launch = launchOf(1, { stage: 'retiring' });
  it.each<[number, boolean, boolean]>([
    [58_999, true, false],
    [59_000, true, true],
    [60_030, true, true],
    [60_030, false, false],
  ])('after %i ms with a clean end %s is %s', (afterMs, wasClean, expected) => {
    expect(leftOnTime({ atMs: NOW_MS + afterMs, policy }, launch, wasClean)).toBe(expected);
  });

  it('is never so for what did not retire', () => {
    expect(leftOnTime({ atMs: NOW_MS + 99_000, policy }, launchOf(1), true)).toBe(false);
  });
});
