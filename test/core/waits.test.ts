import { describe, expect, test } from 'vitest';
import { launchIdOf, type TimerName } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import { waitStatus, waitsOf } from '../../src/core/waits.ts';
import {
  crashed,
  defaultPolicy,
  handoverHappenings,
  servingHappenings,
  stateAfter,
} from '../support/agent-states.ts';

const live = { type: 'launchLive', launch: launchIdOf(2) } as const;
const handedOver = stateAfter([...handoverHappenings, [11_000, live]]);

describe('what is waited for', () => {
  test('of an old launch is when its child lets it go, long before it would be killed', () => {
    expect(waitsOf(handedOver)[0]).toEqual({
      timer: 'retire:L1',
      what: 'L1 to have drained and ended',
      expectedMs: 71_000,
      dueMs: 81_000,
      otherwise: 'it is killed',
    });
  });

  test('of an old launch without a child is its last connection, for a time', () => {
    const orphaned = stateAfter([[12_000, crashed(2, 'SIGKILL')]], defaultPolicy, handedOver);
    expect(waitsOf(orphaned).find(({ timer }) => timer === `retire:${launchIdOf(1)}`)).toEqual({
      timer: 'retire:L1',
      what: 'L1 to have drained and ended',
      dueMs: 81_000,
      otherwise: 'it is sent SIGTERM',
    });
  });

  test('comes in the order in which it is expected', () => {
    const timers = new Map<TimerName, number>([
      [`retire:${launchIdOf(1)}`, 81_000],
      ['refill', 75_000],
      ['jitter', 70_000],
    ]);
    const { crashes } = stateAfter([...servingHappenings, [5_000, crashed(1, 'SIGSEGV')]]);
    const kinds = waitsOf({ ...handedOver, timers, crashes }).map(({ timer }) => timer);
    expect(kinds).toEqual(['jitter', 'retire:L1', 'refill']);
  });

  test('is no refill of tokens that are whole', () => {
    expect(handedOver.timers.has('refill')).toBe(true);
    expect(waitsOf(handedOver).map(({ timer }) => timer)).toEqual(['retire:L1']);
  });

  test('after SIGTERM is its end, and after SIGKILL nothing any more', () => {
    const ending = (isKilled: boolean) => {
      const { launches } = stateAfter(servingHappenings);
      const timers = new Map<TimerName, number>([[`kill:${launchIdOf(1)}`, 5_000]]);
      const state = { ...handedOver, launches, timers } satisfies State;
      const killed = launches.map((launch) => ({ ...launch, isKilled: true }) as const);
      return waitsOf(isKilled ? { ...state, launches: killed } : state)[0]?.otherwise;
    };
    expect([ending(false), ending(true)]).toEqual(['it is killed', 'it is waited for no longer']);
  });

  test('is told in seconds from now on', () => {
    const [wait] = waitsOf(handedOver);
    expect(wait && waitStatus(wait, 20_000)).toMatchObject({
      leftSeconds: 61,
      expectedSeconds: 51,
    });
  });
});
