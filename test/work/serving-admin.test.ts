import { describe, expect, test } from 'vitest';
import { AgentError } from '../../src/core/agent-error.ts';
import type { AdminAnswer } from '../../src/ports.ts';
import { launchEnvoy } from '../../src/work/launch-envoy.ts';
import { createServingAdmin } from '../../src/work/serving-admin.ts';
import { promisesSettled } from '../support/fake-clock.ts';
import { adminAnswer, fakeAdmin } from '../support/fake-ports.ts';
import { createFakeWorld, launchEffect } from '../support/fake-world.ts';

const NOBODY = { code: 'nothingServes', message: expect.stringMatching(/none serves now/) };

/** Launches that go LIVE and end as told; what their admins answer is said one by one. */
function openScene() {
  const answers: (() => Promise<AdminAnswer>)[] = [];
  const answer = async () => (answers.shift() ?? (async () => adminAnswer(200, 'yes')))();
  const world = createFakeWorld({ admin: fakeAdmin(answer) });
  const admin = createServingAdmin(world);
  const start = async (launch: number) => {
    void launchEnvoy(launchEffect(launch), { ...world, onLive: admin.wentLive });
    await promisesSettled();
    world.channel(launch).goLive();
    await promisesSettled();
  };
  return {
    admin,
    start,
    end: async (launch: number) => {
      world.process(launch).end({ kind: 'exited', code: 0 });
      await promisesSettled();
    },
    /** The next question is left with this failure. */
    fail: (code: string) =>
      void answers.push(() => Promise.reject(new AgentError(code, `It was ${code}.`))),
    pass: (ms: number) => world.clock.passSlowly(ms, 25),
    asked: (launch: number) => world.channel(launch).asked,
  };
}

/** What came of a question so far. */
function follow(question: Promise<AdminAnswer>) {
  const seen: { answer?: AdminAnswer; failure?: unknown } = {};
  question.then(
    (answer) => Object.assign(seen, { answer }),
    (failure: unknown) => Object.assign(seen, { failure }),
  );
  return seen;
}

describe('the admin of whichever launch serves', () => {
  test('is that of the newest one that is LIVE', async () => {
    const { admin, start, asked } = openScene();
    for (const launch of [1, 2]) {
      await start(launch);
      await admin.request('POST', '/logging', Buffer.from('x'));
      expect(asked(launch)).toEqual(['POST /logging']);
    }
  });

  test('is waited for while none serves, by a change as by a read', async () => {
    const { admin, start, end, pass } = openScene();
    await start(1);
    await end(1);
    const read = follow(admin.request('GET', '/stats'));
    const change = follow(admin.request('POST', '/logging'));
    await pass(4_900);
    expect([read, change]).toEqual([{}, {}]);
    await start(2);

    expect(read.answer?.status).toBe(200);
    expect(change.answer?.status).toBe(200);
  });

  test('is not waited for for ever', async () => {
    const { admin, pass } = openScene();
    const read = follow(admin.request('GET', '/stats'));
    await pass(5_050);
    expect(read.failure).toMatchObject(NOBODY);
  });

  test('is not waited for by more than 64', async () => {
    const { admin, start } = openScene();
    const read = () => follow(admin.request('GET', '/stats'));
    const waiting = Array.from({ length: 64 }, read);
    await promisesSettled();
    const oneMore = read();
    await promisesSettled();
    expect(oneMore.failure).toMatchObject(NOBODY);
    await start(1);
    expect(waiting.every(({ answer }) => answer?.status === 200)).toBe(true);
  });

  test('is waited for no longer once none is to come', async () => {
    const { admin } = openScene();
    const before = follow(admin.request('GET', '/stats'));
    await promisesSettled();
    admin.close();
    await promisesSettled();
    expect(before.failure).toMatchObject(NOBODY);
    await expect(admin.request('GET', '/stats')).rejects.toMatchObject(NOBODY);
  });

  test('gets what its predecessor, which has just ended, was never sent', async () => {
    const { admin, start, fail, pass, asked } = openScene();
    await start(1);
    for (let count = 0; count < 2; count += 1) fail('adminUnreached');
    const change = follow(admin.request('POST', '/logging'));
    await pass(100);
    expect(change).toEqual({});
    await start(2);

    expect(change.answer?.status).toBe(200);
    expect(asked(1).length + asked(2).length).toBe(3);
    expect(asked(2)).toEqual(['POST /logging']);
  });

  test('gets a read again that was broken off, but once: it may be what ended Envoy', async () => {
    const { admin, start, end, fail, pass } = openScene();
    await start(1);
    fail('adminBrokeOff');
    const first = follow(admin.request('GET', '/config_dump'));
    await end(1);
    await start(2);
    expect(first.answer?.status).toBe(200);
    for (let count = 0; count < 2; count += 1) fail('adminBrokeOff');
    const second = follow(admin.request('GET', '/config_dump'));
    await pass(100);
    expect(second.failure).toMatchObject({ code: 'adminBrokeOff' });
  });

  test.each([
    ['a change that was broken off: it may have been done', 'POST', 'adminBrokeOff'],
    ['what had no answer in its time', 'GET', 'adminSilent'],
  ])('is not asked again for %s', async (_, method, code) => {
    const { admin, start, fail, asked } = openScene();
    await start(1);
    fail(code);
    await expect(admin.request(method, '/stats')).rejects.toMatchObject({ code });
    expect(asked(1)).toHaveLength(1);
  });
});
