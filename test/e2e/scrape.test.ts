import { mkdir } from 'node:fs/promises';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
} from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { freePort, openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeEnvoy } from '../support/fake-envoy.ts';
import { samplesOf } from '../support/metrics-after.ts';
import { promtool } from '../support/promtool.ts';

let world: World;
let application: Application | undefined;
let fake: FakeEnvoy | undefined;

afterEach(async () => {
  await world.close();
  await application?.close();
  const violations = fake?.violations() ?? [];
  fake?.remove();
  application = undefined;
  fake = undefined;
  expect(violations).toEqual([]);
});

interface Application {
  readonly url: string;
  readonly seen: readonly IncomingHttpHeaders[];
  close(): Promise<void>;
}

type Answer = (socket: Socket, request: IncomingMessage) => void;

/** Its answers are written by hand, so that they can be as wrong as they like. */
async function startApplication(answer: Answer): Promise<Application> {
  const seen: IncomingHttpHeaders[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((asked) => {
    seen.push(asked.headers);
    answer(asked.socket, asked);
  });
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})));
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${port}/metrics`,
    seen,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n';

const APP_PAGE =
  '# HELP app_up Up.\n# TYPE app_up gauge\napp_up 1\n# TYPE baton_ready gauge\nbaton_ready 0';

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function scrape(target = '/stats/prometheus', headers: Record<string, string> = {}): Promise<Page> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port: world.statusPort, path: target, headers, agent: false },
      (answer) => {
        const { statusCode: status = 0, headers: given } = answer;
        text(answer).then(
          (body) => resolve({ status, type: String(given['content-type']), body }),
          reject,
        );
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

const TOTAL = 'envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix="service"}';

async function requestsServed(): Promise<number> {
  return samplesOf((await scrape()).body).get(TOTAL) ?? Number.NaN;
}

async function askTimes(count: number): Promise<void> {
  for (let asked = 0; asked < count; asked += 1) await world.ask();
}

/** What Prometheus takes for the increase over samples: a fall is a counter that began anew. */
function increaseOver(samples: readonly number[]): number {
  return samples.reduce((sum, value, at) => {
    const before = samples[at - 1];
    if (before === undefined) return sum;
    return sum + (value < before ? value : value - before);
  }, 0);
}

describe('a scrape of agent, Envoy and application', () => {
  test('is one page that Prometheus reads, each source with what is its own', async () => {
    application = await startApplication((socket) => void socket.end(`${HEAD}\r\n${APP_PAGE}`));
    world = await openWorld({ settings: { BATON_APP_METRICS_URL: application.url } });
    await world.startReadyAgent();
    await askTimes(3);
    await scrape();
    const { status, type, body } = await scrape('/stats/prometheus', {
      'x-prometheus-scrape-timeout-seconds': '4',
      accept: 'application/openmetrics-text;version=1.0.0,*/*;q=0.1',
    });
    const samples = samplesOf(body);

    expect({ status, type }).toEqual({
      status: 200,
      type: 'text/plain; version=0.0.4; charset=utf-8',
    });
    expect(samples.get('baton_ready')).toBe(1);
    expect(samples.get(TOTAL)).toBe(3);
    expect(samples.get('app_up')).toBe(1);
    expect(body.indexOf('baton_ready')).toBeLessThan(body.indexOf('envoy_server_live'));
    expect(body.indexOf('envoy_server_live')).toBeLessThan(body.indexOf('app_up'));
    expect(application.seen.at(-1)).toMatchObject({ 'x-prometheus-scrape-timeout-seconds': '1.8' });
    const left = 'baton_scrape_lines_left_out_total';
    expect(samples.get(`${left}{source="application",reason="clash"}`)).toBe(2);
    expect(samples.get(`${left}{source="envoy",reason="invalid"}`)).toBe(0);
    expect(samples.get(`${left}{source="envoy",reason="clash"}`)).toBe(0);
    expect((await promtool(['check', 'metrics'], body)).output).not.toMatch(/error while linting/);
  });

  test.each<[string, Answer, string]>([
    ['answers nothing', () => {}, 'late'],
    ['is endless', (socket) => void socket.write(`${HEAD}\r\napp_up 1\n`), 'late'],
    ['is gigantic', pourOut, 'tooLong'],
    ['dies', (socket) => void socket.end(`${HEAD}Content-Length: 99\r\n\r\napp_up 1\n`), 'cutOff'],
    ['speaks something else', (socket) => void socket.end('SSH-2.0-no\r\n'), 'unreachable'],
    ['is garbage', (socket) => void socket.end(`${HEAD}\r\n<html>\n\u0000\ufffe{{{\n`), 'format'],
  ])('goes without the application when it %s, and counts that', async (_, answer, reason) => {
    application = await startApplication(answer);
    fake = createFakeEnvoy();
    const settings = { BATON_APP_METRICS_URL: application.url };
    world = await openWorld({ binary: fake.binary, settings });
    await world.startReadyAgent();
    // So much that the other sources are not late as well.
    const short = { 'x-prometheus-scrape-timeout-seconds': '8' };
    const long = { 'x-prometheus-scrape-timeout-seconds': '30' };
    const { status, body } = await scrape('/stats/prometheus', reason === 'late' ? short : long);
    const samples = samplesOf(body);

    expect(status).toBe(200);
    expect(samples.get('baton_ready')).toBe(1);
    expect(samples.get('envoy_server_live{}')).toBe(1);
    expect((await promtool(['check', 'metrics'], body)).output).not.toMatch(/error while linting/);
    const failures = samplesOf((await scrape('/metrics')).body);
    expect(failuresIn(failures)).toEqual([`application ${reason}`]);
  });

  test('goes without Envoy while none serves, and answers all the same', async () => {
    fake = createFakeEnvoy();
    world = await openWorld({ binary: fake.binary, bootstrap: { isTls: true } });
    const certificates = join(world.folder, 'certificates');
    await mkdir(certificates);
    const waiting = { BATON_CERT_DIRS: certificates, BATON_CERT_WAIT_TIME: '1m' };
    const agent = world.startAgent(waiting);
    await agent.until('waiting', async () => (await agent.status()).phase === 'waiting');
    const page = await scrape();
    const samples = samplesOf((await scrape('/metrics')).body);

    expect(samplesOf(page.body).get('baton_phase{phase="waiting"}')).toBe(1);
    expect(failuresIn(samples)).toEqual(['envoy unreachable']);
  });

  test('does not go round in a circle, whoever is in between', async () => {
    application = await startApplication((socket, { headers }) => {
      const { statusPort: port } = world;
      const back = { host: '127.0.0.1', port, path: '/stats/prometheus', headers, agent: false };
      request(back, ({ statusCode }) => {
        socket.end(`HTTP/1.1 ${statusCode} Back\r\nConnection: close\r\n\r\n`);
      }).end();
    });
    fake = createFakeEnvoy();
    const settings = { BATON_APP_METRICS_URL: application.url };
    world = await openWorld({ binary: fake.binary, settings });
    await world.startReadyAgent();
    await scrape();
    const samples = samplesOf((await scrape('/metrics')).body);

    expect(samples.get('baton_scrapes_total')).toBe(1);
    expect(failuresIn(samples)).toEqual(['application status']);
  });
});

function failuresIn(samples: ReadonlyMap<string, number>): readonly string[] {
  const failure = /^baton_scrape_failures_total\{source="(\w+)",reason="(\w+)"\}$/;
  return [...samples].flatMap(([name, count]) => {
    const [, source, reason] = failure.exec(name) ?? [];
    return Array.from({ length: source === undefined ? 0 : count }, () => `${source} ${reason}`);
  });
}

describe('what Envoy has counted', () => {
  const parentsLastFlush = { BATON_DRAIN_TIME: '1s', BATON_PARENT_SHUTDOWN_TIME: '3s' };

  test('goes on through a hot handover and is told by one Envoy at a time', async () => {
    world = await openWorld({ settings: parentsLastFlush });
    const agent = await world.startReadyAgent();
    const samples = [await requestsServed()];
    await askTimes(20);
    samples.push(await requestsServed());
    const during = watchScrapes(samples);
    await agent.baton('restart');
    await agent.untilServesAlone(1);
    await askTimes(10);
    await during.stop();
    samples.push(await requestsServed());

    expect((await agent.status()).lastHandover).toMatchObject({ mode: 'hot' });
    expect(increaseOver(samples)).toBeGreaterThanOrEqual(30);
    // What the old one had not told its sinks when the new one asked is in both: once more at most.
    expect(increaseOver(samples)).toBeLessThanOrEqual(50);
    await expectOneOfEach(agent);
  });

  test.each(['cold', 'side-by-side'])(
    'begins anew in a %s handover and is not doubled',
    async (mode) => {
      world = await openWorld();
      const agent = await world.startReadyAgent();
      const samples = [await requestsServed()];
      await askTimes(20);
      samples.push(await requestsServed());
      await agent.baton('restart', '--mode', mode);
      await agent.untilServesAlone(0);
      samples.push(await requestsServed());
      await askTimes(10);
      samples.push(await requestsServed());

      expect(samples).toEqual([0, 20, 0, 10]);
      expect(increaseOver(samples)).toBe(30);
      await expectOneOfEach(agent);
    },
  );
});

/** Scrapes one after the other, as Prometheus would if it were in a hurry. */
function watchScrapes(samples: number[]) {
  let isOver = false;
  const watching = (async () => {
    while (!isOver) samples.push(await requestsServed());
  })();
  return {
    stop: () => {
      isOver = true;
      return watching;
    },
  };
}

/** No series twice on a page (`samplesOf` sees to that), and none of Envoy's missing from it. */
async function expectOneOfEach(agent: RunningAgent): Promise<void> {
  const admin = await agent.baton('request', 'GET', '/stats/prometheus');
  const names = [...samplesOf(admin.output).keys()];
  const merged = samplesOf((await scrape()).body);

  expect(names.length).toBeGreaterThan(100);
  expect(names.filter((name) => !merged.has(name))).toEqual([]);
}

/** More than there is room for, as fast as it is read. */
function pourOut(socket: Socket): void {
  socket.write(`${HEAD}\r\n`);
  const long = 'y'.repeat(10_000);
  const lines = Array.from({ length: 10 }, (_, at) => `app_x{at="${at}${long}"} 1\n`).join('');
  let count = 0;
  const pour = () => {
    while (count < 2_000 && !socket.destroyed) {
      count += 1;
      if (!socket.write(lines.replaceAll('app_x', `app_x${count}`)))
        return void socket.once('drain', pour);
    }
  };
  pour();
}
