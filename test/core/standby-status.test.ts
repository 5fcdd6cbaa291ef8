import { describe, expect, test } from 'vitest';
import { handoverIdOf, launchIdOf, lineageIdOf } from '../../src/core/model.ts';
import { isStandbyMissing } from '../../src/core/standby-status.ts';
import type { HandoverEnd, State } from '../../src/core/state.ts';
import { statusOf } from '../../src/core/status.ts';
import { attemptOf, launchOf, NOW_MS, policy, serving, take, timersOf } from '../support/states.ts';

const TWO = { ...policy, standby: true };
const second = launchOf(2, { lineage: lineageIdOf(2), epoch: launchOf(1).epoch });
const both: State = { ...serving, launches: [launchOf(1), second], launchCount: 2 };
const givenUp: State = { ...serving, standbyGivenUp: 1 };

const standbyOf = (state: State, own = TWO) =>
  statusOf(state, { policy: own, moment: { atMs: NOW_MS } }).standby;

const rolledBack: HandoverEnd = {
  id: handoverIdOf(2),
  triggers: ['standby'],
  mode: 'side-by-side',
  result: 'rolledBack',
  reason: 'L2 exited with code 1: no',
  attemptCount: 11,
  startedAtMs: NOW_MS,
  endedAtMs: NOW_MS,
};

describe('the standby in the status', () => {
  test('is absent where there is to be none', () => {
    expect(standbyOf(both, policy)).toBeUndefined();
    expect(isStandbyMissing(serving, policy)).toBe(false);
  });

  test('serves beside the first one', () => {
    expect(standbyOf(both)).toEqual({ state: 'serving' });
    expect(isStandbyMissing(both, TWO)).toBe(false);
  });

  test('is being started as long as it was not given up', () => {
    const starting = launchOf(2, { lineage: lineageIdOf(2), stage: 'starting' });
    const state = { ...serving, launches: [launchOf(1), starting] };
    expect(standbyOf(state)).toEqual({ state: 'starting' });
    expect(isStandbyMissing(state, TWO)).toBe(true);
  });

  test('is not counted while it hangs', () => {
    const state: State = { ...both, launches: [launchOf(1), { ...second, isHung: true }] };
    expect(standbyOf(state)).toEqual({ state: 'starting' });
  });

  test('is missing where it could not be started: why, and when it is tried again', () => {
    const timers = timersOf({ standby: NOW_MS + 60_000, refill: NOW_MS + 500_000 });
    expect(standbyOf({ ...givenUp, lastEnd: rolledBack, timers })).toEqual({
      state: 'missing',
      reason:
        'L2 exited with code 1: no; tried again in 60 s, or when something on disk changes or someone asks for a handover',
    });
  });

  test('is missing where all tokens are spent, until they come back', () => {
    const crashes = Array.from({ length: 11 }, (_, at) => attemptOf(at + 1));
    const timers = timersOf({ refill: NOW_MS + 500_000 });
    const state = { ...givenUp, crashes, timers };
    expect(standbyOf(state)?.reason).toBe(
      'all 10 restart tokens are spent; tried again in 500 s, or when something on disk changes or someone asks for a handover',
    );
    expect(isStandbyMissing(state, TWO)).toBe(true);
  });

  test('has no reason of another handover, and no time where none is set', () => {
    const lastEnd = { ...rolledBack, triggers: ['certificates'] } as const;
    expect(standbyOf({ ...givenUp, lastEnd })?.reason).toBe(
      'it could not be started; tried again when something on disk changes or someone asks for a handover',
    );
  });

  test('is no longer told of once the agent stops', () => {
    const asked = { type: 'stopRequested', how: 'graceful', reason: 'SIGTERM' } as const;
    const { state } = take(givenUp, asked, { policy: TWO });
    expect(standbyOf(state)).toBeUndefined();
    expect(isStandbyMissing(state, TWO)).toBe(false);
  });

  test('comes after what someone asked for', () => {
    const asked = [
      { type: 'restartRequested', trigger: 'signal', mode: 'auto' },
      { type: 'checksPassed', handover: handoverIdOf(2), speaksSameVersion: true },
      { type: 'launchLive', launch: launchIdOf(2) },
    ] as const;
    const after = asked.reduce<State>(
      (state, event) => take(state, event, { policy: TWO }).state,
      givenUp,
    );
    expect(standbyOf(after)?.state).toBe('starting');
  });
});
