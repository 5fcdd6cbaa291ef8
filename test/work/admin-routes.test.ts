import { describe, expect, test } from 'vitest';
import type { HttpRequest } from '../../src/ports.ts';
import { adminRoutes } from '../../src/work/admin-routes.ts';
import { fakeAgentFace } from '../support/agent-face.ts';
import { httpRequest } from '../support/http-requests.ts';

const admin = {
  status: 200,
  headers: { 'content-type': 'text/plain', 'transfer-encoding': 'chunked', date: 'today' },
  body: Buffer.from('{}'),
};
const ELSEWHERE = { headers: { host: ['10.1.2.3:15090'], 'x-forwarded-proto': ['http'] } };

describe('the admin port', () => {
  test.each<[string, Partial<HttpRequest> & { target: string }]>([
    ['a read', { target: '/config_dump?mask=x' }],
    ['a change', { target: '/logging?level=debug', method: 'POST' }],
    [
      'a scrape that a listener of Envoy relays',
      { target: '/stats/prometheus?usedonly', ...ELSEWHERE },
    ],
    ['a probe that a listener of Envoy relays', { target: '/ready', ...ELSEWHERE }],
  ])('passes on %s', async (_, facts) => {
    const face = fakeAgentFace({ admin });
    const answer = await adminRoutes(face)(httpRequest(facts));
    expect(answer).toEqual({
      status: 200,
      headers: { 'content-type': 'text/plain' },
      body: admin.body,
    });
    expect(face.asked).toEqual([`admin ${facts.method ?? 'GET'} ${facts.target}`]);
  });

  test.each<[string, Partial<HttpRequest> & { target: string }, number]>([
    ['a read with the Host of another', { target: '/config_dump', ...ELSEWHERE }, 403],
    ['a read that looks like a scrape', { target: '/stats/../config_dump', ...ELSEWHERE }, 403],
    ['a read from elsewhere', { target: '/ready', peer: '10.1.2.3' }, 403],
    ['a relayed change', { target: '/quitquitquit', method: 'POST', ...ELSEWHERE }, 403],
    [
      'a change from another site',
      {
        target: '/quitquitquit',
        method: 'POST',
        headers: { host: ['localhost'], origin: ['https://example.com'] },
      },
      403,
    ],
    ['an absolute target', { target: 'http://localhost/stats' }, 400],
  ])('refuses %s', async (_, facts, status) => {
    const face = fakeAgentFace({ admin });
    expect((await adminRoutes(face)(httpRequest(facts))).status).toBe(status);
    expect(face.asked).toEqual([]);
  });

  test('says in one line that nothing serves', async () => {
    const answer = await adminRoutes(fakeAgentFace())(httpRequest({ target: '/stats' }));
    expect(answer).toMatchObject({ status: 503, body: 'Cannot ask Envoy: none is serving.\n' });
  });
});
