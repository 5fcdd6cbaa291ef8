import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy } from '../support/fake-envoy.ts';

const ENDED = { msg: 'handover ended' };
const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;
const MB = 1024 * 1024;

let world: World;

afterEach(() => world.close());

/** With so much memory in use and in all, as the files say that the agent finds its cgroup in. */
async function startLimited(policy: string, limit: { readonly usedMb: number }) {
  world = await openWorld();
  await writeCgroup(limit);
  const agent = world.startAgent({ BATON_MEMORY_POLICY: policy }, withCgroupsIn(cgroups()));
  await agent.untilReady();
  return agent;
}

const cgroups = () => join(world.folder, 'cgroups');

/** For both versions of cgroups: which one the agent looks for depends on the machine. */
async function writeCgroup({ usedMb }: { readonly usedMb: number }): Promise<void> {
  const [limit, used, inactive] = [100 * MB, usedMb * MB, 10 * MB];
  await mkdir(join(cgroups(), 'memory'), { recursive: true });
  const files = {
    'memory.max': limit,
    'memory.current': used,
    'memory.stat': `inactive_file ${inactive}`,
    'memory/memory.limit_in_bytes': limit,
    'memory/memory.usage_in_bytes': used,
    'memory/memory.stat': `total_inactive_file ${inactive}`,
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(cgroups(), name), `${content}\n`);
  }
}

/** The agent in a mount namespace of its own, where these are its cgroups. */
function withCgroupsIn(folder: string) {
  const program = `mount --bind '${folder}' /sys/fs/cgroup && exec "$@"`;
  const inside = ['sh', '-c', program, 'sh', process.execPath, PROGRAM, 'run'];
  return ['unshare', '--map-root-user', '--mount', ...inside] as const;
}

async function change(agent: RunningAgent) {
  await world.writeBootstrap({ servedBy: 'second' });
  const ended = await agent.untilRecord({ launch: 'L2', ...ENDED });
  await agent.until('the second alone', async () => (await agent.status()).launches.length === 1);
  expect((await world.ask()).servedBy).toBe('second');
  return ended;
}

describe('a handover that memory is too small for', () => {
  test('is warned of and made all the same', async () => {
    const agent = await startLimited('warn', { usedMb: 100 });
    const load = world.startLoad();

    const ended = await change(agent);
    const [warning] = agent.records({ msg: 'memory is short' });

    expect(ended).toMatchObject({ mode: 'hot', result: 'committed' });
    expect(warning).toMatchObject({ level: 'warn', freeBytes: 10 * MB });
    expect(Number(warning?.['neededBytes'])).toBeGreaterThan(10 * MB);
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('waits until there is room, and the old one serves on', async () => {
    const agent = await startLimited('wait', { usedMb: 100 });
    const load = world.startLoad();

    await world.writeBootstrap({ servedBy: 'second' });
    await agent.untilRecord({ msg: 'handover waits' });
    const { ready, launches, handover } = await agent.status();
    await writeCgroup({ usedMb: 40 });
    agent.signal('SIGHUP');
    const ended = await agent.untilRecord({ launch: 'L2', ...ENDED });

    expect({ ready, launches: launches.length, step: handover?.step }).toEqual({
      ready: true,
      launches: 1,
      step: 'headroom',
    });
    expect(ended).toMatchObject({ mode: 'hot', result: 'committed' });
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('is made cold when there are never to be two', async () => {
    const agent = await startLimited('side-step', { usedMb: 100 });

    const ended = await change(agent);

    expect(ended).toMatchObject({ mode: 'cold', result: 'committed' });
    expect(ended['modeReason']).toContain('memory is too small');
  });
});

test.each(['warn', 'wait', 'side-step'])(
  'a handover that memory suffices for is hot under the policy %s',
  async (policy) => {
    const agent = await startLimited(policy, { usedMb: 70 });

    expect(await change(agent)).toMatchObject({ mode: 'hot', result: 'committed' });
    expect(agent.records({ msg: 'memory is short' })).toEqual([]);
  },
);

test('a new Envoy is the first that the kernel would kill for memory, until it serves', async () => {
  const fake = createFakeEnvoy();
  onTestFinished(() => fake.remove());
  world = await openWorld({ binary: fake.binary });
  const agent = await world.startReadyAgent();
  const scoreOf = (pid: unknown) => readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim();

  fake.hold('initialization');
  agent.signal('SIGHUP');
  const { pid } = await agent.untilRecord({ msg: 'Envoy started', launch: 'L2' });
  await agent.until('the first to be killed', () => scoreOf(pid) === '1000');
  fake.letGo('initialization');
  await agent.untilRecord({ msg: 'Envoy live', launch: 'L2' });
  await agent.until('one like the agent', () => scoreOf(pid) === scoreOf(agent.pid));

  expect(fake.violations()).toEqual([]);
});
