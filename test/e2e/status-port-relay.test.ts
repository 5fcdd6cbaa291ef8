import { afterEach, expect, test } from 'vitest';
import { openWorld, type World } from '../support/e2e-world.ts';
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
