import { beforeEach, describe, expect, test } from 'vitest';
import { type Bugs, createBugs } from '../../../src/commands/run/bugs.ts';
import type { LogRecord } from '../../../src/core/log-record.ts';
import type { State } from '../../../src/core/state.ts';
import { fakeAgentFace } from '../../support/agent-face.ts';
import { servingHappenings, sigterm, stateAfter } from '../../support/agent-states.ts';
import { createFakeClock, type FakeClock, promisesSettled } from '../../support/fake-clock.ts';

const LONGEST_STOP_MS = 30_000;

let clock: FakeClock;
let records: LogRecord[];
let complaints: string[];
let givenUp: number;
let hopeIsPast: boolean;

beforeEach(() => {
  clock = createFakeClock();
  records = [];
  complaints = [];
  givenUp = 0;
  hopeIsPast = false;
});

interface Trial {
  /** As it is once the stop has been asked for. @default stopping */
  readonly state?: State;
  readonly status?: () => never;
  readonly record?: (record: LogRecord) => void;
}

function takeBugs({ state, status, record }: Trial = {}): Bugs {
  const face = fakeAgentFace({
    state: state ?? stateAfter([...servingHappenings, [10_000, sigterm]]),
  });
  const bugs = createBugs({
    log: { record: record ?? ((one) => void records.push(one)) },
    complain: (_, words) => void complaints.push(words),
    supervisor: {
      giveUp: () => {
        givenUp += 1;
      },
      face: status === undefined ? face : { ...face, status },
    },
    clock,
    longestStopMs: LONGEST_STOP_MS,
  });
  void bugs.pastHope.then(() => {
    hopeIsPast = true;
  });
  return bugs;
}

const fail = () => {
  throw new Error('one more');
};

describe('a bug', () => {
  test('is told with its stack and begins the stop', async () => {
    const bugs = takeBugs();
    expect(bugs.hasSome()).toBe(false);

    bugs.take(new TypeError('planted'));
    await promisesSettled();

    expect(records).toEqual([
      {
        level: 'fatal',
        message: 'bug',
        fields: { error: 'TypeError: planted', stack: expect.stringContaining('bugs.test.ts') },
      },
    ]);
    expect({ givenUp, hopeIsPast, hasSome: bugs.hasSome() }).toEqual({
      givenUp: 1,
      hopeIsPast: false,
      hasSome: true,
    });
  });

  test('after another begins no second stop; the first ten are told, each once', () => {
    const bugs = takeBugs();
    const first = new Error('first');

    bugs.take(first);
    bugs.take(first);
    for (let count = 0; count < 50; count += 1) bugs.take(`thrown ${count}`);

    expect(givenUp).toBe(1);
    expect(records.map(({ fields }) => fields['error'])).toEqual([
      'Error: first',
      ...Array.from({ length: 9 }, (_, index) => `thrown ${index}`),
    ]);
  });

  test('that the log fails at is told on standard error', () => {
    takeBugs({ record: fail }).take(new Error('planted'));

    expect(complaints).toEqual([
      expect.stringMatching(/^baton: this is a bug, please report it: Error: planted\n/),
    ]);
    expect(givenUp).toBe(1);
  });
});

describe('hope is past', () => {
  test('when the plan is over and the agent is still there', async () => {
    takeBugs().take(new Error('planted'));

    clock.pass(LONGEST_STOP_MS - 1);
    await promisesSettled();
    expect(hopeIsPast).toBe(false);
    clock.pass(1);
    await promisesSettled();
    expect(hopeIsPast).toBe(true);
  });

  test('at once when the stop that was asked for is not begun', async () => {
    takeBugs({ state: stateAfter(servingHappenings) }).take(new Error('planted'));
    await promisesSettled();

    expect(hopeIsPast).toBe(true);
  });

  test('not yet when nobody can tell whether it is', async () => {
    takeBugs({ status: fail }).take(new Error('planted'));
    await promisesSettled();

    expect(hopeIsPast).toBe(false);
    clock.pass(LONGEST_STOP_MS);
    await promisesSettled();
    expect(hopeIsPast).toBe(true);
  });
});
