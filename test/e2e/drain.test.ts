import { Agent, get } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, replaceFile, type World } from '../support/e2e-world.ts';
import { signalEnvoy } from '../support/envoys-of.ts';

const STOPPED = { code: 0, signal: null };
const DRAINING = { code: 0, output: expect.stringMatching(/^draining: readiness is off/) };
const ENDED = { msg: 'handover ended', triggers: ['request'] };

let world: World;

afterEach(() => world.close());

async function openDrained(settings: Readonly<Record<string, string>> = {}) {
  world = await openWorld();
  const agent = await world.startReadyAgent(settings);
  const load = world.startLoad();
  expect(await agent.baton('drain')).toMatchObject(DRAINING);
  await agent.untilRecord({ msg: 'connections counted', launch: 'L1' });
  return { agent, load };
}

/** What a load balancer sees. */
function probe() {
  return world.ask('/healthz/ready', world.statusPort);
}

/** What Envoy says to a client that would like to stay. */
function connectionHeader(): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: true });
    get({ port: world.port, agent }, (answer) => {
      answer.resume().on('end', () => {
        agent.destroy();
        resolve(answer.headers.connection ?? 'keep-alive');
      });
    }).on('error', reject);
  });
}

async function untilProbed(agent: RunningAgent, status: number): Promise<void> {
  await agent.until(`readiness ${status}`, async () => (await probe()).status === status);
}

describe('an agent taken out of rotation', () => {
  test('is not ready and says why, serves everyone who still comes, and stays', async () => {
    const { agent, load } = await openDrained();

    expect(await probe()).toMatchObject({
      status: 503,
      body: expect.stringMatching(/^drained: asked by \/drain \d+(\.\d+)? s ago, \d+ connections/),
    });
    expect((await world.ask('/healthz/startup', world.statusPort)).status).toBe(200);
    await agent.until('word to leave', async () => (await connectionHeader()) === 'close');
    const shown = await agent.baton('status');
    expect(shown.code).toBe(1);
    expect(shown.output).toMatch(/^drained +for .*asked by \/drain.*`baton undrain`/m);
    expect(await load.stop()).toMatchObject({ lost: 0 });
    expect((await agent.status()).launches).toMatchObject([{ id: 'L1', stage: 'live' }]);
  });

  test('hands over all the same, and whoever is LIVE then is drained as well', async () => {
    const { agent, load } = await openDrained();

    await world.writeBootstrap({ servedBy: 'second' });
    await agent.untilRecord({ msg: 'draining', launch: 'L2', purpose: 'stop' });
    await agent.untilServesAlone(1);

    await agent.until('word to leave', async () => (await connectionHeader()) === 'close');
    expect((await probe()).status).toBe(503);
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('comes back with an Envoy that tells nobody to go, and loses nothing on the way', async () => {
    const { agent, load } = await openDrained();

    const back = await agent.baton('undrain');

    expect(back).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^in rotation: committed/),
    });
    expect((await probe()).status).toBe(200);
    await agent.untilServesAlone(1);
    expect(await connectionHeader()).toBe('keep-alive');
    expect(await load.stop()).toMatchObject({ lost: 0 });
    expect(agent.records({ msg: 'back in rotation' })).toHaveLength(1);
    expect(agent.records({ msg: 'draining', launch: 'L2', purpose: 'stop' })).toEqual([]);
  });

  test('stays out of it when the way back fails, and says so', async () => {
    const { agent, load } = await openDrained({ BATON_TRIGGERS: 'certs' });
    await replaceFile(world.bootstrapPath, '{"no_such_field": 1}');
    await agent.until('the change', async () => {
      const { desired, committed } = await agent.status();
      return desired?.bootstrap !== committed?.bootstrap;
    });

    const back = await agent.baton('undrain');

    expect(back).toMatchObject({ code: 1, output: expect.stringMatching(/^not in rotation: /) });
    expect(agent.records(ENDED)).toHaveLength(1);
    expect((await probe()).status).toBe(503);
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('is back where it was when it was never drained', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent();

    expect(await agent.baton('undrain')).toMatchObject({
      code: 0,
      output: 'in rotation: nothing had to be replaced\n',
    });
    expect(agent.records(ENDED)).toEqual([]);
  });

  test('is mended after a crash, and is out of rotation still', async () => {
    const { agent, load } = await openDrained();
    await load.stop();

    signalEnvoy(world.envoys()[0], 'SIGKILL');
    await agent.untilRecord({ msg: 'draining', launch: 'L2', purpose: 'stop' });

    await untilProbed(agent, 503);
    expect((await probe()).body).toMatch(/^drained: /);
  });
});

describe('`baton drain --wait`', () => {
  test('ends with the last connection, and a SIGTERM then leaves at once', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent({
      BATON_TERMINATION_DELAY: '5s',
      BATON_TERMINATION_DRAIN_MIN: '5s',
      BATON_TERMINATION_DRAIN_MAX: '10s',
    });
    const asked = world.ask('/held');
    await agent.until('a held request', () => world.upstream.heldCount() === 1);

    const drained = agent.baton('drain', '--wait', '20s');
    await agent.untilRecord({ msg: 'connections counted', connections: 1 });
    world.upstream.letGo();

    expect((await agent.status()).onSigterm[0]).toMatch(/^0 s on as soon as no connection is left/);
    expect(await drained).toMatchObject({ code: 0, output: 'drained: no connection is left\n' });
    expect(await asked).toMatchObject({ status: 200 });
    agent.signal('SIGTERM');
    expect(await agent.ended).toEqual(STOPPED);
    const waited = agent.records({ msg: 'deadline reached' }).map(({ timer }) => timer);
    expect(waited).toEqual(['drainMin']);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('says how many are left when its time is over', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent();
    const asked = world.ask('/held');
    await agent.until('a held request', () => world.upstream.heldCount() === 1);
    await agent.baton('drain');
    await agent.untilRecord({ msg: 'connections counted', connections: 1 });

    expect(await agent.baton('drain', '--wait', '1s')).toMatchObject({
      code: 1,
      output: 'Not empty in time, connections left: 1. The drain goes on.\n',
    });
    world.upstream.letGo();
    await asked;
  });
});
