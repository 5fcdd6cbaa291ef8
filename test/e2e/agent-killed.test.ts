import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { holdEnvoy } from '../faults/held-envoy.ts';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { envoyBinary } from '../support/envoy-binary.ts';

const STOPPED = { code: 0, signal: null };
const LIVE = { msg: 'Envoy live' };
/** Enough for one in two or three that hang not to be missed. */
const CONNECTION_COUNT = 40;

let world: World;

beforeEach(async () => {
  world = await openWorld({
    settings: { BATON_PARENT_SHUTDOWN_TIME: '20s', BATON_RESTART_BACKOFF: '1h' },
  });
});

afterEach(() => world.close());

const soon = (isThere: () => boolean) => vi.waitUntil(isThere, { timeout: 20_000, interval: 1 });

/** From the start of an agent to the moment at which it is killed. */
const moments: Readonly<Record<string, () => Promise<RunningAgent>>> = {
  'before it starts Envoy': async () => {
    const agent = world.startAgent();
    await soon(() => existsSync(join(world.runDirectory, 'control.sock')));
    return agent;
  },
  'as soon as Envoy is started': async () => {
    const agent = world.startAgent();
    await soon(() => world.envoys().length === 1);
    return agent;
  },
  'while Envoy starts': async () => {
    const agent = world.startAgent();
    await soon(() => existsSync(join(world.runDirectory, 'admin-L1.sock')));
    return agent;
  },
  'just after LIVE': async () => {
    const agent = world.startAgent();
    await agent.untilRecord(LIVE);
    return agent;
  },
  'while it validates a change': async () => {
    const envoy = await holdEnvoy(world.folder, envoyBinary());
    onTestFinished(() => envoy.close());
    const agent = await world.startReadyAgent({ BATON_ENVOY_BINARY: envoy.binary });
    envoy.hold('validation');
    agent.signal('SIGHUP');
    await soon(() => envoy.isHeld('validation'));
    return agent;
  },
  'while a successor starts': async () => {
    const agent = await world.startReadyAgent();
    agent.signal('SIGHUP');
    await soon(() => world.envoys().length === 2);
    return agent;
  },
  'while the old Envoy drains': async () => {
    const agent = await world.startReadyAgent();
    agent.signal('SIGHUP');
    await agent.untilRecord({ launch: 'L2', ...LIVE });
    return agent;
  },
  'while two lineages serve side by side': async () => {
    const agent = await world.startReadyAgent({ BATON_HANDOVER: 'side-by-side' });
    agent.signal('SIGHUP');
    await agent.untilRecord({ launch: 'L2', ...LIVE });
    return agent;
  },
  'beside a standby': async () => {
    const agent = await world.startReadyAgent({ BATON_STANDBY: 'on' });
    await agent.untilRecord({ launch: 'L2', ...LIVE });
    return agent;
  },
  'in backoff': async () => {
    const agent = await world.startReadyAgent();
    for (const { pid } of world.envoys()) process.kill(pid, 'SIGKILL');
    await agent.untilRecord({ msg: 'next start scheduled' });
    return agent;
  },
  'while it stops': async () => {
    const agent = world.startAgent({ BATON_TERMINATION_DRAIN_MIN: '9s' });
    await agent.untilReady();
    agent.signal('SIGTERM');
    await agent.untilRecord({ msg: 'draining' });
    return agent;
  },
};

describe('an agent that is killed', () => {
  test.each(Object.entries(moments))("%s is in nobody's way", async (_, until) => {
    const killed = await until();
    world.envoys();

    killed.signal('SIGKILL');
    await killed.ended;
    const agent = await world.startReadyAgent();

    await expectServedByOne(agent);
    await expectCleanStop(agent);
  });
});

test('an Envoy without hot restart, which nobody tells to go, goes when the next agent comes', async () => {
  const settings = { BATON_ENVOY_ARGS: '--disable-hot-restart' };
  const killed = await world.startReadyAgent(settings);
  const orphans = world.envoys();

  killed.signal('SIGKILL');
  await killed.ended;
  const served = await world.ask();
  const agent = await world.startReadyAgent(settings);

  expect(served.status).toBe(200);
  expect(agent.records({ msg: 'Envoys of a dead run ended' })).toMatchObject([
    { level: 'warn', found: orphans.map(({ pid }) => pid), killed: [], left: [] },
  ]);
  await expectServedByOne(agent);
  await expectCleanStop(agent);
});

test('the Envoys of another agent serve on', async () => {
  const killed = await world.startReadyAgent();
  const neighbours = await openWorld();
  try {
    const neighbour = await neighbours.startReadyAgent();
    const before = neighbours.envoys();

    killed.signal('SIGKILL');
    await killed.ended;
    const agent = await world.startReadyAgent();

    expect(neighbours.envoys()).toEqual(before);
    expect((await neighbour.status()).ready).toBe(true);
    expect(world.envoys()[0]?.baseId).not.toBe(before[0]?.baseId);
    await expectServedByOne(agent);
  } finally {
    await neighbours.close();
  }
});

describe('an Envoy that does not obey', () => {
  test.each(['alone', 'beside its successor'])(
    '%s, is killed by the agent that comes after its own',
    async (state) => {
      const killed = await world.startReadyAgent();
      if (state === 'beside its successor') {
        killed.signal('SIGHUP');
        await killed.untilRecord({ launch: 'L2', ...LIVE });
      }
      const orphans = world.envoys();
      for (const { pid } of orphans) process.kill(pid, 'SIGSTOP');

      killed.signal('SIGKILL');
      await killed.ended;
      const agent = await world.startReadyAgent();

      await expectServedByOne(agent);
      expect(world.envoys()[0]?.baseId).toBe(orphans[0]?.baseId);
      const pids = orphans.map(({ pid }) => pid).sort((a, b) => a - b);
      expect(agent.records({ msg: 'Envoys of a dead run ended' })).toMatchObject([
        { level: 'warn', found: pids, killed: pids, left: [] },
      ]);
      await expectCleanStop(agent);
    },
  );
});

async function expectServedByOne(agent: RunningAgent): Promise<void> {
  const { launches } = await agent.status();
  expect(world.envoys()).toMatchObject([{ epoch: 0, pid: launches[0]?.pid }]);
  for (let count = 0; count < CONNECTION_COUNT; count += 1) {
    expect((await world.ask()).status).toBe(200);
  }
}

async function expectCleanStop(agent: RunningAgent): Promise<void> {
  agent.signal('SIGTERM');
  expect(await agent.ended).toEqual(STOPPED);
  expect(await world.leftOvers()).toEqual([]);
}
