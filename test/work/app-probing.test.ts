import { describe, expect, test } from 'vitest';
import { readAppProbes } from '../../src/core/app-probes.ts';
import type { ApplicationAnswer, ApplicationQuestion, HttpRequest } from '../../src/ports.ts';
import { createAppProbing } from '../../src/work/app-probing.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { httpRequest } from '../support/http-requests.ts';

const LIVEZ = '/app-health/app/livez';
const READYZ = '/app-health/app/readyz';
const STARTUPZ = '/app-health/app/startupz';
const DECLARED = {
  [LIVEZ]: { httpGet: { path: '/live', port: 8080 }, timeoutSeconds: 3 },
  [READYZ]: { tcpSocket: { port: 5432 } },
  [STARTUPZ]: { grpc: { port: 9000, service: 'shop' } },
};

interface Facts {
  readonly answer?: ApplicationAnswer;
  readonly podAddress?: string;
}

/** Without an answer it says nothing until it is given up. */
function scene({ answer, podAddress = '10.1.2.3' }: Facts = {}) {
  const clock = createFakeClock();
  const asked: ApplicationQuestion[] = [];
  const probe = createAppProbing({
    declared: readAppProbes(JSON.stringify(DECLARED), 15_020).probes,
    clock,
    podAddress,
    statusPort: 15_020,
    closedPorts: () => [15_020, 15_000],
    probes: {
      ask: (question, signal) => {
        asked.push(question);
        if (answer !== undefined) return Promise.resolve(answer);
        return new Promise((resolve) => {
          signal.addEventListener('abort', () =>
            resolve({ isAnswered: false, reason: String(signal.reason) }),
          );
        });
      },
    },
  });
  const ask = (path: string, facts: Partial<HttpRequest> = {}) =>
    probe(path, httpRequest({ target: path, ...facts }));
  return { clock, asked, ask };
}

function answered(status: number, body = ''): ApplicationAnswer {
  return { isAnswered: true, status, body: Buffer.from(body) };
}

describe('a probe of the application', () => {
  test('goes where it was declared to go, with the headers it came with', async () => {
    const { asked, ask } = scene({ answer: answered(200) });
    const headers = { host: ['10.1.2.3:15020'], 'x-probe': ['1'] };
    await ask(LIVEZ, { headers });
    expect(asked).toEqual([
      {
        kind: 'httpGet',
        host: '10.1.2.3',
        port: 8080,
        localAddress: '127.0.0.6',
        url: 'http://10.1.2.3:8080/live',
        headers: { host: '10.1.2.3:8080', 'x-probe': ['1'] },
        isUnverified: true,
        closedPorts: [15_020, 15_000],
      },
    ]);
  });

  test.each([
    { target: `${LIVEZ}?port=22&host=169.254.169.254` },
    { headers: { host: ['169.254.169.254'] } },
    { headers: { 'x-forwarded-host': ['169.254.169.254'], host: ['a'] } },
    { body: Buffer.from('GET http://169.254.169.254/') },
  ])('goes nowhere else, whatever the request says: %j', async (facts) => {
    const { asked, ask } = scene({ answer: answered(200) });
    await ask(LIVEZ, facts);
    expect(asked).toMatchObject([{ url: 'http://10.1.2.3:8080/live' }]);
  });

  test('over TCP and gRPC goes to the declared port', async () => {
    const { asked, ask } = scene({ answer: answered(200) });
    await ask(READYZ);
    await ask(STARTUPZ);
    const from = { host: '10.1.2.3', localAddress: '127.0.0.6' };
    expect(asked).toEqual([
      { kind: 'tcpSocket', port: 5432, ...from },
      { kind: 'grpc', port: 9000, service: 'shop', ...from },
    ]);
  });

  test('goes to an IPv6 address from whatever address the kernel chooses', async () => {
    const { asked, ask } = scene({ answer: answered(200), podAddress: 'fd00::1' });
    await ask(LIVEZ);
    expect(asked).toMatchObject([{ url: 'http://[fd00::1]:8080/live' }]);
    expect(asked[0]).not.toHaveProperty('localAddress');
  });

  test.each([200, 201, 204, 299, 400, 401, 404, 418, 429, 500, 503, 511])(
    'passes the status %i through, with what was said',
    async (status) => {
      const answer = await scene({ answer: answered(status, 'because') }).ask(LIVEZ);
      expect(answer).toEqual({
        status,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: Buffer.from('because'),
      });
    },
  );

  test.each([300, 301, 302, 303, 304, 307, 308])(
    'never passes the redirect %i on: it counts as a success',
    async (status) => {
      const answer = await scene({ answer: answered(status, 'gone') }).ask(LIVEZ);
      expect(answer).toMatchObject({ status: 200, body: 'ok\n' });
    },
  );

  test('that is not answered is answered 500 and why, without an address', async () => {
    const answer = { isAnswered: false, reason: 'nobody listens there (ECONNREFUSED)' } as const;
    expect(await scene({ answer }).ask(LIVEZ)).toMatchObject({
      status: 500,
      body: 'Cannot probe the application: nobody listens there (ECONNREFUSED).\n',
    });
  });

  test('is given up after its own time', async () => {
    const { clock, ask } = scene();
    const asking = ask(LIVEZ);
    clock.pass(3_000);
    expect(await asking).toMatchObject({
      status: 500,
      body: 'Cannot probe the application: no answer within 3 s.\n',
    });
    expect(clock.armedAtMs()).toEqual([]);
  });

  test.each([
    ['/app-health/other/livez', '"/app-health/other/livez"'],
    ['/app-health/', '"/app-health/"'],
    [`${LIVEZ}/`, `"${LIVEZ}/"`],
    ['/app-health/\r\n\u001b[31m"/livez', '"/app-health/\\r\\n\\u001b[31m\\"/livez"'],
    [`/app-health/${'x'.repeat(15_000)}`, `"/app-health/${'x'.repeat(188)}"`],
  ])('%j that was not declared is answered 400, and nothing is asked', async (path, shown) => {
    const { asked, ask } = scene({ answer: answered(200) });
    expect(await ask(path)).toMatchObject({
      status: 400,
      body: `Cannot probe ${shown}: ISTIO_KUBE_APP_PROBERS does not name it.\n`,
    });
    expect(asked).toEqual([]);
  });

  test('is not kept waiting by a crowd from elsewhere, and the crowd costs 64 connections', async () => {
    const { clock, asked, ask } = scene();
    const probe = ask(LIVEZ, { peer: '10.0.0.1' });
    const crowd = Array.from({ length: 500 }, () => ask(LIVEZ, { peer: '10.6.6.6' }));
    const given = await Promise.all(crowd.slice(0, 437));
    clock.pass(3_000);
    await Promise.all(crowd);

    expect(asked).toHaveLength(501);
    expect(new Set(given.map(({ body }) => body))).toEqual(
      new Set(['Cannot probe the application: others came after it.\n']),
    );
    expect(await probe).toMatchObject({
      body: 'Cannot probe the application: no answer within 3 s.\n',
    });
  });
});
