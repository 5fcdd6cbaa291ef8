import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { launchIdOf, lineageIdOf, type Policy, requestIdOf } from '../../src/core/model.ts';
import { heldNotes, restartNote, restartProgress } from '../../src/core/restart-progress.ts';
import {
  checksPassed,
  crashed,
  defaultPolicy,
  type Happening,
  handoverHappenings,
  servingHappenings,
  stateAfter,
} from '../support/agent-states.ts';

const request = requestIdOf('R1');
const asked: Event = { type: 'restartRequested', trigger: 'request', mode: 'auto', request };

function progressAfter(happenings: readonly Happening[], policy: Policy = defaultPolicy) {
  return restartProgress(stateAfter(happenings, policy), request);
}

describe('who has asked for a restart', () => {
  test('is told of its own handover from its checks to LIVE', () => {
    const checking: readonly Happening[] = [...servingHappenings, [20_000, asked]];
    expect(progressAfter(checking)).toEqual({ doing: 'H2 checks what is to be started' });
    const starting: readonly Happening[] = [...checking, [20_000, checksPassed(2)]];
    expect(progressAfter(starting)).toEqual({
      doing: 'H2 starts L2 (mode hot)',
      untilMs: 20_000 + defaultPolicy.liveDeadlineMs,
    });
    const answered: Event = {
      type: 'launchAnswered',
      launch: launchIdOf(2),
      envoyState: 'INITIALIZING',
    };
    const initializing: readonly Happening[] = [...starting, [21_000, answered]];
    expect(progressAfter(initializing)).toEqual({
      doing: 'H2 starts L2 (mode hot), which is INITIALIZING',
      untilMs: 21_000 + defaultPolicy.initDeadlineMs,
    });
    const live = { type: 'launchLive', launch: launchIdOf(2) } as const;
    expect(progressAfter([...initializing, [22_000, live]])).toBeUndefined();
    expect(progressAfter([...initializing, [22_000, { ...live, awaitsProof: true }]])).toEqual({
      doing: 'L2 is LIVE; whether it has loaded its certificates is asked',
    });
  });

  test('is told which handover comes before its own', () => {
    const waiting: readonly Happening[] = [...handoverHappenings, [11_000, asked]];
    expect(progressAfter(waiting)).toEqual({
      doing: 'H2 (because of certificates, bootstrap, binary) is starting and has to end first',
    });
    const live = { type: 'launchLive', launch: launchIdOf(2) } as const;
    const retiring: readonly Happening[] = [...waiting, [12_000, live]];
    expect(progressAfter(retiring)).toEqual({
      doing: expect.stringMatching(/^H2 .* is retiring .*first: L1 is retiring$/),
      untilMs: 12_000 + defaultPolicy.parentShutdownTimeMs + 10_000,
    });
  });

  test('is told of a failed start, and of the next try', () => {
    const failed: readonly Happening[] = [
      ...servingHappenings,
      [20_000, asked],
      [20_000, checksPassed(2)],
      [20_100, crashed(2, 'SIGSEGV')],
    ];
    const reason = 'L2 was ended by SIGSEGV: a last line';
    expect(progressAfter(failed)?.doing).toBe(
      `H2 repairs what a failed start has left, for ${reason}`,
    );
    const lineage = lineageIdOf(1);
    const repaired = { type: 'lineageRepaired', lineage, isSound: true, reason: '' } as const;
    expect(progressAfter([...failed, [20_200, repaired]])).toEqual({
      doing: `H2 waits before it tries again, for ${reason}`,
      untilMs: 20_200 + defaultPolicy.restartBackoffMs,
    });
  });

  test('is told that it waits for memory', () => {
    const memoryShortage = { neededBytes: 2, freeBytes: 1 };
    const passed: Event = { ...checksPassed(2), memoryShortage } as Event;
    const policy = { ...defaultPolicy, memory: 'wait' } as const;
    expect(
      progressAfter([...servingHappenings, [20_000, asked], [20_000, passed]], policy),
    ).toEqual({
      doing: 'H2 waits for room: memory is too small for one more Envoy; looks again',
      untilMs: 30_000,
    });
  });

  test('is told that a cold handover clears the way', () => {
    const cold: Event = { ...asked, mode: 'cold' } as Event;
    const clearing = progressAfter([
      ...servingHappenings,
      [20_000, cold],
      [20_000, checksPassed(2)],
    ]);
    expect(clearing).toEqual({
      doing: 'H2 takes the old Envoy out of service first',
      untilMs: 20_000 + defaultPolicy.parentShutdownTimeMs,
    });
  });

  test('is told when the last of two that make way has to be gone', () => {
    const policy = { ...defaultPolicy, standby: true };
    const clearing = progressAfter(
      [
        ...servingHappenings,
        [200, checksPassed(2)],
        [1_000, { type: 'launchLive', launch: launchIdOf(2) }],
        [20_000, { ...asked, mode: 'cold' } as Event],
        [20_000, checksPassed(3)],
        [21_000, { type: 'connectionsCounted', launch: launchIdOf(2), count: 0 }],
      ],
      policy,
    );
    expect(clearing).toEqual({
      doing: 'H3 takes the old Envoy out of service first',
      untilMs: 20_000 + policy.parentShutdownTimeMs,
    });
  });

  test('is told nothing where nobody asked', () => {
    expect(progressAfter(handoverHappenings)).toBeUndefined();
    const live = { type: 'launchLive', launch: launchIdOf(2), awaitsProof: true } as const;
    expect(progressAfter([...handoverHappenings, [11_000, live]])).toBeUndefined();
  });

  test('is told of parts that are held', () => {
    const problems = ['Cannot read it.'];
    const held: Event = { type: 'partHeld', part: 'bootstrap', problems };
    expect(heldNotes(stateAfter(servingHappenings))).toEqual([]);
    expect(heldNotes(stateAfter([...servingHappenings, [20_000, held]]))).toEqual([
      { note: 'the last good bootstrap is taken, for that on disk is no good: Cannot read it.' },
    ]);
  });

  test('is told how long it can take at most', () => {
    expect(restartNote({ doing: 'x', untilMs: 12_340 }, 10_000)).toEqual({
      note: 'x',
      leftSeconds: 2.3,
    });
    expect(restartNote({ doing: 'x' }, 10_000)).toEqual({ note: 'x' });
  });
});
