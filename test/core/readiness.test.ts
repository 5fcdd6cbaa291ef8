import { describe, expect, test } from 'vitest';
import { initialState } from '../../src/core/lifecycle.ts';
import { handoverIdOf, launchIdOf } from '../../src/core/model.ts';
import { isReady, readiness, startup } from '../../src/core/readiness.ts';
import type { State } from '../../src/core/state.ts';
import {
  checksPassed,
  crashed,
  defaultPolicy,
  type Happening,
  handoverHappenings,
  servingHappenings,
  sigterm,
  startingHappenings,
  stateAfter,
} from '../support/agent-states.ts';

const waitingPolicy = { ...defaultPolicy, certificateWaitMs: 30_000 };
const missing: Happening = [
  0,
  {
    type: 'desiredMissing',
    lacks: 'certificates',
    problems: ['Cannot find /etc/certs/key.pem: no such file.'],
  },
];
const firstCrash: readonly Happening[] = [...servingHappenings, [5_000, crashed(1, 'SIGSEGV')]];
const answered: Happening = [
  1_000,
  { type: 'launchAnswered', launch: launchIdOf(1), envoyState: 'INITIALIZING' },
];

describe('the start', () => {
  const outlook = { policy: defaultPolicy, moment: { atMs: 20_000 } };

  test.each<[string, State]>([
    ['nothing was read yet', initialState],
    ['the first launch is silent', stateAfter(startingHappenings)],
  ])('is not over when %s, for the same reason as readiness', (_, state) => {
    expect(startup(state, outlook)).toEqual(readiness(state, outlook));
    expect(startup(state, outlook).ready).toBe(false);
  });

  test.each<[string, State]>([
    ['a launch is live', stateAfter(servingHappenings)],
    ['what was live has crashed', stateAfter(firstCrash)],
    ['a stop has begun', stateAfter([...servingHappenings, [200, sigterm]])],
  ])('is over when %s', (_, state) => {
    expect(startup(state, outlook)).toEqual({ ready: true });
  });
});

describe('readiness', () => {
  test.each([
    ['a launch is live', stateAfter(servingHappenings)],
    ['the next launch is starting', stateAfter(handoverHappenings)],
    [
      'the old launch retires',
      stateAfter([...handoverHappenings, [10_100, { type: 'launchLive', launch: launchIdOf(2) }]]),
    ],
    [
      'the next launch failed',
      stateAfter([...handoverHappenings, [10_050, crashed(2, 'SIGABRT')]]),
    ],
    ['a change was refused', stateAfter([...servingHappenings, ...refusedChange()])],
    [
      'a stop is delayed',
      stateAfter([...servingHappenings, [200, sigterm]], {
        ...defaultPolicy,
        terminationDelayMs: 5_000,
      }),
    ],
  ])('is there when %s', (_, state) => {
    expect(reasonAt(20_000, state)).toBeUndefined();
    expect(isReady(state)).toBe(true);
  });

  test.each<[string, State, number, string]>([
    ['nothing was read yet', initialState, 0, 'waiting: the configuration has not been read yet'],
    [
      'certificates are missing',
      stateAfter([missing], waitingPolicy),
      10_000,
      'waiting: Cannot find /etc/certs/key.pem: no such file. (given up in 20 s)',
    ],
    [
      'the first check is running',
      stateAfter(startingHappenings.slice(0, 1)),
      0,
      'starting: the configuration is being checked',
    ],
    [
      'the first launch is silent',
      stateAfter(startingHappenings),
      12_340,
      'starting: L1 (epoch 0) has not answered yet (given up in 47.7 s)',
    ],
    [
      'the first launch initializes',
      stateAfter([...startingHappenings, answered]),
      2_000,
      'starting: L1 (epoch 0) is INITIALIZING (given up in 299 s)',
    ],
    [
      'a crash is being waited out',
      stateAfter(firstCrash),
      5_100,
      'backoff: attempt 1 of 10, 9 tokens left, next start in 0.1 s; L1 was ended by SIGSEGV',
    ],
    [
      'the start after a crash is on its way',
      stateAfter([
        ...firstCrash,
        [5_200, { type: 'timerFired', timer: 'retry' }],
        [5_200, checksPassed(2)],
      ]),
      5_200,
      'backoff: attempt 1 of 10, 9 tokens left, L2 (epoch 0) has not answered yet (given up in 60 s); L1 was ended by SIGSEGV',
    ],
    [
      'the drain has begun',
      stateAfter([
        ...servingHappenings,
        [1_000, sigterm],
        [1_100, { type: 'connectionsCounted', launch: launchIdOf(1), count: 3 }],
      ]),
      11_000,
      'draining: 3 connections, 15 s left at most (SIGTERM)',
    ],
    [
      'connections were not counted yet',
      stateAfter([...servingHappenings, [1_000, sigterm]]),
      1_000,
      'draining: connections not counted yet, 25 s left at most (SIGTERM)',
    ],
    [
      'Envoy was told to end',
      stateAfter([...servingHappenings, [1_000, { ...sigterm, how: 'now' }]]),
      1_000,
      'stopping: waiting for Envoy to end (SIGTERM)',
    ],
    ['all is over', stateAfter([[0, sigterm]]), 0, 'stopped'],
  ])('tells why when %s', (_, state, atMs, reason) => {
    expect(reasonAt(atMs, state)).toBe(reason);
    expect(isReady(state)).toBe(false);
  });

  test('stays while the serving launch has lost its parent and its successor starts', () => {
    const state = stateAfter(servingHappenings);
    const doomed = {
      ...state,
      launches: state.launches.map((launch) => ({ ...launch, isDoomed: true as const })),
    };
    expect(isReady(doomed)).toBe(true);
  });

  test('keeps its reason to one line of 500 characters whatever it quotes', () => {
    const problems = [`Cannot read /etc/\u001b[31m\r\n\u202ecerts: ${'x'.repeat(1_000)}.`];
    const reason = reasonAt(
      0,
      stateAfter([[0, { type: 'desiredMissing', lacks: 'certificates', problems }]], waitingPolicy),
    );
    expect(reason).toHaveLength(500);
    expect(reason).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

function reasonAt(atMs: number, state: State): string | undefined {
  const answer = readiness(state, { policy: defaultPolicy, moment: { atMs } });
  return answer.ready ? undefined : answer.reason;
}

function refusedChange(): readonly Happening[] {
  const [changed] = handoverHappenings.slice(servingHappenings.length);
  const failed = {
    type: 'checksFailed',
    handover: handoverIdOf(2),
    problems: ['Envoy rejects it.'],
    exitCode: 78,
  } as const;
  return changed === undefined ? [] : [changed, [11_000, failed]];
}
