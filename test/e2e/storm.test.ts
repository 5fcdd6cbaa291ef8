/** More triggers than handovers can follow, for a moment and for a while. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World, type WorldOptions } from '../support/e2e-world.ts';
import { signalEnvoy } from '../support/envoys-of.ts';
import { createFakeEnvoy, type FakeBehaviour, type FakeEnvoy } from '../support/fake-envoy.ts';
import {
  createServiceCertificates,
  type ServiceCertificates,
  servedSerial,
} from '../support/service-certificates.ts';

const ENDED = { msg: 'handover ended' };
const LIVE = { msg: 'Envoy live' };
const STARTED = { msg: 'Envoy started' };
const REQUESTS_A_SECOND = 150;

let fake: FakeEnvoy | undefined;
let world: World;
let certificates: ServiceCertificates;

afterEach(async () => {
  await world.close();
  expect(fake?.violations() ?? []).toEqual([]);
  fake?.remove();
  fake = undefined;
});

describe('a hundred triggers at once', () => {
  test('lead to one handover after the other, to the last content and to an answer for each who asked', async () => {
    fake = createFakeEnvoy();
    await openWithCertificates({ binary: fake.binary });
    const agent = await startWithCertificates();

    const asked: Promise<RestartAnswer>[] = [];
    for (let round = 1; round <= 25; round += 1) {
      agent.signal('SIGHUP');
      asked.push(askForRestart());
      await world.writeBootstrap({ servedBy: `content ${round}` });
      await certificates.rotate();
    }
    await world.writeBootstrap({ servedBy: 'the last one' });
    const serial = await certificates.rotate();
    await untilServed(agent, { servedBy: 'the last one', serial });
    const answers = await Promise.all(asked);
    expect(answers.map(({ status }) => status)).toEqual(Array(25).fill(200));
    expect(answers.map(({ result }) => result)).toEqual(Array(25).fill('committed'));
    expectOneAfterTheOther(agent);
    expect(agent.records(ENDED).length).toBeLessThan(10);
    expect((await agent.status()).tokens.left).toBe(10);
  });

  test('a thousand keep nobody from restarting an Envoy that dies', async () => {
    await openFake();
    const agent = await world.startReadyAgent({ BATON_RESTART_BACKOFF: '20ms' });
    const [first] = world.envoys();

    let pushCount = 0;
    const isServedAgain = () => agent.records(LIVE).length > 1;
    for (; pushCount < 1_000 || (pushCount < 20_000 && !isServedAgain()); pushCount += 1) {
      if (pushCount === 100) signalEnvoy(first, 'SIGKILL');
      await world.writeBootstrap({ servedBy: `content ${pushCount}` });
    }
    const pushesUntilServed = isServedAgain() ? pushCount : Number.POSITIVE_INFINITY;
    await untilServed(agent, { servedBy: `content ${pushCount - 1}` });

    expect(pushesUntilServed).toBeLessThan(20_000);
    expect(agent.records({ msg: 'Envoy ended unexpectedly' })).toHaveLength(1);
  });
});

describe('a request for a handover', () => {
  test('before the first Envoy is LIVE has its turn after it, together with all others', async () => {
    await openFake();
    fake?.hold('initialization');
    const agent = world.startAgent();
    await agent.untilRecord({ msg: 'Envoy answers', launch: 'L1' });

    agent.signal('SIGHUP');
    const asked = [askForRestart(), askForRestart()];
    await agent.untilRecord({ msg: 'handover requested' }, 3);
    fake?.letGo('initialization');

    expect(await Promise.all(asked)).toMatchObject([
      { status: 200, result: 'committed', launch: 'L2' },
      { status: 200, result: 'committed', launch: 'L2' },
    ]);
    expect(agent.records(ENDED)).toHaveLength(2);
  });
});

describe('both Envoys of a handover', () => {
  test('cost one token and one delay when they die at once', async () => {
    const agent = await startHandedOver();

    // The agent stands still, so that it sees both ends at one look.
    agent.signal('SIGSTOP');
    for (const { pid } of world.envoys()) process.kill(pid, 'SIGKILL');
    await agent.until('the end of both', () => world.envoys().length === 0);
    agent.signal('SIGCONT');
    await agent.untilRecord({ msg: 'Envoy ended unexpectedly' }, 2);
    await agent.untilServesAlone(0);

    expect((await agent.status()).tokens.left).toBe(9);
    expect(agent.records({ msg: 'next start scheduled' })).toHaveLength(1);
  });

  test('cost one token and no delay when a rescue from the first end is under way at the second', async () => {
    const agent = await startHandedOver();
    const [retiring, live] = world.envoys();

    fake?.hold('execution');
    signalEnvoy(retiring, 'SIGKILL');
    await agent.until('the rescue', () => fake?.isHeld('execution') ?? false);
    signalEnvoy(live, 'SIGKILL');
    await agent.untilRecord({ msg: 'Envoy ended unexpectedly' }, 2);
    fake?.letGo('execution');
    await agent.untilServesAlone(0);

    expect((await agent.status()).tokens.left).toBe(9);
    expect(agent.records({ msg: 'next start scheduled' })).toEqual([]);
    expect(agent.records({ ...ENDED, mode: 'side-by-side', result: 'committed' })).toHaveLength(1);
  });

  /** One retires for long after it has handed over to the other. */
  async function startHandedOver(): Promise<RunningAgent> {
    await openFake();
    const agent = await world.startReadyAgent({ BATON_PARENT_SHUTDOWN_TIME: '20s' });
    agent.signal('SIGHUP');
    await agent.untilRecord({ launch: 'L2', ...LIVE });
    return agent;
  }
});

describe('a rotation every second for a minute and more', () => {
  test('loses no request, and the last certificate is served', async () => {
    await openWithCertificates();
    const agent = await startWithCertificates();
    const load = world.startLoad({ authorityPem: certificates.authorityPem });

    const handoverCount = () =>
      agent.records({ ...ENDED, mode: 'hot', result: 'committed' }).length;
    let serial = certificates.firstSerial;
    // Where a handover takes long there are fewer in a minute.
    const isEnough = (second: number) => second > 60 && handoverCount() > 15;
    for (let second = 1; second <= 150 && !isEnough(second); second += 1) {
      // The load keeps the time: so many requests are a second.
      await agent.until(
        `second ${second}`,
        () => load.progress().sent >= second * REQUESTS_A_SECOND,
      );
      serial = await certificates.rotate();
    }
    await agent.until(
      'the last certificate',
      async () => (await servedSerial(world.port)) === serial,
    );
    await agent.until('quiet', async () => {
      const { launches, handover } = await agent.status();
      return launches.length === 1 && handover === undefined;
    });

    expect(await load.stop()).toMatchObject({ lost: 0 });
    expect(handoverCount()).toBeGreaterThan(15);
    expect(agent.records({ msg: 'Envoy ended unexpectedly' })).toEqual([]);
    expectOneAfterTheOther(agent);
  }, 240_000);
});

async function openFake(behaviours: readonly FakeBehaviour[] = []): Promise<void> {
  fake = createFakeEnvoy({ behaviours });
  world = await openWorld({ binary: fake.binary });
}

async function openWithCertificates(options: WorldOptions = {}): Promise<void> {
  world = await openWorld({ ...options, bootstrap: { isTls: true } });
  certificates = await createServiceCertificates(join(world.folder, 'certs'));
}

function startWithCertificates(): Promise<RunningAgent> {
  return world.startReadyAgent({ BATON_CERT_DIRS: certificates.volume.folder });
}

interface RestartAnswer {
  readonly status: number;
  readonly result: string;
  readonly launch: string;
}

function askForRestart(): Promise<RestartAnswer> {
  const socketPath = join(world.runDirectory, 'control.sock');
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath, method: 'POST', path: '/restart', agent: false },
      (answer) => {
        text(answer).then(
          (body) => resolve({ ...JSON.parse(body), status: answer.statusCode ?? 0 }),
          reject,
        );
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

/** What the launch of this epoch was given to serve. */
async function contentOf(epoch: number | undefined) {
  const path = join(world.runDirectory, `envoy-rev${epoch}.json`);
  const bootstrap = JSON.stringify(JSON.parse(await readFile(path, 'utf8')));
  const servedBy = /"key":"x-served-by","value":"([^"]*)"/.exec(bootstrap)?.[1];
  const certificate = /"filename":"([^"]*tls\.crt)"/.exec(bootstrap)?.[1];
  if (certificate === undefined) return { servedBy };
  return { servedBy, serial: new X509Certificate(await readFile(certificate)).serialNumber };
}

/** The last content is served by one Envoy, and nothing is under way. */
function untilServed(agent: RunningAgent, content: Awaited<ReturnType<typeof contentOf>>) {
  return agent.until(JSON.stringify(content), async () => {
    const { launches, handover } = await agent.status();
    expect({ count: launches.length, handover }).toEqual({ count: 1, handover: undefined });
    expect(await contentOf(launches[0]?.epoch)).toEqual(content);
  });
}

/**
 * No handover begins before the one before it is over, and no epoch is left out. How one ended is
 * told once its certificates are proved, by when the next may be checked.
 */
function expectOneAfterTheOther(agent: RunningAgent): void {
  const told = (messages: readonly string[]) =>
    agent
      .records()
      .filter(({ msg }) => messages.includes(`${msg}`))
      .map(({ msg, launch, handover }) => `${launch ?? handover} ${msg}`);
  const handovers = agent.records(ENDED).map(({ handover }) => `${handover}`);
  const launches = agent.records(ENDED).map(({ launch }) => `${launch}`);
  expect([...new Set(told(['checking', 'Envoy live']))]).toEqual(
    handovers.flatMap((id, at) => [`${id} checking`, `${launches[at]} Envoy live`]),
  );
  const epochs = agent.records(STARTED).map(({ epoch }) => epoch);
  expect(epochs).toEqual(epochs.map((_, index) => index));
  expect(mostAlive(agent)).toBeLessThanOrEqual(2);
}

/** The most Envoys that were alive at once, by the log. */
function mostAlive(agent: RunningAgent): number {
  let alive = 0;
  let most = 0;
  for (const { msg } of agent.records()) {
    if (msg === STARTED.msg) alive += 1;
    if (msg === 'Envoy ended' || msg === 'Envoy ended unexpectedly') alive -= 1;
    most = Math.max(most, alive);
  }
  return most;
}
