import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeEnvoy } from '../support/fake-envoy.ts';
import { anonymousKb } from '../support/process-memory.ts';
import { exchangeText, statusesIn } from '../support/raw-http.ts';

const STOPPED = { code: 0, signal: null };
const MUTATING = ['/restart', '/drain', '/undrain', '/quitquitquit', '/logging?level=debug'];
const READABLE = [
  '/',
  '/healthz/ready',
  '/healthz/live',
  '/healthz/startup',
  '/metrics',
  '/status',
  '/history',
  '/stats/prometheus',
];
const CLOSE = 'Connection: close\r\n';
/** More than Node keeps unless it is told to. */
const MANY = 'a: b\r\n'.repeat(2_500);
/** What a request would ask for that is hidden in another one. */
const HIDDEN = 'POST /quitquitquit HTTP/1.1\r\nHost: localhost\r\n\r\n';

let fake: FakeEnvoy;
let world: World;

async function openFakeWorld(settings: Readonly<Record<string, string>> = {}) {
  fake = createFakeEnvoy();
  world = await openWorld({ binary: fake.binary, settings });
  return world.startReadyAgent();
}

async function closeFakeWorld(): Promise<void> {
  await world.close();
  expect(fake.violations()).toEqual([]);
  fake.remove();
}

function post(path: string, headers: string): string {
  return `POST ${path} HTTP/1.1\r\n${headers}${CLOSE}Content-Length: 0\r\n\r\n`;
}

async function answerTo(text: string | Buffer): Promise<string> {
  return exchangeText({ port: world.statusPort }, text);
}

describe('POST /quitquitquit', () => {
  afterEach(closeFakeWorld);

  test('from this machine ends the agent, once and without a drain', async () => {
    const agent = await openFakeWorld();
    const asks = Array.from({ length: 5 }, () =>
      answerTo(post('/quitquitquit', 'Host: localhost\r\n')),
    );
    const answers = await Promise.all(asks);
    expect(answers.some((answer) => answer.startsWith('HTTP/1.1 200 '))).toBe(true);
    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.records({ msg: 'draining', purpose: 'stop' })).toEqual([]);
  });

  test('from this machine by IPv6 does as well', async () => {
    const agent = await openFakeWorld({ BATON_STATUS_ADDRESS: '::1' });
    const target = { port: world.statusPort, host: '::1' };
    const answer = await exchangeText(target, post('/quitquitquit', 'Host: [::1]\r\n'));
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(await agent.ended).toEqual(STOPPED);
  });
});

describe('the status port', () => {
  let agent: RunningAgent;

  beforeAll(async () => {
    // Garbage is collected often: what is kept shows.
    agent = await openFakeWorld({ NODE_OPTIONS: '--max-semi-space-size=1' });
  });
  afterAll(closeFakeWorld);
  afterEach(async () => {
    expect((await world.ask('/healthz/ready', world.statusPort)).status).toBe(200);
    const { launches, handover } = await agent.status();
    expect({ launches: launches.map(({ id }) => id), handover }).toEqual({ launches: ['L1'] });
    expect(agent.records({ msg: 'stop requested' })).toEqual([]);
    expect(agent.records({ msg: 'handover requested' })).toEqual([]);
    expect(agent.records({ msg: 'cannot answer' })).toEqual([]);
  });

  describe.each(MUTATING)('%s', (path) => {
    test.each([
      ['the Host of another', 'Host: baton.example\r\n'],
      ['the Host of the pod', 'Host: 10.1.2.3:15020\r\n'],
      ['two Hosts, the first a good one', 'Host: localhost\r\nHost: baton.example\r\n'],
      ['a Host that only begins well', 'Host: localhost.example\r\n'],
      ['an Origin of another site', 'Host: localhost\r\nOrigin: https://site.example\r\n'],
      ['an Origin of nowhere', 'Host: localhost\r\nOrigin: null\r\n'],
      [
        'a form of another site',
        'Host: localhost\r\nOrigin: http://site.example\r\nContent-Type: text/plain\r\n',
      ],
      ['a word that it came through a proxy', 'Host: localhost\r\nX-Forwarded-For: 127.0.0.1\r\n'],
      ['a proxy hidden behind thousands of headers', `Host: localhost\r\n${MANY}Via: 1.1 x\r\n`],
      ['what Envoy puts on', 'Host: localhost\r\nX-Forwarded-Proto: http\r\n'],
    ])('does nothing with %s', async (_, headers) => {
      expect(statusesIn(await answerTo(post(path, headers)))).toEqual([403]);
    });

    test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('does nothing by %s', async (method) => {
      const text = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${CLOSE}\r\n`;
      expect(statusesIn(await answerTo(text))).toEqual([405]);
    });
  });

  test.each<[string, string | Buffer, readonly number[]]>([
    [
      'a path in absolute form',
      `GET http://localhost/status HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`,
      [404],
    ],
    ['dots', `GET /x/../status HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`, [404]],
    ['coded dots', `GET /%2e%2e/status HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`, [404]],
    ['two slashes', `GET //status HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`, [404]],
    ['a coded NUL', `GET /status%00 HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`, [404]],
    ['a NUL', `GET /status\0 HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`, [400]],
    ['a fragment', `GET /status#x HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`, [404]],
    ['a long path', `GET /${'x'.repeat(15_000)} HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`, [404]],
    ['too long a path', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`, [431]],
    ['a header of 17 KB', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(17_000)}\r\n\r\n`, [431]],
    ['thousands of headers', `GET /healthz/live HTTP/1.1\r\nHost: x\r\n${MANY}${CLOSE}\r\n`, [200]],
    ['a header folded over lines', `GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b: c\r\n\r\n`, [400]],
    ['a blank in front of a colon', 'GET / HTTP/1.1\r\nHost : localhost\r\n\r\n', [400]],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', [400]],
    ['a method nobody knows', 'FETCH / HTTP/1.1\r\nHost: x\r\n\r\n', [400]],
    ['a preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
    ['a TLS hello', Buffer.from('16030100a0010000', 'hex'), [400]],
    ['a tunnel to elsewhere', `CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n`, []],
    [
      'another protocol to go on with',
      `GET /healthz/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n`,
      [200],
    ],
    [
      'an expectation that nobody can meet',
      `GET /healthz/live HTTP/1.1\r\nHost: x\r\nExpect: much\r\n${CLOSE}\r\n`,
      [417],
    ],
  ])('is not put off by %s', async (_, text, statuses) => {
    expect(statusesIn(await answerTo(text))).toEqual(statuses);
  });

  test.each([
    [
      'both lengths',
      `Content-Length: ${HIDDEN.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['a length and another', `Content-Length: 0\r\nContent-Length: ${HIDDEN.length}\r\n\r\n`],
    ['a negative length', 'Content-Length: -1\r\n\r\n'],
    ['an unknown coding', 'Transfer-Encoding: xchunked\r\n\r\n'],
    ['a coding that is not the last', 'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n'],
    ['a chunk without end', 'Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n'],
    ['a chunk with a bare line feed', 'Transfer-Encoding: chunked\r\n\r\n0\n\n'],
  ])('takes no request hidden behind %s for one', async (_, framing) => {
    const answer = await answerTo(
      `POST /status HTTP/1.1\r\nHost: localhost\r\n${framing}${HIDDEN}`,
    );
    expect(statusesIn(answer)).toEqual([400]);
  });

  test('takes a body for nothing but a body', async () => {
    const head = `GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n${CLOSE}`;
    const answer = await answerTo(`${head}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`);
    expect(statusesIn(answer)).toEqual([200]);
  });

  test.each([
    ['says that it is a gigabyte', `Content-Length: ${2 ** 30}\r\n\r\n`, ''],
    ['comes in one chunk of a gigabyte', 'Transfer-Encoding: chunked\r\n\r\n40000000\r\n', ''],
  ])('reads no more than 64 KiB of a body that %s', async (_, framing) => {
    const head = `GET /healthz/live HTTP/1.1\r\nHost: x\r\n${framing}`;
    expect(statusesIn(await answerTo(head + 'x'.repeat(300_000)))).toEqual([413]);
  });

  test('answers a hundred requests on one connection', async () => {
    const one = 'GET /healthz/live HTTP/1.1\r\nHost: x\r\n\r\n';
    const answer = await answerTo(one.repeat(99) + one.replace('\r\n\r\n', `\r\n${CLOSE}\r\n`));
    expect(statusesIn(answer)).toEqual(Array(100).fill(200));
  });

  test.each([...READABLE, '/nothing', '/app-health/app/livez', '/restart'])(
    'tells in the headers of %s nothing about what answers',
    async (path) => {
      const answer = await answerTo(`GET ${path} HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`);
      const [head = ''] = answer.split('\r\n\r\n', 1);
      const names = head
        .split('\r\n')
        .slice(1)
        .map((line) => line.split(':', 1)[0]?.toLowerCase());
      expect(names).not.toContain('server');
      expect(names).not.toContain('x-powered-by');
      expect(head).not.toMatch(/node|baton|envoy\//i);
      expect(head.toLowerCase()).toContain('x-content-type-options: nosniff');
      expect(head.toLowerCase()).toContain('cache-control: no-store');
    },
  );

  test('logs nothing that was sent as a line of its own, nor as a command to a terminal', async () => {
    const evil = '/\u001b[2J%0d%0a{"msg":"forged"}\u009b31m';
    await answerTo(
      Buffer.from(
        `GET ${evil} HTTP/1.1\r\nHost: x\r\nUser-Agent: \u001b]0;x\u0007\r\n${CLOSE}\r\n`,
        'latin1',
      ),
    );
    await answerTo(post('/restart?mode=%0d%0aforged%1b[31m', 'Host: localhost\r\n'));
    expect(agent.records({ msg: 'forged' })).toEqual([]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(agent.stdout()).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  test('keeps nothing of thousands of bad requests', { timeout: 180_000 }, async () => {
    const bad = [
      'GET / HTTP/1.1\r\n\r\n',
      '\u0016\u0003\u0001\r\n\r\n',
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(17_000)}\r\n\r\n`,
      `GET /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`,
      `POST /restart HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`,
    ];
    const usedKb: number[] = [];
    for (let count = 1; count <= 16_000; count += 25) {
      await Promise.all(Array.from({ length: 25 }, (_, n) => answerTo(bad[n % 5] ?? '')));
      usedKb.push(anonymousKb(agent.pid));
    }
    // The heap finds its size in the first half.
    const most = (from: number, to: number) =>
      Math.max(...usedKb.slice(from * usedKb.length, to * usedKb.length));
    expect(most(0.75, 1) / most(0.25, 0.75)).toBeLessThan(1.2);
  });
});
