import { describe, expect, test } from 'vitest';
import { handoverIdOf, launchIdOf } from '../../src/core/model.ts';
import { statusOf, untoldHolds } from '../../src/core/status.ts';
import {
  crashed,
  defaultPolicy,
  type Happening,
  handoverHappenings,
  servingHappenings,
  stateAfter,
} from '../support/agent-states.ts';

const outlookAt = (atMs: number) => ({ policy: defaultPolicy, moment: { atMs } });

describe('the status', () => {
  test('shows launches, handover and digests during a handover', () => {
    const status = statusOf(stateAfter(handoverHappenings), outlookAt(10_500));
    expect(JSON.parse(JSON.stringify(status))).toMatchObject({
      phase: 'running',
      ready: true,
      launches: [
        { id: 'L1', epoch: 0, stage: 'live', pid: 101, ageSeconds: 10.5, liveSeconds: 10.4 },
        { id: 'L2', epoch: 1, stage: 'starting', pid: 102, ageSeconds: 0.5 },
      ],
      handover: {
        id: 'H2',
        triggers: ['certificates', 'bootstrap', 'binary'],
        askedMode: 'auto',
        mode: 'hot',
        step: 'starting',
        launch: 'L2',
        attempts: 0,
        ageSeconds: 0.5,
      },
      lastHandover: { id: 'H1', triggers: ['start'], mode: 'cold', result: 'committed' },
      tokens: { total: 10, left: 10, nextDelaySeconds: 0.2 },
      desired: { certificates: 'c2000000', bootstrap: 'b2000000', binary: 'e2000000' },
      committed: { certificates: 'c1000000', bootstrap: 'b1000000', binary: 'e1000000' },
    });
  });

  test('names the launch of a handover only as long as that is there', () => {
    const died: Happening = [10_600, crashed(2, 'SIGSEGV')];
    const { handover } = statusOf(stateAfter([...handoverHappenings, died]), outlookAt(10_700));
    expect(handover).toMatchObject({ id: 'H2', step: 'repairing', attempts: 1 });
    expect(handover?.launch).toBeUndefined();
  });

  test('names what is waited for, the soonest first', () => {
    const { waits } = statusOf(stateAfter(handoverHappenings), outlookAt(10_500));
    expect(waits).toEqual([
      {
        timer: 'silence:L2',
        what: 'L2 to answer',
        leftSeconds: 59.5,
        otherwise: 'it is killed',
      },
    ]);
  });

  test('counts seconds from the moment it is asked and never below zero', () => {
    const state = stateAfter([...servingHappenings, [5_000, crashed(1, 'SIGKILL')]]);
    const waitAt = (atMs: number) => statusOf(state, outlookAt(atMs)).waits[0]?.leftSeconds;
    expect([waitAt(5_000), waitAt(5_100), waitAt(9_000)]).toEqual([0.2, 0.1, 0]);
  });

  test('says what the next crash costs, and nothing when it ends the agent', () => {
    const state = stateAfter(servingHappenings);
    const withCrashes = (count: number) => {
      const attempt = stateAfter([[200, crashed(1, 'SIGSEGV')]], defaultPolicy, state).crashes;
      const crashes = Array.from({ length: count }, () => attempt).flat();
      return statusOf({ ...state, crashes }, outlookAt(0)).tokens;
    };
    expect(withCrashes(9)).toEqual({ total: 10, left: 1, nextDelaySeconds: 102.4 });
    expect(withCrashes(10)).toEqual({ total: 10, left: 0, nextDelaySeconds: undefined });
  });

  test('shows the change that was given up and why', () => {
    const failed = {
      type: 'checksFailed',
      handover: handoverIdOf(2),
      problems: ['Envoy rejects it.'],
      exitCode: 78,
    } as const;
    const changed = handoverHappenings.slice(0, servingHappenings.length + 1);
    const status = statusOf(stateAfter([...changed, [11_000, failed]]), outlookAt(12_000));
    expect(status.handover).toBeUndefined();
    expect(status.givenUp).toEqual([
      {
        parts: [
          { part: 'certificates', digest: 'c2000000' },
          { part: 'bootstrap', digest: 'b2000000' },
          { part: 'binary', digest: 'e2000000' },
        ],
        handover: 'H2',
        reason: 'Envoy rejects it.',
        agoSeconds: 1,
      },
    ]);
    expect(status.lastHandover).toMatchObject({
      result: 'refused',
      reason: 'Envoy rejects it.',
      durationSeconds: 1,
      agoSeconds: 1,
    });
  });

  test('shows connections, what Envoy last said, and the plan for SIGTERM', () => {
    const counted = { type: 'connectionsCounted', launch: launchIdOf(1), count: 7 } as const;
    const said = {
      type: 'launchAnswered',
      launch: launchIdOf(2),
      envoyState: 'INITIALIZING',
    } as const;
    const state = stateAfter([...handoverHappenings, [10_100, counted], [10_100, said]]);
    const { launches, onSigterm } = statusOf(state, outlookAt(10_200));
    expect(launches[0]?.connections).toBe(7);
    expect(launches[1]?.envoyState).toBe('INITIALIZING');
    expect(onSigterm[0]).toBe('0 s readiness off, clients are told to go, until 5 s');
  });

  test("joins what the application says, the agent's own reason first", () => {
    const down = { ready: false, reason: 'it answers 503' } as const;
    const serving = stateAfter(servingHappenings);
    expect(statusOf(serving, outlookAt(1_000), down)).toMatchObject({
      ready: false,
      reason: 'application not ready: it answers 503',
      application: down,
    });
    expect(statusOf(serving, outlookAt(1_000), { ready: true })).toMatchObject({
      ready: true,
      application: { ready: true },
    });
    expect(statusOf(serving, outlookAt(1_000)).application).toBeUndefined();
    const starting = statusOf(stateAfter([]), outlookAt(0), down);
    expect(starting.reason).toMatch(/^waiting: /);
    expect(starting.application).toEqual(down);
  });

  test('tells of held certificates once, beside their verdict', () => {
    const state = stateAfter(servingHappenings);
    const held = new Map([
      ['certificates', ['It has ended. Renew it.']],
      ['bootstrap', ['It is cut off.']],
    ] as const);
    const seen = { verdict: 'expired', problems: ['It has ended.'], wallMs: 0, atMs: 0 } as const;
    const certificates = { seen, sinceMs: 0, leaves: new Map(), stages: new Map() };
    const status = statusOf({ ...state, held, certificates }, outlookAt(1_000));
    expect(untoldHolds(status).map(({ part }) => part)).toEqual(['bootstrap']);
    expect(status.held.map(({ part }) => part)).toEqual(['certificates', 'bootstrap']);
    const unseen = statusOf({ ...state, held }, outlookAt(1_000));
    expect(untoldHolds(unseen).map(({ part }) => part)).toEqual(['certificates', 'bootstrap']);
  });
});
