import { readFileSync } from 'node:fs';
import { chown, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { sharedMemoryPathOf } from '../support/envoys-of.ts';
import { createFakeEnvoy } from '../support/fake-envoy.ts';
import { sharedMemoryBytes } from '../support/shared-memory.ts';

const ENDED = { msg: 'handover ended' };
const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;
/**
 * New connections are lost by design where the kernel does not move them from a queue that closes:
 * there none is opened unasked.
 */
const migrates = readFileSync('/proc/sys/net/ipv4/tcp_migrate_req', 'utf8').trim() === '1';
const LOAD = migrates ? {} : { newConnectionShare: 0 };

let world: World;

afterEach(() => world.close());

/** Asks for a change and waits for its end, and that one Envoy is left. */
async function change(agent: RunningAgent, launch: string, servedBy: string) {
  await world.writeBootstrap({ servedBy });
  const ended = await agent.untilRecord({ launch, ...ENDED });
  await agent.untilServesAlone(0);
  expect((await world.ask()).servedBy).toBe(servedBy);
  return ended;
}

describe('side by side', () => {
  test('is a mode of its own, again and again, and loses nothing', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent({ BATON_HANDOVER: 'side-by-side' });
    const load = world.startLoad(LOAD);

    const first = await change(agent, 'L2', 'second');
    const second = await change(agent, 'L3', 'third');

    expect([first, second]).toMatchObject([
      { mode: 'side-by-side', result: 'committed', attemptCount: 0 },
      { mode: 'side-by-side', result: 'committed', attemptCount: 0 },
    ]);
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('is what is left when hot restart is switched off', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent({ BATON_ENVOY_ARGS: '--disable-hot-restart' });
    const load = world.startLoad(LOAD);

    const ended = await change(agent, 'L2', 'second');
    const asked = await agent.baton('restart', '--mode', 'hot');

    expect(ended).toMatchObject({ mode: 'side-by-side', result: 'committed' });
    expect(ended['modeReason']).toContain('--disable-hot-restart');
    expect(asked).toMatchObject({ code: 1, output: expect.stringContaining('switched off') });
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('is what is left when someone holds the names of the next epoch', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent();
    const name = `envoy_domain_socket_child_${baseId() * 10 + 1}`;
    await holdName(name);
    const load = world.startLoad(LOAD);

    const ended = await change(agent, 'L2', 'second');

    expect(ended).toMatchObject({ mode: 'side-by-side', result: 'committed', attemptCount: 0 });
    expect(ended['modeReason']).toContain(`@${name}`);
    expect(agent.records({ msg: 'Envoy ended unexpectedly' })).toEqual([]);
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test.each<[string, (path: string) => Promise<unknown>, RegExp]>([
    [
      'of another version',
      (path) => replaceBytes(path, sharedMemoryBytes({ version: 12n })),
      /version is 12/,
    ],
    [
      'of another size',
      (path) => replaceBytes(path, sharedMemoryBytes({ size: 120 })),
      /120 bytes/,
    ],
    ['gone', (path) => rm(path), /ENOENT/],
    // Who may not give a file away puts something else in its place.
    [
      "someone else's",
      (path) => chown(path, 65_534, 65_534).catch(() => replaceBytes(path, Buffer.from('?'))),
      /belongs to uid|bytes long/,
    ],
  ])('is what is left when the shared memory is %s', async (_, tamper, reason) => {
    world = await openWorld();
    const agent = await world.startReadyAgent();
    await tamper(sharedMemoryPathOf(baseId()));
    const load = world.startLoad(LOAD);

    const ended = await change(agent, 'L2', 'second');
    const after = await agent.baton('restart');

    expect(ended).toMatchObject({ mode: 'side-by-side', result: 'committed', attemptCount: 0 });
    expect(ended['modeReason']).toMatch(reason);
    expect(agent.records({ msg: 'handover not hot' })).toHaveLength(1);
    expect(after.stdout).toBe('committed (handover H3, mode hot, launch L3)\n');
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('is what is left when the new binary speaks another hot restart version', async () => {
    const fake = createFakeEnvoy();
    onTestFinished(() => fake.remove());
    world = await openWorld({ binary: fake.binary });
    const agent = await world.startReadyAgent();

    fake.direct({ hotRestartVersion: '11.120' });
    fake.replaceBinary();
    const ended = await agent.untilRecord({ launch: 'L2', ...ENDED });
    await agent.untilServesAlone(0);

    expect(ended).toMatchObject({ mode: 'side-by-side', triggers: ['binary'], attemptCount: 0 });
    expect(ended['modeReason']).toContain('another hot restart version');
    expect(fake.violations()).toEqual([]);
  });
});

describe('the kernel’s moving of connections', () => {
  test('is switched on before the first handover side by side, and told once', async () => {
    world = await openWorld();
    const agent = world.startAgent({ BATON_TCP_MIGRATION: 'auto' }, inNamespaces('--net'));
    await agent.untilReady();
    expect(agent.records({ msg: 'tcp_migrate_req' })).toEqual([]);

    await agent.baton('restart', '--mode', 'side-by-side');
    await agent.untilServesAlone(0);
    await agent.baton('restart', '--mode', 'side-by-side');

    expect(agent.records({ msg: 'tcp_migrate_req' })).toMatchObject([
      { level: 'info', state: 'set' },
    ]);
  });
});

describe('without hot restart', () => {
  test('a missing /dev/shm keeps nothing from starting', async () => {
    world = await openWorld();
    const hidden = 'mount -t tmpfs -o ro none /dev/shm';
    const agent = world.startAgent(
      { BATON_ENVOY_ARGS: '--disable-hot-restart' },
      inNamespaces('--mount', hidden),
    );
    await agent.untilReady();

    expect((await world.ask()).servedBy).toBe('first');
  });

  test('is the way out that is told where hot restart cannot have its memory', async () => {
    world = await openWorld();
    const hidden = 'mount -t tmpfs -o ro none /dev/shm';
    const agent = world.startAgent({ BATON_RESTART_TOKENS: '0' }, inNamespaces('--mount', hidden));

    expect(await agent.ended).toMatchObject({ code: 255 });
    expect(agent.stdout()).toMatch(/Cannot reserve a base id: EROFS.*--disable-hot-restart/);
  });
});

function baseId(): number {
  const [serving] = world.envoys();
  if (serving === undefined) throw new Error('No Envoy is running.');
  return serving.baseId;
}

/** A new file at the same path, as another process would make it: the old one stays mapped. */
async function replaceBytes(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(`${path}.new`, bytes, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** As Envoy holds one: padded to the full length of an address. */
async function holdName(name: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`\0${name}`.padEnd(108, '\0'), resolve));
  onTestFinished(() => void server.close());
}

/** The agent in namespaces of its own, where it is root. */
function inNamespaces(kind: '--net' | '--mount', prepare = 'ip link set lo up') {
  const program = `${prepare} && exec "$@"`;
  const inside = ['sh', '-c', program, 'sh', process.execPath, PROGRAM, 'run'];
  return ['unshare', '--map-root-user', kind, ...inside] as const;
}
