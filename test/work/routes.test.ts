import { describe, expect, test } from 'vitest';
import type { HttpRequest } from '../../src/ports.ts';
import { controlRoutes, statusRoutes } from '../../src/work/routes.ts';
import { committedEnd, type FakeAnswers, fakeAgentFace } from '../support/agent-face.ts';
import { servingHappenings, sigterm, stateAfter } from '../support/agent-states.ts';
import { httpRequest } from '../support/http-requests.ts';

type Facts = Partial<HttpRequest> & { target: string };

const REMOTE = { peer: '10.1.2.3' };
const POST = { method: 'POST' };
const OTHER_SITE = { headers: { host: ['localhost'], origin: ['https://example.com'] } };
const SOCKET = { transport: 'unix', peer: '', headers: { host: ['baton'] } } as const;

describe('the status port', () => {
  test.each<[string, Facts, number, string]>([
    ['readiness from anywhere', { target: '/healthz/ready', ...REMOTE }, 200, 'ready\n'],
    ['readiness with a query', { target: '/healthz/ready?x=1', ...REMOTE }, 200, 'ready\n'],
    ['liveness from anywhere', { target: '/healthz/live', ...REMOTE }, 200, 'live\n'],
    ['metrics from anywhere', { target: '/metrics', ...REMOTE }, 200, 'baton_ready 1\n'],
    ['HEAD', { target: '/healthz/ready', method: 'HEAD', ...REMOTE }, 200, 'ready\n'],
    ['POST to a page', { target: '/status', ...POST }, 405, 'method not allowed\n'],
    ['an unknown path', { target: '/nothing' }, 404, 'not found\n'],
    ['the admin of Envoy', { target: '/admin/config_dump' }, 404, 'not found\n'],
    ['an absolute target', { target: 'http://localhost/healthz/ready' }, 404, 'not found\n'],
    ['a path with dots', { target: '/x/../status' }, 404, 'not found\n'],
    ['a path with coded dots', { target: '/%2e%2e/status' }, 404, 'not found\n'],
    ['a path with two slashes', { target: '//status' }, 404, 'not found\n'],
    ['a path with a NUL', { target: '/status%00' }, 404, 'not found\n'],
    ['a name every object has', { target: '__proto__' }, 404, 'not found\n'],
    ['an asterisk', { target: '*', method: 'OPTIONS' }, 404, 'not found\n'],
    ['a very long path', { target: `/${'x'.repeat(15_000)}` }, 404, 'not found\n'],
  ])('answers %s', async (_, facts, status, body) => {
    const face = fakeAgentFace();
    expect(await statusRoutes(face)(httpRequest(facts))).toMatchObject({ status, body });
    expect(face.asked).toEqual([]);
  });

  test('answers 503 with the reason when not ready', async () => {
    const answer = await askStatus({ target: '/healthz/ready' }, { state: stateAfter([]) });
    expect(answer.status).toBe(503);
    expect(answer.body).toMatch(/^waiting: .*\n$/);
  });

  test('answers the status as JSON', async () => {
    const answer = await askStatus({ target: '/status', ...REMOTE });
    expect(answer.headers['content-type']).toBe('application/json');
    expect(JSON.parse(String(answer.body))).toMatchObject({ phase: 'running', ready: true });
  });

  test.each<[string, string, Partial<HttpRequest>, number]>([
    ['/metrics', 'elsewhere', REMOTE, 403],
    ['/stats/prometheus', 'elsewhere', REMOTE, 403],
    ['/metrics', 'this machine', {}, 200],
    ['/metrics', 'this machine by IPv6', { peer: '::1' }, 200],
    ['/healthz/ready', 'elsewhere', REMOTE, 200],
    ['/status', 'elsewhere', REMOTE, 200],
  ])('that keeps metrics to itself answers %s from %s', async (target, _, facts, status) => {
    const routes = statusRoutes(fakeAgentFace(), 'local');
    expect((await routes(httpRequest({ target, ...facts }))).status).toBe(status);
  });

  describe.each(['/restart', '/drain', '/undrain', '/quitquitquit'])('%s', (target) => {
    test.each<[string, Partial<HttpRequest>, number]>([
      ['POST from 127.0.0.1', POST, 200],
      ['POST from ::1', { ...POST, peer: '::1' }, 200],
      ['POST from ::ffff:127.0.0.1', { ...POST, peer: '::ffff:127.0.0.1' }, 200],
      ['POST from 127.0.0.6', { ...POST, peer: '127.0.0.6' }, 200],
      ['GET from loopback', {}, 405],
      ['HEAD from loopback', { method: 'HEAD' }, 405],
      ['PUT from loopback', { method: 'PUT' }, 405],
      ['POST from elsewhere', { ...POST, ...REMOTE }, 403],
      ['GET from elsewhere', REMOTE, 403],
      ['POST from another site', { ...POST, ...OTHER_SITE }, 403],
      ['POST with the Host of another', { ...POST, headers: { host: ['example.com'] } }, 403],
      ['POST with two Hosts', { ...POST, headers: { host: ['localhost', 'example.com'] } }, 403],
      ['POST over the socket', { ...POST, ...SOCKET }, 200],
      ['GET over the socket', SOCKET, 405],
    ])('answers %s', async (_, facts, status) => {
      const face = fakeAgentFace();
      const answer = await statusRoutes(face)(httpRequest({ target, ...facts }));
      expect(answer.status).toBe(status);
      expect(face.asked).toHaveLength(status === 200 ? 1 : 0);
      if (status === 405) expect(answer.headers['allow']).toBe('POST');
    });
  });
});

describe('while the agent stops', () => {
  const state = stateAfter([...servingHappenings, [1_000, sigterm]]);

  test('a drain is not promised: the plan says when it begins', async () => {
    const answer = await askStatus({ target: '/drain', ...POST }, { state });
    expect(answer).toMatchObject({ status: 409, body: 'The agent is stopping.\n' });
  });

  test('a way back is answered with 409, whether it was drained or not', async () => {
    const end = { ...committedEnd, result: 'refused', reason: 'the agent is stopping' } as const;
    const answer = await askStatus({ target: '/undrain', ...POST }, { state, end });
    expect(answer.status).toBe(409);
    expect(JSON.parse(String(answer.body))).toMatchObject({ result: 'refused', isDrained: true });
  });
});

describe('the control socket', () => {
  const admin = { status: 201, headers: { 'content-type': 'text/x' }, body: Buffer.from('yes') };

  test('passes what is under /admin/ on to Envoy, with method, query and body', async () => {
    const face = fakeAgentFace({ admin });
    const facts = { target: '/admin/logging?level=debug', body: Buffer.from('b'), ...POST };
    const answer = await controlRoutes(face)(httpRequest({ ...facts, ...SOCKET }));
    expect(face.asked).toEqual(['admin POST /logging?level=debug b']);
    expect(answer).toEqual({ ...admin });
  });

  test('says that nothing serves with 503', async () => {
    const answer = await controlRoutes(fakeAgentFace())(
      httpRequest({ target: '/admin/ready', ...SOCKET }),
    );
    expect(answer).toMatchObject({ status: 503, body: 'Cannot ask Envoy: none is serving.\n' });
  });

  test('answers everything else as the status port does', async () => {
    const answer = await controlRoutes(fakeAgentFace())(
      httpRequest({ target: '/status', ...SOCKET }),
    );
    expect(answer.status).toBe(200);
  });
});

function askStatus(facts: Facts, answers: FakeAnswers = {}) {
  return statusRoutes(fakeAgentFace(answers))(httpRequest(facts));
}
