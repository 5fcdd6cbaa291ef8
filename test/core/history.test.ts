/** The history is folded out of what the core makes of events, as in a run of the agent. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import type { History } from '../../src/core/history-model.ts';
import { historyStatus } from '../../src/core/history-status.ts';
import { digestOf, EXIT, handoverIdOf, launchIdOf, lineageIdOf } from '../../src/core/model.ts';
import {
  checksPassed,
  crashed,
  defaultPolicy,
  desiredVersion,
  type Happening,
  handoverHappenings,
  servingHappenings,
  sigterm,
} from '../support/agent-states.ts';
import { toldAfter } from '../support/histories.ts';

const historyAfter: (...told: Parameters<typeof toldAfter>) => History = (...told) =>
  toldAfter(...told).history;

/** As it is told, the undefined members gone. */
function shownAfter(happenings: readonly Happening[], atMs: number, policy = defaultPolicy) {
  const told = historyStatus(historyAfter(happenings, policy), atMs);
  return JSON.parse(JSON.stringify(told)) as ReturnType<typeof historyStatus>;
}

const ended = (launch: number, code = 0): Event => ({
  type: 'launchExited',
  launch: launchIdOf(launch),
  outcome: { kind: 'exited', code },
  lastLines: code === 0 ? [] : ['cannot go on'],
});
const counted = (launch: number, count: number): Event => {
  return { type: 'connectionsCounted', launch: launchIdOf(launch), count };
};
const live = (launch: number): Event => ({ type: 'launchLive', launch: launchIdOf(launch) });
const committedHappenings: readonly Happening[] = [...handoverHappenings, [10_600, live(2)]];

describe('the handovers of the history', () => {
  test('begin at their wall-clock time and have steps with start and length', () => {
    const { handovers } = shownAfter(
      [
        ...handoverHappenings.slice(0, -2),
        [10_250, checksPassed(2)],
        [10_600, live(2)],
        [50_000, counted(1, 3)],
        [70_600, ended(1)],
      ],
      80_000,
    );
    expect(handovers).toHaveLength(2);
    expect(handovers[1]).toEqual({
      id: 'H2',
      aim: 'change',
      triggers: ['certificates', 'bootstrap', 'binary'],
      askedMode: 'auto',
      mode: 'hot',
      startedAt: '2026-08-26T03:12:55Z',
      agoSeconds: 70,
      steps: [
        { step: 'checking', afterSeconds: 0, seconds: 0.25 },
        { step: 'starting', afterSeconds: 0.25, seconds: 0.35 },
        { step: 'retiring', afterSeconds: 0.6, seconds: 60 },
      ],
      omittedSteps: 0,
      launch: 'L2',
      attempts: 0,
      failures: [],
      result: 'committed',
      durationSeconds: 0.6,
      connectionsLeft: 3,
    });
  });

  test('have no result and a step that goes on while they are under way', () => {
    const [, last] = shownAfter(handoverHappenings, 12_000).handovers;
    expect(last?.result).toBeUndefined();
    expect(last?.durationSeconds).toBeUndefined();
    expect(last?.steps.at(-1)).toEqual({ step: 'starting', afterSeconds: 0, seconds: 2 });
  });

  test('tell why each failed attempt failed, and how it ended after all', () => {
    const repaired: Event = {
      type: 'lineageRepaired',
      lineage: lineageIdOf(1),
      isSound: true,
      reason: 'cleared',
    };
    const [, last] = shownAfter(
      [
        ...handoverHappenings,
        [11_000, ended(2, 1)],
        [11_010, repaired],
        [11_210, { type: 'timerFired', timer: 'retry' }],
        [11_220, checksPassed(2)],
        [11_500, live(3)],
      ],
      12_000,
    ).handovers;
    expect(last).toMatchObject({ result: 'committed', launch: 'L3', attempts: 1 });
    expect(last?.failures).toEqual([
      { launch: 'L2', reason: 'L2 exited with code 1: cannot go on', afterSeconds: 1 },
    ]);
    expect(last?.steps.map(({ step: name }) => name)).toEqual([
      'checking',
      'starting',
      'repairing',
      'backoff',
      'checking',
      'starting',
      'retiring',
    ]);
  });

  test('tell why a change was refused', () => {
    const failed: Event = {
      type: 'checksFailed',
      handover: handoverIdOf(2),
      problems: ['Envoy rejects it.'],
      exitCode: EXIT.configuration,
    };
    const changed = handoverHappenings.slice(0, servingHappenings.length + 1);
    const [, last] = shownAfter([...changed, [11_000, failed]], 12_000).handovers;
    expect(last).toMatchObject({ result: 'refused', reason: 'Envoy rejects it.', attempts: 0 });
  });

  test('tell what a restart after a crash answers', () => {
    const { handovers, launches } = shownAfter(
      [...servingHappenings, [5_000, crashed(1, 'SIGSEGV')]],
      5_100,
    );
    expect(handovers.at(-1)).toMatchObject({
      triggers: ['crash'],
      aim: 'restore',
      crash: 'L1 was ended by SIGSEGV: a last line',
      steps: [{ step: 'backoff' }],
    });
    expect(launches[0]?.ended).toMatchObject({ isUnexpected: true });
  });

  test('count the failed starts of a restart, which cost tokens, as its attempts', () => {
    const { handovers } = shownAfter(
      [
        ...servingHappenings,
        [5_000, crashed(1, 'SIGSEGV')],
        [5_200, { type: 'timerFired', timer: 'retry' }],
        [5_200, checksPassed(2)],
        [5_300, ended(2, 1)],
      ],
      5_400,
    );
    expect(handovers.at(-1)).toMatchObject({
      attempts: 1,
      failures: [{ launch: 'L2', reason: 'L2 exited with code 1: cannot go on' }],
    });
  });

  test('keep the last twenty of many failures, and count all of them', () => {
    const policy = { ...defaultPolicy, restartTokens: 100, restartBackoffMs: 0 };
    const tries = Array.from({ length: 25 }, (_, at): readonly Happening[] => {
      const atMs = 10_000 + at;
      const tried: readonly Event[] = [
        { type: 'timerFired', timer: 'retry' },
        checksPassed(2),
        ended(at + 2, 1),
      ];
      return tried.map((event) => [atMs, event]);
    });
    const crash: Happening = [5_000, crashed(1, 'SIGSEGV')];
    const { handovers } = shownAfter(
      [...servingHappenings, crash, ...tries.flat()],
      11_000,
      policy,
    );
    const { attempts, failures = [] } = handovers.at(-1) ?? {};
    expect(attempts).toBe(25);
    expect(failures.map(({ launch }) => launch)).toEqual(
      Array.from({ length: 20 }, (_, at) => `L${at + 7}`),
    );
  });

  test('count the connections of both of two that were taken out of service', () => {
    const policy = { ...defaultPolicy, standby: true };
    const cold: Event = { type: 'restartRequested', trigger: 'request', mode: 'cold' };
    const told: readonly Event[] = [
      checksPassed(2),
      live(2),
      cold,
      checksPassed(3),
      counted(1, 3),
      counted(2, 4),
      ended(1),
      ended(2),
    ];
    const happenings = told.map((event): Happening => [20_000, event]);
    const { handovers } = shownAfter([...servingHappenings, ...happenings], 21_000, policy);
    expect(handovers.at(-1)).toMatchObject({ id: 'H3', mode: 'cold', connectionsLeft: 7 });
  });

  test('that are still to be proved have no result, and then the one that comes', () => {
    const awaited: Event = { type: 'launchLive', launch: launchIdOf(2), awaitsProof: true };
    const unproved: Event = {
      type: 'certificatesProved',
      launch: launchIdOf(2),
      problem: 'L2 has not loaded tls.crt',
    };
    const waiting: readonly Happening[] = [...handoverHappenings, [10_600, awaited]];
    expect(shownAfter(waiting, 11_000).handovers[1]?.result).toBeUndefined();
    expect(shownAfter([...waiting, [11_000, unproved]], 12_000).handovers[1]).toMatchObject({
      result: 'unproved',
      reason: 'L2 has not loaded tls.crt',
      durationSeconds: 0.6,
    });
  });

  test('that the stop of the agent ended say so', () => {
    const { handovers } = shownAfter([...handoverHappenings, [11_000, sigterm]], 12_000);
    expect(handovers.at(-1)).toMatchObject({ id: 'H2', result: 'abandoned' });
  });

  test('are at most fifty, the last ones, and none of their lists grows without end', () => {
    const many: Happening[] = [...servingHappenings];
    for (let count = 2; count < 80; count += 1) {
      const atMs = count * 1_000;
      many.push([atMs, { type: 'desiredChanged', desired: desiredVersion(2 * count + 1) }]);
      for (let look = 0; look < 40; look += 1) {
        // Back and forth between two steps.
        many.push([atMs + look, { ...checksPassed(count), memoryShortage: SHORTAGE } as Event]);
        many.push([atMs + look, { type: 'timerFired', timer: 'headroom' }]);
      }
      many.push([atMs + 50, { type: 'desiredChanged', desired: desiredVersion(1) }]);
    }
    const { handovers } = historyAfter(many, { ...defaultPolicy, memory: 'wait' });
    expect(handovers).toHaveLength(50);
    expect(handovers.at(-1)?.id).toBe('H79');
    expect(handovers.at(-1)?.steps.kept).toHaveLength(32);
    expect(handovers.at(-1)?.steps.omittedCount).toBeGreaterThan(40);
  });
});

const SHORTAGE = { neededBytes: 2, freeBytes: 1 };

describe('the launches of the history', () => {
  test('have every stage with its start and length, the handover, and the last connections', () => {
    const { launches } = shownAfter(
      [...committedHappenings, [50_000, counted(1, 3)], [70_600, ended(1)]],
      80_600,
    );
    expect(launches).toEqual([
      {
        id: 'L1',
        epoch: 0,
        lineage: 'G1',
        handover: 'H1',
        mode: 'cold',
        pid: 101,
        startedAt: '2026-08-26T03:12:45Z',
        agoSeconds: 80.6,
        stages: [
          { stage: 'starting', afterSeconds: 0, seconds: 0.1 },
          { stage: 'live', afterSeconds: 0.1, seconds: 10.5 },
          { stage: 'retiring', afterSeconds: 10.6, seconds: 60 },
        ],
        connections: 3,
        replacedBy: 'H2',
        ended: { agoSeconds: 10, outcome: 'exited with code 0', isUnexpected: false },
      },
      expect.objectContaining({ id: 'L2', epoch: 1, handover: 'H2', mode: 'hot', pid: 102 }),
    ]);
    expect(launches[1]?.ended).toBeUndefined();
  });

  test('ended unexpectedly when their parent died too early', () => {
    const { launches } = shownAfter([...committedHappenings, [11_000, ended(1)]], 12_000);
    expect(launches[0]?.ended).toMatchObject({ isUnexpected: true });
  });

  test('end as they should when the agent stops', () => {
    const { launches } = shownAfter(
      [...servingHappenings, [1_000, sigterm], [2_000, ended(1)]],
      3_000,
    );
    expect(launches[0]).toMatchObject({
      stages: [{ stage: 'starting' }, { stage: 'live' }],
      ended: { isUnexpected: false },
    });
    expect(launches[0]?.replacedBy).toBeUndefined();
  });

  test('are replaced by nobody where a stop ends the handover', () => {
    const quit: Event = { type: 'stopRequested', how: 'now', reason: 'SIGQUIT' };
    const beside: Event = { type: 'restartRequested', trigger: 'request', mode: 'side-by-side' };
    const { launches } = shownAfter(
      [...servingHappenings, [10_000, beside], [10_100, checksPassed(2)], [11_000, quit]],
      12_000,
    );
    expect(launches).toHaveLength(2);
    expect(launches[0]?.stages.at(-1)?.stage).toBe('stopping');
    expect(launches[0]?.replacedBy).toBeUndefined();
  });

  test('are those alive and the last fifty that are not', () => {
    const many: Happening[] = [...servingHappenings];
    for (let count = 1; count < 70; count += 1) {
      const atMs = count * 1_000_000;
      many.push([atMs, crashed(count, 'SIGSEGV')]);
      many.push([atMs, { type: 'desiredChanged', desired: desiredVersion(count + 1) }]);
      many.push([atMs + 200, { type: 'timerFired', timer: 'retry' }]);
      many.push([atMs + 200, checksPassed(count + 1)]);
      many.push([atMs + 300, live(count + 1)]);
    }
    const { launches } = historyAfter(many);
    expect(launches.filter(({ end }) => end === undefined).map(({ id }) => id)).toEqual(['L70']);
    expect(launches).toHaveLength(51);
  });
});

describe('the history', () => {
  test('stays the same value while nothing happens that belongs in it', () => {
    const before = historyAfter(servingHappenings);
    const after = historyAfter([
      ...servingHappenings,
      [9_000, { type: 'partHeld', part: 'bootstrap', problems: ['It is cut off.'] }],
    ]);
    expect(after).toEqual(before);
  });

  test('is bounded and without a bug in any order of events', () => {
    const events = fc.oneof(
      fc.nat(20).map((count): Event => ended(count, count % 3)),
      fc.nat(20).map((count): Event => live(count)),
      fc.nat(20).map((count): Event => counted(count, count)),
      fc.nat(20).map((count): Event => checksPassed(count)),
      fc.nat(5).map((count): Event => {
        return { type: 'desiredChanged', desired: desiredVersion(count) };
      }),
      fc.constantFrom<Event>(
        { type: 'timerFired', timer: 'retry' },
        { type: 'restartRequested', trigger: 'signal', mode: 'cold' },
        { type: 'desiredMissing', problems: ['none'], lacks: 'configuration' },
      ),
    );
    fc.assert(
      fc.property(fc.array(events, { maxLength: 200 }), (all) => {
        const happenings = all.map((event, at): Happening => [at * 100, event]);
        const { handovers, launches } = shownAfter(happenings, all.length * 100);
        expect(handovers.length).toBeLessThanOrEqual(50);
        expect(launches.length).toBeLessThanOrEqual(60);
        const open = handovers.filter(({ result }) => result === undefined);
        expect(open.length).toBeLessThanOrEqual(1);
        for (const { steps } of handovers) {
          for (const { seconds } of steps) expect(seconds).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('keeps no reason that is longer than 500 characters', () => {
    const chatty: Event = {
      type: 'launchExited',
      launch: launchIdOf(1),
      outcome: { kind: 'killed', signal: 'SIGSEGV' },
      lastLines: [digestOf('x'.repeat(5_000))],
    };
    const { handovers } = historyAfter([...servingHappenings, [5_000, chatty]]);
    expect(handovers.at(-1)?.crash).toHaveLength(500);
    expect(handovers.at(-1)?.crash).toMatch(/x\.\.\.$/);
  });
});
