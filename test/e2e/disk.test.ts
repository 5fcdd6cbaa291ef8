import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World, type WorldOptions } from '../support/e2e-world.ts';
import { commandLoggingTo, commandWithTmpfs, remount, seenBy } from '../support/mounts.ts';
import { createServiceCertificates, servedSerial } from '../support/service-certificates.ts';

const STOPPED = { code: 0, signal: null };
const ENDED = { msg: 'handover ended' };
/** Nobody but the new one accepts any more; what the agent answers can't be asked from here. */
const OLD_ONE_GONE = { msg: 'Envoy ended', launch: 'L1' };
const ROOM = 'size=256k';

let world: World;

afterEach(() => world.close());

/** With a disk of its own under the run directory. */
async function startOnDisk(options: string, worldOptions: WorldOptions = {}) {
  const settings = { BATON_RESTART_BACKOFF: '50ms', ...worldOptions.settings };
  world = await openWorld({ ...worldOptions, settings });
  return world.startAgent({}, commandWithTmpfs(world.runDirectory, options));
}

async function startReadyOnDisk(options?: WorldOptions): Promise<RunningAgent> {
  const agent = await startOnDisk(ROOM, options);
  await agent.untilRecord(ENDED);
  // The last of its writes: what is open for writing can't be made read-only.
  const lastGood = join(world.runDirectory, 'envoy-last-good.json');
  await agent.until('the last good bootstrap', () => existsSync(seenBy(agent.pid, lastGood)));
  world.envoys();
  return agent;
}

/** Leaves no byte free. @returns what makes room again */
function fillDisk({ pid }: RunningAgent, folder = world.runDirectory): () => void {
  const path = join(seenBy(pid, folder), 'filler');
  expect(() => writeFileSync(path, Buffer.alloc(1024 * 1024))).toThrow(/ENOSPC/);
  return () => rmSync(path);
}

async function expectCleanStop(agent: RunningAgent): Promise<void> {
  agent.signal('SIGTERM');
  expect(await agent.ended).toEqual(STOPPED);
  expect(agent.records({ msg: 'bug' })).toEqual([]);
  expect(await world.leftOvers()).toEqual([]);
}

describe('a disk that is full', () => {
  test('at a handover costs nothing but time: the change is served once there is room', async () => {
    const agent = await startReadyOnDisk();
    const load = world.startLoad();
    const [serving] = world.envoys();
    const makeRoom = fillDisk(agent);

    await world.writeBootstrap({ servedBy: 'second' });
    const failed = await agent.untilRecord({ msg: 'checks failed' }, 2);
    const [meanwhile, ...others] = world.envoys();
    makeRoom();
    const ended = await agent.untilRecord(ENDED, 2);
    await agent.untilRecord(OLD_ONE_GONE);

    expect(failed['problems']).toEqual([
      `Cannot use ${world.runDirectory} as BATON_RUN_DIR: its file system is full (ENOSPC).`,
    ]);
    expect({ pid: meanwhile?.pid, others }).toEqual({ pid: serving?.pid, others: [] });
    expect(ended).toMatchObject({ result: 'committed', mode: 'hot', triggers: ['bootstrap'] });
    expect((await world.ask()).servedBy).toBe('second');
    expect(await load.stop()).toMatchObject({ lost: 0 });
    await expectCleanStop(agent);
  });

  test('when a certificate changes leaves the old one in service until there is room', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'baton-certificates-'));
    try {
      const certificates = await createServiceCertificates(join(folder, 'certs'));
      const agent = await startReadyOnDisk({
        settings: { BATON_CERT_DIRS: certificates.volume.folder, BATON_CERT_POLL_INTERVAL: '1s' },
        bootstrap: { isTls: true },
      });
      const makeRoom = fillDisk(agent);

      const serial = await certificates.rotate();
      const held = await agent.untilRecord({ msg: 'held at its last good state' });
      const meanwhile = await servedSerial(world.port);
      makeRoom();
      await agent.untilRecord(ENDED, 2);
      await agent.untilRecord(OLD_ONE_GONE);

      expect(held['problems']).toEqual([expect.stringContaining('ENOSPC')]);
      expect(meanwhile).toBe(certificates.firstSerial);
      expect(await servedSerial(world.port)).toBe(serial);
      await expectCleanStop(agent);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('under the log costs its lines alone, and they are counted', async () => {
    world = await openWorld();
    const folder = join(world.folder, 'logs');
    const log = join(folder, 'log');
    await world.writeBootstrap({ accessLogPath: '/dev/stdout' });
    const agent = world.startAgent({}, commandLoggingTo(log, folder, ROOM));
    await agent.untilReady();
    const makeRoom = fillDisk(agent, folder);

    await agent.until('dropped lines', async () => {
      await world.ask(`/${'x'.repeat(5_000)}`);
      const { body } = await world.ask('/metrics', world.statusPort);
      return Number(/^baton_envoy_lines_dropped_total (\d+)$/m.exec(body)?.[1]) > 0;
    });
    const served = await world.ask();
    makeRoom();
    const asked = await agent.baton('restart');

    expect(served.status).toBe(200);
    expect(asked.code).toBe(0);
    const written = () => readFileSync(seenBy(agent.pid, log), 'utf8');
    await agent.until('its last line', () =>
      /"result":"committed","launch":"L2".*\n/.test(written()),
    );
    await expectCleanStop(agent);
  });

  test('at the start ends the agent with code 73 when there is not even room for its lock', async () => {
    const agent = await startOnDisk('nr_inodes=1');

    expect(await agent.ended).toEqual({ code: 73, signal: null });
    expect(JSON.parse(agent.stderr())).toMatchObject({
      ...{ msg: 'agent gives up', code: 73 },
      reason: `Cannot use ${world.runDirectory} as BATON_RUN_DIR: its file system is full (ENOSPC).`,
    });
  });

  test('at the start is waited for with tokens when there is no room for a bootstrap', async () => {
    const agent = await startOnDisk('size=4k');
    const failed = await agent.untilRecord({ msg: 'Envoy ended unexpectedly' }, 2);

    await remount(agent.pid, world.runDirectory, ROOM);
    await agent.untilRecord({ msg: 'Envoy live' });

    expect(failed['lastLines']).toEqual([expect.stringContaining('is full (ENOSPC)')]);
    expect((await world.ask()).status).toBe(200);
    await expectCleanStop(agent);
  });
});

describe('a run directory that is read-only', () => {
  test('ends the agent with code 73 in one line', async () => {
    const agent = await startOnDisk('ro');

    expect(await agent.ended).toEqual({ code: 73, signal: null });
    expect(JSON.parse(agent.stderr())).toMatchObject({
      ...{ msg: 'agent gives up', code: 73 },
      reason: `Cannot use ${world.runDirectory} as BATON_RUN_DIR: its file system is read-only (EROFS).`,
    });
  });

  test('from some moment on holds changes back, and neither the service nor the stop', async () => {
    const agent = await startReadyOnDisk();
    await remount(agent.pid, world.runDirectory, 'bind,ro');

    await world.writeBootstrap({ servedBy: 'second' });
    await agent.untilRecord({ msg: 'checks failed' });
    const served = await world.ask();
    const probed = await world.ask('/healthz/ready', world.statusPort);
    agent.signal('SIGTERM');

    expect(served).toMatchObject({ status: 200, servedBy: 'first' });
    expect(probed.status).toBe(200);
    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.records({ msg: 'bug' })).toEqual([]);
  });

  test('and is writable again has the change served that was held back', async () => {
    const agent = await startReadyOnDisk();
    await remount(agent.pid, world.runDirectory, 'bind,ro');
    await world.writeBootstrap({ servedBy: 'second' });
    await agent.untilRecord({ msg: 'checks failed' });

    await remount(agent.pid, world.runDirectory, 'bind,rw');
    await agent.untilRecord({ result: 'committed', ...ENDED }, 2);
    await agent.untilRecord(OLD_ONE_GONE);

    expect((await world.ask()).servedBy).toBe('second');
    await expectCleanStop(agent);
  });
});
