import { describe, expect, test } from 'vitest';
import { launchIdOf } from '../../src/core/model.ts';
import {
  describeNextSigterm,
  describeStopPlan,
  END_ALLOWANCE_MS,
  longestStopMs,
  stopPlan,
} from '../../src/core/stop-plan.ts';
import {
  defaultPolicy,
  servingHappenings,
  sigterm,
  startingHappenings,
  stateAfter,
} from '../support/agent-states.ts';

const withDelay = { ...defaultPolicy, terminationDelayMs: 2_500 };

describe('the stop plan', () => {
  test('goes through drain, empty, terminate and kill with the defaults', () => {
    expect(stopPlan(defaultPolicy)).toEqual([
      { name: 'drain', fromMs: 0, toMs: 5_000 },
      { name: 'empty', fromMs: 5_000, toMs: 25_000 },
      { name: 'terminate', fromMs: 25_000, toMs: 28_000 },
      { name: 'kill', fromMs: 28_000, toMs: 30_000 },
    ]);
  });

  test('starts with the delay and is as much longer when there is one', () => {
    expect(stopPlan(withDelay)[0]).toEqual({ name: 'delay', fromMs: 0, toMs: 2_500 });
    expect(longestStopMs(withDelay)).toBe(longestStopMs(defaultPolicy) + 2_500);
  });

  test('has no step for waiting when the shortest drain is the longest one', () => {
    const policy = { ...defaultPolicy, terminationDrainMinMs: 25_000 };
    expect(stopPlan(policy).map(({ name }) => name)).toEqual(['drain', 'terminate', 'kill']);
  });

  test.each([
    ['the defaults', defaultPolicy],
    ['a delay', withDelay],
    ['no drain', { ...defaultPolicy, terminationDrainMinMs: 0, terminationDrainMaxMs: 0 }],
  ])('has no gap and ends at the sum that must fit in the grace period with %s', (_, policy) => {
    const steps = stopPlan(policy);
    expect(steps[0]?.fromMs).toBe(0);
    expect(steps.slice(1).map(({ fromMs }) => fromMs)).toEqual(
      steps.slice(0, -1).map(({ toMs }) => toMs),
    );
    expect(steps.at(-1)?.toMs).toBe(longestStopMs(policy));
  });

  test('allows the end 5 s after the drain', () => {
    expect(longestStopMs(defaultPolicy) - defaultPolicy.terminationDrainMaxMs).toBe(
      END_ALLOWANCE_MS,
    );
    expect(END_ALLOWANCE_MS).toBe(5_000);
  });

  test('reads as lines that begin with their second', () => {
    expect(describeStopPlan(withDelay)).toEqual([
      '0 s nothing changes yet, until 2.5 s',
      '2.5 s readiness off, clients are told to go, until 7.5 s',
      '7.5 s on as soon as no connection is left, 27.5 s at the latest',
      '27.5 s SIGTERM to Envoy, newest first',
      '30.5 s SIGKILL to what is left',
      '32.5 s gone, whatever happened',
    ]);
  });
});

describe('the plan of a stop without a shortest time', () => {
  test('says in its first line that the drain begins', () => {
    const lines = describeStopPlan({ ...defaultPolicy, terminationDrainMinMs: 0 });
    expect(lines[0]).toBe(
      '0 s readiness off, clients are told to go, on as soon as no connection is left, 25 s at the latest',
    );
  });
});

describe('the next SIGTERM', () => {
  const serving = stateAfter(servingHappenings);
  const told = stateAfter([[1_000, sigterm]], defaultPolicy, serving);
  const toldTwice = stateAfter([[2_000, sigterm]], defaultPolicy, told);
  const gone = stateAfter(
    [
      [
        3_000,
        {
          type: 'launchExited',
          launch: launchIdOf(1),
          outcome: { kind: 'exited', code: 0 },
          lastLines: [],
        },
      ],
    ],
    defaultPolicy,
    toldTwice,
  );
  const quitting = stateAfter([[1_000, { ...sigterm, how: 'now' }]], defaultPolicy, serving);

  test.each([
    ['nothing was read yet', stateAfter([]), 'stops at once'],
    ['the first launch is starting', stateAfter(startingHappenings), 'stops at once'],
    ['a launch serves', serving, '0 s readiness off'],
    ['the drain has begun', told, 'skips what is left of the wait'],
    ['it is the third', toldTwice, 'kills Envoy, exit code 137'],
    ['the agent quits without a drain', quitting, 'nothing yet, the one after it kills'],
    ['everything is over', gone, 'nothing'],
  ])('is foretold when %s', (_, state, beginning) => {
    expect(describeNextSigterm(state, defaultPolicy, 5_000)[0]).toMatch(
      new RegExp(`^${beginning}`),
    );
  });
});
