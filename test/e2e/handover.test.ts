import { readFile, rename, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { envoyBinary } from '../support/envoy-binary.ts';
import { hasSharedMemory } from '../support/envoys-of.ts';
import { createFakeEnvoy } from '../support/fake-envoy.ts';

const ENDED = { msg: 'handover ended' };

let world: World;

afterEach(() => world.close());

describe('a handover of the running Envoy', () => {
  test('is hot and loses nothing, whoever asked for it', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent();
    const load = world.startLoad();

    await world.writeBootstrap({ servedBy: 'second' });
    const changed = await agent.untilRecord({ launch: 'L2', ...ENDED });
    await agent.untilServesAlone(1);
    agent.signal('SIGHUP');
    const signalled = await agent.untilRecord({ launch: 'L3', ...ENDED });
    await agent.untilServesAlone(2);
    const asked = await agent.baton('restart');
    await agent.untilServesAlone(3);

    const hot = { mode: 'hot', result: 'committed', attemptCount: 0 };
    expect(changed).toMatchObject({ triggers: ['bootstrap'], ...hot });
    expect(signalled).toMatchObject({ triggers: ['signal'], ...hot });
    expect(asked).toMatchObject({
      code: 0,
      stdout: 'committed (handover H4, mode hot, launch L4)\n',
    });
    expect((await world.ask()).servedBy).toBe('second');
    expect(agent.records({ msg: 'Envoy ended', outcome: 'exited with code 0' })).toHaveLength(3);
    expect(agent.records({ msg: 'signal sent' })).toEqual([]);
    expect(agent.records({ msg: 'Envoy ended unexpectedly' })).toEqual([]);
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('goes to another version of Envoy and back when its binary changes', async () => {
    world = await openWorld();
    const binary = join(world.folder, 'envoy');
    await leadTo(binary, envoyBinary('1.36.4'));
    const agent = await world.startReadyAgent({ BATON_ENVOY_BINARY: binary });
    const load = world.startLoad();

    await leadTo(binary, envoyBinary('1.40.0'));
    await agent.untilRecord({ launch: 'L2', triggers: ['binary'], mode: 'hot', ...ENDED });
    await agent.untilServesAlone(1);
    const upgraded = await agent.baton('request', 'GET', '/server_info');
    await leadTo(binary, envoyBinary('1.36.4'));
    await agent.untilRecord({ launch: 'L3', triggers: ['binary'], mode: 'hot', ...ENDED });
    await agent.untilServesAlone(2);
    const downgraded = await agent.baton('request', 'GET', '/server_info');

    expect(upgraded.output).toContain('/1.40.0/');
    expect(downgraded.output).toContain('/1.36.4/');
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('happens at most once more after a hundred signals, and never are there three', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent();

    for (let count = 0; count < 100; count += 1) agent.signal('SIGHUP');
    await agent.untilRecord({ launch: 'L2', ...ENDED });
    await agent.until('quiet', async () => {
      const { launches, handover } = await agent.status();
      return launches.length === 1 && handover === undefined;
    });

    expect(agent.records(ENDED).length).toBeLessThanOrEqual(3);
    expect(mostAlive(agent)).toBe(2);
  });

  test('waits until the one before it is over, and then serves what came last', async () => {
    const fake = createFakeEnvoy();
    onTestFinished(() => fake.remove());
    world = await openWorld({ binary: fake.binary });
    const agent = await world.startReadyAgent();
    const change = async (servedBy: string) => {
      const before = (await agent.status()).desired?.bootstrap;
      await world.writeBootstrap({ servedBy });
      await agent.until(servedBy, async () => (await agent.status()).desired?.bootstrap !== before);
    };

    fake.hold('retirement');
    await change('second');
    await agent.untilRecord({ launch: 'L2', ...ENDED });
    await change('third');
    await change('fourth');
    fake.letGo('retirement');
    await agent.untilRecord({ launch: 'L3', ...ENDED });
    await agent.untilServesAlone(2);

    const given = await readFile(join(world.runDirectory, 'envoy-rev2.json'), 'utf8');
    expect(given).toContain('fourth');
    expect(agent.records(ENDED)).toHaveLength(3);
    expect(mostAlive(agent)).toBe(2);
    expect(fake.violations()).toEqual([]);
  });

  test('does not begin when files are touched or written anew with the same content', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent();

    await utimes(world.bootstrapPath, new Date(), new Date());
    await world.writeBootstrap();
    // Between two looks that tell of themselves the same content is read again.
    await writeFile(world.bootstrapPath, '{');
    await agent.untilRecord({ msg: 'held at its last good state' });
    await world.writeBootstrap();
    await agent.untilRecord({ msg: 'whole again' });

    expect(agent.records(ENDED)).toHaveLength(1);
    expect(agent.records({ msg: 'Envoy started' })).toHaveLength(1);
  });
});

describe('a handover in another mode', () => {
  test('is cold when asked for: the old one is gone before the new one starts', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent();

    const asked = await agent.baton('restart', '--mode', 'cold');

    expect(asked).toMatchObject({
      code: 0,
      stdout: 'committed (handover H2, mode cold, launch L2)\n',
    });
    expect(mostAlive(agent)).toBe(1);
    expect((await agent.untilServesAlone(0)).tokens).toMatchObject({ left: 10 });
    expect((await world.ask()).status).toBe(200);
  });

  test('is cold when the settings say so', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent({ BATON_HANDOVER: 'cold' });

    await world.writeBootstrap({ servedBy: 'second' });
    const ended = await agent.untilRecord({ launch: 'L2', ...ENDED });

    expect(ended).toMatchObject({ mode: 'cold', result: 'committed' });
    expect(mostAlive(agent)).toBe(1);
    expect((await world.ask()).servedBy).toBe('second');
  });

  test('is side by side when asked for: another lineage takes over and nothing is lost', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent();
    const [old] = world.envoys();
    // A connection in the old one's accept queue may be lost by design: none is opened unasked.
    const load = world.startLoad({ newConnectionShare: 0 });

    const asked = await agent.baton('restart', '--mode', 'side-by-side');
    await agent.untilServesAlone(0);
    const [young, ...others] = world.envoys();

    expect(asked).toMatchObject({
      code: 0,
      stdout: 'committed (handover H2, mode side-by-side, launch L2)\n',
    });
    expect(await load.stop()).toMatchObject({ lost: 0 });
    expect(others).toEqual([]);
    expect(young?.baseId).not.toBe(old?.baseId);
    expect(hasSharedMemory(old?.baseId ?? -1)).toBe(false);
    expect(hasSharedMemory(young?.baseId ?? -1)).toBe(true);
  });

  test('is hot again after one that was side by side', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent();

    await agent.baton('restart', '--mode', 'side-by-side');
    await agent.untilServesAlone(0);
    const asked = await agent.baton('restart');
    await agent.untilServesAlone(1);

    expect(asked.stdout).toBe('committed (handover H3, mode hot, launch L3)\n');
  });
});

/** The most Envoys that were alive at once, by the log. */
function mostAlive(agent: RunningAgent): number {
  let alive = 0;
  let most = 0;
  for (const { msg } of agent.records()) {
    if (msg === 'Envoy started') alive += 1;
    if (msg === 'Envoy ended' || msg === 'Envoy ended unexpectedly') alive -= 1;
    most = Math.max(most, alive);
  }
  return most;
}

async function leadTo(link: string, target: string): Promise<void> {
  await symlink(target, `${link}.new`);
  await rename(`${link}.new`, link);
}
