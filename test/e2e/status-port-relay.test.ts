import { once } from 'node:events';
import { createConnection } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { freePort, openWorld, type World } from '../support/e2e-world.ts';
import { exchangeText, statusesIn } from '../support/raw-http.ts';

let world: World;

afterEach(() => world.close());

test('what a real Envoy relays to the status port may read there and change nothing', async () => {
  world = await openWorld();
  await world.writeBootstrap({ upstreamPort: world.statusPort });
  const agent = await world.startReadyAgent();
  const through = (method: string, path: string) =>
    exchangeText(
      { port: world.port },
      `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    );

  const ready = await through('GET', '/healthz/ready');
  const answers = await Promise.all(
    ['/quitquitquit', '/restart', '/logging?level=debug'].map((path) => through('POST', path)),
  );

  expect(statusesIn(ready)).toEqual([200]);
  for (const answer of answers) {
    expect(statusesIn(answer)).toEqual([403]);
    expect(answer).toMatch(/forbidden: not through a proxy/);
  }
  expect((await agent.status()).launches).toMatchObject([{ id: 'L1', stage: 'live' }]);
  expect(agent.records({ msg: 'stop requested' })).toEqual([]);
});

test.each(['the status port', 'the admin port'])(
  'what a real Envoy passes on to %s as bytes, which name no proxy, changes nothing either',
  async (which) => {
    world = await openWorld();
    const adminPort = await freePort();
    const upstreamPort = which === 'the admin port' ? adminPort : world.statusPort;
    await world.writeBootstrap({ isTcp: true, upstreamPort });
    const agent = await world.startReadyAgent({ BATON_ADMIN_PORT: `${adminPort}` });
    const send = (port: number, method: string, path: string) =>
      exchangeText(
        { port },
        `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      );
    const [readable, changing] =
      which === 'the admin port'
        ? (['/stats?filter=server.live', '/logging?level=warning'] as const)
        : (['/healthz/ready', '/logging?level=debug'] as const);

    const direct = await send(upstreamPort, 'POST', changing);
    const through = await Promise.all(
      [changing, '/quitquitquit'].map((path) => send(world.port, 'POST', path)),
    );
    const read = await send(world.port, 'GET', readable);

    expect(statusesIn(direct)).toEqual([200]);
    for (const answer of through) {
      expect(statusesIn(answer)).toEqual([403]);
      expect(answer).toMatch(/forbidden: not through Envoy/);
    }
    expect(statusesIn(read)).toEqual([200]);
    if (which === 'the admin port') {
      expect(statusesIn(await send(world.port, 'GET', '/config_dump'))).toEqual([403]);
    }
    expect((await agent.status()).launches).toMatchObject([{ id: 'L1', stage: 'live' }]);
  },
);

test('nor does what a real Envoy passes on of somebody who does not wait for the answer', async () => {
  world = await openWorld();
  await world.writeBootstrap({ isTcp: true, upstreamPort: world.statusPort });
  const agent = await world.startReadyAgent();
  const post = 'POST /logging?level=warn HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n';

  for (let waitMs = 0; waitMs < 30; waitMs += 1) {
    const socket = createConnection(world.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(post);
    await vi.waitUntil(() => socket.bytesWritten === post.length);
    const untilMs = performance.now() + waitMs / 5;
    while (performance.now() < untilMs) await new Promise((resolve) => setImmediate(resolve));
    socket.resetAndDestroy();
  }
  await agent.status();

  expect(agent.records({ msg: 'log level changed' })).toEqual([]);
});
