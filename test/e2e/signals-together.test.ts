/** Signals to an agent that cannot take them at once: they find it all at the same moment. */
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeEnvoy } from '../support/fake-envoy.ts';

const STOPPED = { code: 0, signal: null };
const ENDED = { msg: 'handover ended' };

let fake: FakeEnvoy;
let world: World;

beforeEach(async () => {
  fake = createFakeEnvoy();
  world = await openWorld({ binary: fake.binary });
  await writeFile(inWorld('standstill.mjs'), standstill());
});

afterEach(async () => {
  await world.close();
  expect(fake.violations()).toEqual([]);
  fake.remove();
});

describe('signals that come together', () => {
  test('are one stop when they are SIGTERM and SIGINT, and it is not hurried', async () => {
    const agent = await startReady({ BATON_TERMINATION_DRAIN_MIN: '700ms' });

    await sendTogether(agent, ['SIGTERM', 'SIGINT']);

    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.records({ msg: 'stop requested' })).toHaveLength(2);
    expect(agent.records({ msg: 'deadline reached', timer: 'drainMin' })).toHaveLength(1);
    expect(agent.records({ msg: 'signal sent' })).toMatchObject([{ signal: 'SIGTERM' }]);
  });

  test('are a handover or two when they are a hundred times SIGHUP', async () => {
    const agent = await startReady();

    await sendTogether(agent, Array<NodeJS.Signals>(100).fill('SIGHUP'));
    await agent.untilRecord({ launch: 'L2', ...ENDED });
    await agent.until('quiet', async () => {
      const { launches, handover } = await agent.status();
      return launches.length === 1 && handover === undefined;
    });

    expect(agent.records({ msg: 'handover requested' }).length).toBeGreaterThan(0);
    expect(agent.records(ENDED).length).toBeLessThanOrEqual(3);
    expect((await agent.status()).ready).toBe(true);
  });

  test('are a stop when SIGTERM is among them, whatever else there is', async () => {
    const agent = await startReady();

    await sendTogether(agent, ['SIGHUP', 'SIGUSR1', 'SIGTERM', 'SIGHUP']);

    expect(await agent.ended).toEqual(STOPPED);
    expect(await world.leftOvers()).toEqual([]);
  });
});

describe('a signal before the agent listens', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const)(
    'ends it with nothing begun when it is %s',
    async (signal) => {
      await writeFile(inWorld('hold'), '');
      const agent = world.startAgent(standingStill());
      await agent.until('a standstill', () => existsSync(inWorld('still')));

      agent.signal(signal);

      expect(await agent.ended).toEqual({ code: null, signal });
      expect(agent.stdout()).toBe('');
      expect(fake.launches()).toEqual([]);
    },
  );
});

async function startReady(settings = {}): Promise<RunningAgent> {
  const agent = world.startAgent({ ...standingStill(), ...settings });
  await agent.untilReady();
  return agent;
}

/** Its event loop stands still while they are sent. */
async function sendTogether(agent: RunningAgent, signals: readonly NodeJS.Signals[]) {
  await writeFile(inWorld('hold'), '');
  await agent.until('a standstill', () => existsSync(inWorld('still')));
  for (const signal of signals) agent.signal(signal);
  await rm(inWorld('hold'));
}

function standingStill() {
  return { NODE_OPTIONS: `--import=${inWorld('standstill.mjs')}` };
}

/** Loaded before the agent: it stands still as long as `hold` is there, and says so by `still`. */
function standstill(): string {
  return `
import { existsSync, writeFileSync } from 'node:fs';
const never = new Int32Array(new SharedArrayBuffer(4));
function standStill() {
  if (!existsSync(${JSON.stringify(inWorld('hold'))})) return;
  writeFileSync(${JSON.stringify(inWorld('still'))}, '');
  while (existsSync(${JSON.stringify(inWorld('hold'))})) Atomics.wait(never, 0, 0, 5);
}
standStill();
setInterval(standStill, 10).unref();
`;
}

function inWorld(name: string): string {
  return join(world.folder, name);
}
