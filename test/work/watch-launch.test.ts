import { describe, expect, test } from 'vitest';
import { AgentError } from '../../src/core/agent-error.ts';
import { launchIdOf } from '../../src/core/model.ts';
import type { AdminAnswer, AdminLimits, Clock } from '../../src/ports.ts';
import type { LivingLaunch } from '../../src/work/launches.ts';
import { watchLaunch } from '../../src/work/watch-launch.ts';
import { createFakeClock, promisesSettled } from '../support/fake-clock.ts';
import { adminAnswer } from '../support/fake-ports.ts';

const launch = launchIdOf(1);
const silent = (silentMs: number) => ({ type: 'launchSilent', launch, silentMs });
const heard = { type: 'launchHeard', launch };

interface Asked {
  readonly question: string;
  readonly limits: AdminLimits | undefined;
  answer(status?: number): Promise<void>;
  fail(): Promise<void>;
}

/** A launch that is watched from now on, for 15 s; its questions are answered by hand. */
function watched({
  hangDeadlineMs = 15_000,
  given,
}: {
  hangDeadlineMs?: number;
  given?: Clock;
} = {}) {
  const clock = createFakeClock();
  const events: unknown[] = [];
  const asked: Asked[] = [];
  const request = (method: string, path: string, limits?: AdminLimits) =>
    new Promise<AdminAnswer>((resolve, reject) => {
      asked.push({
        question: `${method} ${path}`,
        limits,
        answer: (status = 200) => {
          resolve(adminAnswer(status));
          return promisesSettled();
        },
        fail: () => {
          reject(new AgentError('adminSilent', 'Nobody listens.'));
          return promisesSettled();
        },
      });
    });
  const living = { id: launch, admin: { request } } as unknown as LivingLaunch;
  const cancel = watchLaunch(living, {
    clock: given ?? clock,
    hangDeadlineMs,
    post: (event) => void events.push(event),
  });
  const last = () => {
    const question = asked.at(-1);
    if (question === undefined) throw new Error('Nothing has been asked.');
    return question;
  };
  return { clock, events, asked, last, cancel };
}

/** Its first question is asked. */
function questioned() {
  const watch = watched();
  watch.clock.pass(5_000);
  return watch;
}

describe('a launch that answers', () => {
  test.each([
    { hangDeadlineMs: 0, everyMs: 10_000 },
    { hangDeadlineMs: 60_000, everyMs: 10_000 },
    { hangDeadlineMs: 15_000, everyMs: 5_000 },
    { hangDeadlineMs: 3_000, everyMs: 1_000 },
    { hangDeadlineMs: 500, everyMs: 1_000 },
  ])(
    'is asked thrice within a deadline: $hangDeadlineMs ms',
    async ({ hangDeadlineMs, everyMs }) => {
      const { clock, asked, last } = watched({ hangDeadlineMs });
      for (const count of [1, 2, 3]) {
        clock.pass(everyMs - 1);
        expect(asked).toHaveLength(count - 1);
        clock.pass(1);
        await last().answer();
      }
      expect(asked).toHaveLength(3);
    },
  );

  test('is not told of', async () => {
    const { clock, events, last } = watched();
    for (let count = 0; count < 3; count += 1) {
      clock.pass(5_000);
      await last().answer();
    }
    expect(last().question).toBe('GET /ready');
    expect(events).toEqual([]);
  });

  test('wakes the agent for its next question alone', async () => {
    const { clock, last } = questioned();
    await last().answer();
    expect(clock.armedAtMs()).toHaveLength(1);
  });

  test('is heard whatever it answers', async () => {
    const { clock, events, asked, last } = questioned();
    clock.pass(1_500);
    await last().answer(503);
    clock.pass(5_000);
    expect(asked).toHaveLength(2);
    expect(events).toEqual([]);
  });

  test('is asked at the moments at which every other one is', async () => {
    const { clock, asked, last } = questioned();
    clock.pass(1_700);
    await last().answer();
    clock.pass(3_299);
    expect(asked).toHaveLength(1);
    clock.pass(1);
    expect(asked).toHaveLength(2);
  });

  test('is not asked twice when the clock fires a little too soon', async () => {
    const { clock, asked, last } = watched();
    clock.pass(4_999);
    const early = watchEarly(clock);
    expect(early.asked()).toBe(0);
    clock.pass(1);
    await last().answer();
    expect([asked.length, early.asked()]).toEqual([1, 0]);
    clock.pass(5_000);
    expect([asked.length, early.asked()]).toEqual([2, 1]);
  });
});

/** Another one, LIVE just before the moment at which all are asked. */
function watchEarly(clock: ReturnType<typeof createFakeClock>) {
  let count = 0;
  const request = async () => {
    count += 1;
    return adminAnswer(200);
  };
  const living = { id: launchIdOf(2), admin: { request } } as unknown as LivingLaunch;
  watchLaunch(living, { clock, hangDeadlineMs: 15_000, post: () => {} });
  return { asked: () => count };
}

describe('a launch that does not answer', () => {
  test('is reported once a second, from two seconds of silence on', () => {
    const { clock, events } = questioned();
    clock.pass(2_999);
    expect(events).toEqual([]);
    clock.pass(1);
    expect(events).toEqual([silent(2_000)]);
    clock.pass(2_000);
    expect(events).toEqual([silent(2_000), silent(3_000), silent(4_000)]);
  });

  test('is asked one question, which has no time limit', () => {
    const { clock, asked, last } = questioned();
    clock.pass(60_000);
    expect(asked).toHaveLength(1);
    expect(last().limits?.timeoutMs).toBe(Number.POSITIVE_INFINITY);
  });

  test('is heard again at its late answer, and begins anew', async () => {
    const { clock, events, last } = questioned();
    clock.pass(10_000);
    events.length = 0;
    await last().answer();
    expect(events).toEqual([heard]);
    clock.pass(5_000);
    clock.pass(3_000);
    expect(events).toEqual([heard, silent(2_000)]);
  });

  test('is heard again although a question could not be asked in between', async () => {
    const { clock, events, last } = questioned();
    clock.pass(3_000);
    await last().fail();
    clock.pass(7_000);
    await last().answer();
    expect(events).toEqual([silent(2_000), heard]);
    clock.pass(5_000);
    await last().answer();
    expect(events).toHaveLength(2);
  });

  test('is no longer reported once it is not watched, whatever comes', async () => {
    const { clock, events, asked, last, cancel } = questioned();
    clock.pass(3_000);
    cancel();
    expect(clock.armedAtMs()).toEqual([]);
    await last().answer();
    clock.pass(60_000);
    expect(events).toEqual([silent(2_000)]);
    expect(asked).toHaveLength(1);
  });

  test('may be given up from within the report', () => {
    const clock = createFakeClock();
    const admin = { request: () => new Promise<AdminAnswer>(() => {}) };
    const living = { id: launch, admin } as unknown as LivingLaunch;
    const cancel = watchLaunch(living, { clock, hangDeadlineMs: 0, post: () => cancel() });
    clock.pass(60_000);
    expect(clock.armedAtMs()).toEqual([]);
  });
});

describe('a launch that cannot be asked', () => {
  test('is asked again, and is not said to be silent', async () => {
    const { clock, events, asked, last } = watched();
    for (const count of [1, 2, 3, 4]) {
      clock.pass(5_000);
      expect(asked).toHaveLength(count);
      await last().fail();
    }
    expect(events).toEqual([]);
  });
});

describe('an agent that stood still', () => {
  test('takes it for one second, however long it was', async () => {
    const clock = createJumpingClock();
    const { events, asked, last } = watched({ given: clock });
    clock.jump(5_000);
    clock.jump(3_600_000);
    clock.jump(1_000);
    expect(events).toEqual([]);
    await last().answer();
    clock.jump(5_000);
    expect(events).toEqual([]);
    expect(asked).toHaveLength(2);
  });

  test('takes it for no more each time it does so', () => {
    const clock = createJumpingClock();
    const { events } = watched({ given: clock });
    clock.jump(5_000);
    for (const jumpMs of [10_000, 20_000, 30_000, 40_000]) clock.jump(jumpMs);
    expect(events).toEqual([silent(2_000), silent(3_000)]);
  });
});

/** Goes on in jumps, as for a process that is stopped: what was due meanwhile fires late, and once. */
function createJumpingClock(): Clock & { jump(ms: number): void } {
  let nowMs = 0;
  const armed = new Set<{ readonly atMs: number; readonly fire: () => void }>();
  const after: Clock['after'] = (ms, fire) => {
    const one = { atMs: nowMs + ms, fire };
    armed.add(one);
    return () => void armed.delete(one);
  };
  return {
    moment: () => ({ atMs: nowMs, chance: 0.5 }),
    wallMs: () => nowMs,
    after,
    afterRunning: after,
    jump: (ms) => {
      nowMs += ms;
      const due = [...armed].filter(({ atMs }) => atMs <= nowMs);
      for (const one of due) {
        armed.delete(one);
        one.fire();
      }
    },
  };
}
