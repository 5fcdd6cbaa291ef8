import { describe, expect, test } from 'vitest';
import type { LogRecord } from '../../src/core/log-record.ts';
import type { ApplicationAnswer, ApplicationQuestion } from '../../src/ports.ts';
import { createApplicationReadiness } from '../../src/work/application-readiness.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const READY = { ready: true };

/** An application that answers in order; after the last answer it says nothing until it is given up. */
function scene(answers: readonly ApplicationAnswer[], readyUrl = 'http://127.0.0.1:8080/ok') {
  const clock = createFakeClock();
  const asked: ApplicationQuestion[] = [];
  const records: LogRecord[] = [];
  const left = [...answers];
  const { readiness, known } = createApplicationReadiness({
    readyUrl,
    clock,
    closedPorts: () => [15_020, 15_000],
    record: (record) => records.push(record),
    probes: {
      ask: (question, signal) => {
        asked.push(question);
        const next = left.shift();
        return next === undefined ? silence(signal) : Promise.resolve(next);
      },
    },
  });
  return { clock, asked, records, readiness, known };
}

function silence(signal: AbortSignal): Promise<ApplicationAnswer> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () =>
      resolve({ isAnswered: false, reason: String(signal.reason) }),
    );
  });
}

function answered(status: number): ApplicationAnswer {
  return { isAnswered: true, status, body: Buffer.alloc(0) };
}

describe("the application's readiness", () => {
  test('is there when nobody asks for it', async () => {
    const { readiness, known } = createApplicationReadiness({
      readyUrl: undefined,
      clock: createFakeClock(),
      closedPorts: () => [],
      record: () => undefined,
      probes: { ask: () => Promise.reject(new Error('asked')) },
    });
    expect(await readiness()).toEqual(READY);
    expect(known()).toBeUndefined();
  });

  test('is known from the last answer, and asked for by nobody who only wants to know it', async () => {
    const { clock, asked, known, readiness } = scene([answered(503)]);
    expect(known()).toBeUndefined();
    await readiness();
    clock.pass(60_000);
    expect(known()).toEqual({ ready: false, reason: 'it answers 503' });
    expect(asked).toHaveLength(1);
  });

  test.each([200, 204, 299])('is there when it answers %i', async (status) => {
    expect(await scene([answered(status)]).readiness()).toEqual(READY);
  });

  test.each<[string, ApplicationAnswer, string]>([
    ['it says no', answered(503), 'it answers 503'],
    ['it knows no such path', answered(404), 'it answers 404'],
    ['it sends us elsewhere', answered(302), 'it redirects elsewhere (302)'],
    [
      'it is not there',
      { isAnswered: false, reason: 'nobody listens there' },
      'nobody listens there',
    ],
  ])('is not there when %s, and the reason names it', async (_, answer, reason) => {
    expect(await scene([answer]).readiness()).toEqual({
      ready: false,
      reason,
    });
  });

  test('is given up before the kubelet would give us up', async () => {
    const { clock, readiness } = scene([]);
    const asking = readiness();
    clock.pass(800);
    expect(await asking).toEqual({
      ready: false,
      reason: 'no answer within 0.8 s',
    });
    expect(clock.armedAtMs()).toEqual([]);
  });

  test('costs one question, however many ask within a second', async () => {
    const { clock, asked, readiness } = scene([answered(200), answered(503)]);
    await Promise.all(Array.from({ length: 500 }, readiness));
    clock.pass(999);
    expect(await readiness()).toEqual(READY);
    expect(asked).toHaveLength(1);
    clock.pass(1);
    expect((await readiness()).ready).toBe(false);
    expect(asked).toHaveLength(2);
  });

  test('is not asked for when nobody asks us', async () => {
    const { clock, asked, readiness } = scene([answered(200)]);
    await readiness();
    clock.pass(3_600_000);
    expect(asked).toHaveLength(1);
    expect(clock.armedAtMs()).toEqual([]);
  });

  test('is told once when it changes', async () => {
    const statuses = [503, 500, 200, 200, 503];
    const { clock, records, readiness } = scene(statuses.map(answered));
    for (const _ of statuses) {
      await readiness();
      clock.pass(1_000);
    }
    expect(records).toEqual([
      {
        level: 'warn',
        message: 'application not ready',
        fields: { reason: 'it answers 503' },
      },
      { level: 'info', message: 'application ready', fields: {} },
      {
        level: 'warn',
        message: 'application not ready',
        fields: { reason: 'it answers 503' },
      },
    ]);
  });

  test.each([
    ['http://127.0.0.1:1/', true],
    ['https://localhost/', true],
    ['https://[::1]:8443/', true],
    ['https://example.com/', false],
    ['https://127.example.com/', false],
  ])('by %s takes any certificate: %s', async (url, isUnverified) => {
    const { asked, readiness } = scene([answered(200)], url);
    await readiness();
    expect(asked).toMatchObject([{ url, isUnverified, closedPorts: [15_020, 15_000] }]);
  });
});
