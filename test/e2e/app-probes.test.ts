import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeBehaviour, type FakeEnvoy } from '../support/fake-envoy.ts';
import { exchangeText } from '../support/raw-http.ts';

const STOPPED = { code: 0, signal: null };
const LIVEZ = '/app-health/app/livez';

let fake: FakeEnvoy;
let world: World;
const opened: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await world.close();
  for (const close of opened.splice(0)) await close();
  expect(fake.violations()).toEqual([]);
  fake.remove();
});

async function openFakeWorld(behaviours: readonly FakeBehaviour[] = []): Promise<void> {
  fake = createFakeEnvoy({ behaviours });
  world = await openWorld({ binary: fake.binary });
}

/** @returns the port */
async function startApplication(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push(async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  });
  return (server.address() as AddressInfo).port;
}

async function ask(path: string) {
  const { status, body } = await world.ask(path, world.statusPort);
  return { status, body };
}

describe('a probe taken over', () => {
  test('is put to the application, and its answer passed on without its headers', async () => {
    const seen: unknown[] = [];
    const port = await startApplication((request, response) => {
      seen.push([request.method, request.url, request.headers.host, request.headers['x-probe']]);
      response.writeHead(429, { 'set-cookie': 'a=b', server: 'app', 'content-type': 'text/html' });
      response.end('<b>busy</b>');
    });
    await openFakeWorld();
    const probes = { [LIVEZ]: { httpGet: { path: '/live?x=1', port } } };
    await world.startReadyAgent({ ISTIO_KUBE_APP_PROBERS: JSON.stringify(probes) });

    const head = `GET ${LIVEZ}?port=22 HTTP/1.1\r\nHost: 10.1.2.3:${world.statusPort}\r\n`;
    const text = `${head}X-Probe: yes\r\nConnection: close\r\n\r\n`;
    const answer = await exchangeText({ port: world.statusPort }, text);

    expect(seen).toEqual([['GET', '/live?x=1', `10.1.2.3:${port}`, 'yes']]);
    expect(answer).toMatch(/^HTTP\/1\.1 429 .*\r\n\r\n<b>busy<\/b>$/s);
    expect(answer.toLowerCase()).toContain('content-type: text/plain');
    expect(answer.toLowerCase()).not.toMatch(/set-cookie|server:/);
    expect(await ask('/app-health/app/readyz')).toEqual({
      status: 400,
      body: 'Cannot probe "/app-health/app/readyz": ISTIO_KUBE_APP_PROBERS does not name it.\n',
    });
  });

  test('is answered also while Envoy is not ready: it is of the application alone', async () => {
    const port = await startApplication((_, response) => response.end('alive'));
    await openFakeWorld([{ initializingMs: 'forever' }]);
    const probes = {
      [LIVEZ]: { httpGet: { port } },
      '/app-health/app/readyz': { tcpSocket: { port } },
    };
    const agent = world.startAgent({ ISTIO_KUBE_APP_PROBERS: JSON.stringify(probes) });
    await agent.untilRecord({ msg: 'Envoy answers' });

    expect(await ask(LIVEZ)).toEqual({ status: 200, body: 'alive' });
    expect((await ask('/app-health/app/readyz')).status).toBe(200);
    expect((await ask('/healthz/ready')).status).toBe(503);
  });

  test('that is declared wrong keeps the agent from starting, all of them told at once', async () => {
    await openFakeWorld();
    const probes = {
      [LIVEZ]: { exec: { command: ['cat', 'secret'] } },
      '/x': {},
      '/app-health/app/readyz': { httpGet: { port: world.statusPort } },
    };
    const end = await world.runAgent({ ISTIO_KUBE_APP_PROBERS: JSON.stringify(probes) });

    const said = end.output.trimEnd().split('\n').map(reasonIn).join('\n');

    expect(end.code).toBe(78);
    expect(said).toContain(`"${LIVEZ}" is an exec probe, which the kubelet runs by itself.`);
    expect(said).toContain('"/x" is not of the form /app-health/CONTAINER/livez');
    expect(said).toContain(`asks port ${world.statusPort}, which is BATON_STATUS_PORT: itself.`);
    expect(end.output).not.toContain('secret');
  });
});

function reasonIn(line: string): string {
  return String((JSON.parse(line) as { readonly reason?: unknown }).reason);
}

describe("the application's readiness", () => {
  test('is part of that of the pod, and neither of the start nor of what waits for it', async () => {
    let status = 503;
    let askedCount = 0;
    const port = await startApplication((_, response) => {
      askedCount += 1;
      response.writeHead(status).end();
    });
    await openFakeWorld();
    const url = `http://user:canary@127.0.0.1:${port}/ready`;
    const agent = world.startAgent({ BATON_APP_READY_URL: url });
    await agent.untilServesAlone(0);
    await agent.until('its answer', async () => {
      const { body } = await ask('/healthz/ready');
      return body.endsWith('it answers 503\n');
    });

    expect(await agent.status()).toMatchObject({
      ready: false,
      reason: 'application not ready: it answers 503',
      application: { ready: false, reason: 'it answers 503' },
    });
    expect(await agent.baton('status')).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^ready {10}no, application not ready: it answers 503\n/),
    });
    expect(await ask('/healthz/ready')).toEqual({
      status: 503,
      body: 'application not ready: it answers 503\n',
    });
    expect(await ask('/healthz/startup')).toEqual({ status: 200, body: 'started\n' });
    expect((await agent.baton('wait')).code).toBe(0);
    const askedBefore = askedCount;
    const sinceMs = performance.now();
    await Promise.all(Array.from({ length: 100 }, () => ask('/healthz/ready')));
    const seconds = (performance.now() - sinceMs) / 1_000;
    // An answer is good for a second.
    expect(askedCount - askedBefore).toBeLessThan(2 + seconds);

    status = 200;
    await agent.until('the application', async () => (await ask('/healthz/ready')).status === 200);

    expect(await agent.baton('status')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/\napplication {4}ready\n/),
    });
    expect(agent.records({ msg: 'application not ready' })).toHaveLength(1);
    expect(agent.records({ msg: 'application ready' })).toHaveLength(1);
    expect(agent.stdout() + agent.stderr()).not.toContain('canary');
    agent.signal('SIGTERM');
    expect(await agent.ended).toEqual(STOPPED);
  });

  test('is waited for no longer than a probe is', async () => {
    const port = await startApplication(() => undefined);
    await openFakeWorld();
    const agent = world.startAgent({ BATON_APP_READY_URL: `http://127.0.0.1:${port}/` });
    await agent.untilServesAlone(0);
    expect(await ask('/healthz/ready')).toEqual({
      status: 503,
      body: 'application not ready: no answer within 0.8 s\n',
    });
  });

  test('comes after the reason of the agent', async () => {
    const port = await startApplication((_, response) => response.writeHead(500).end());
    await openFakeWorld([{ initializingMs: 'forever' }]);
    const agent = world.startAgent({ BATON_APP_READY_URL: `http://127.0.0.1:${port}/` });
    await agent.untilRecord({ msg: 'Envoy answers' });
    for (const path of ['/healthz/ready', '/healthz/startup']) {
      expect(await ask(path)).toMatchObject({
        status: 503,
        body: expect.stringMatching(/^starting: L1 \(epoch 0\) is INITIALIZING/),
      });
    }
  });
});
