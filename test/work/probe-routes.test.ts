import { describe, expect, test } from 'vitest';
import type { Readiness } from '../../src/core/readiness.ts';
import type { HttpRequest } from '../../src/ports.ts';
import { controlRoutes, statusRoutes } from '../../src/work/routes.ts';
import { type FakeAnswers, fakeAgentFace } from '../support/agent-face.ts';
import { crashed, servingHappenings, stateAfter } from '../support/agent-states.ts';
import { httpRequest } from '../support/http-requests.ts';

const REMOTE = { peer: '10.1.2.3', headers: { host: ['10.1.2.3:15020'] } };
const SOCKET = { transport: 'unix', peer: '', headers: {} } as const;
const APP_DOWN: Readiness = { ready: false, reason: 'it answers 503' };

function applicationThat(readiness: () => Promise<Readiness>) {
  const asked: string[] = [];
  const probe = async (path: string, request: HttpRequest) => {
    asked.push(`${request.method} ${path}`);
    return { status: 418, headers: {}, body: Buffer.from('teapot') };
  };
  return { asked, application: { readiness, known: () => undefined, probe } };
}

function ask(target: string, answers: FakeAnswers, facts: Partial<HttpRequest> = {}) {
  return statusRoutes(fakeAgentFace(answers))(httpRequest({ target, ...REMOTE, ...facts }));
}

describe('/healthz/ready', () => {
  test("is the application's as well", async () => {
    const { application } = applicationThat(async () => APP_DOWN);
    expect(await ask('/healthz/ready', { application })).toMatchObject({
      status: 503,
      body: 'application not ready: it answers 503\n',
    });
  });

  test("tells the agent's own reason first, and does not ask the application then", async () => {
    let askedCount = 0;
    const { application } = applicationThat(async () => {
      askedCount += 1;
      return APP_DOWN;
    });
    const answer = await ask('/healthz/ready', { application, state: stateAfter([]) });
    expect(answer).toMatchObject({ status: 503, body: expect.stringMatching(/^waiting: /) });
    expect(askedCount).toBe(0);
  });

  test('tells of a drain that began while the application was asked', async () => {
    let own: Readiness = { ready: true };
    const { application } = applicationThat(async () => {
      own = { ready: false, reason: 'draining' };
      return { ready: true };
    });
    const answer = await ask('/healthz/ready', { application, readiness: () => own });
    expect(answer).toMatchObject({ status: 503, body: 'draining\n' });
  });

  test('over the control socket is that of the agent alone: the application may wait for it', async () => {
    const { application } = applicationThat(async () => APP_DOWN);
    const request = httpRequest({ target: '/healthz/ready', ...SOCKET });
    expect((await controlRoutes(fakeAgentFace({ application }))(request)).status).toBe(200);
  });
});

describe('/healthz/startup', () => {
  test('tells why it was never ready', async () => {
    const answer = await ask('/healthz/startup', { state: stateAfter([]) });
    expect(answer).toMatchObject({ status: 503, body: expect.stringMatching(/^waiting: /) });
  });

  test.each([
    ['it is ready', stateAfter(servingHappenings)],
    ['it was ready once', stateAfter([...servingHappenings, [5_000, crashed(1, 'SIGSEGV')]])],
  ])('is 200 when %s, whatever the application says', async (_, state) => {
    const { application } = applicationThat(async () => APP_DOWN);
    expect(await ask('/healthz/startup', { application, state })).toMatchObject({
      status: 200,
      body: 'started\n',
    });
  });

  test('has no other method', async () => {
    expect((await ask('/healthz/startup', {}, { method: 'POST' })).status).toBe(405);
  });
});

describe('/app-health/', () => {
  test.each([
    ['/app-health/app/livez', '/app-health/app/livez'],
    ['/app-health/app/livez?x=/y', '/app-health/app/livez'],
    ['/app-health/', '/app-health/'],
    ['/app-health/../status', '/app-health/../status'],
    ['/app-health/%2e%2e/livez', '/app-health/%2e%2e/livez'],
  ])('%s is for the application, by the path as it was sent', async (target, path) => {
    const { asked, application } = applicationThat(async () => APP_DOWN);
    expect((await ask(target, { application })).status).toBe(418);
    expect(asked).toEqual([`GET ${path}`]);
  });

  test.each(['/app-health', '//app-health/app/livez', '/App-Health/app/livez'])(
    '%s is something else',
    async (target) => expect((await ask(target, {})).status).toBe(404),
  );

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('has no %s', async (method) => {
    const answer = await ask('/app-health/app/livez', {}, { method });
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });
});
