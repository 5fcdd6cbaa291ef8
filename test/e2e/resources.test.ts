import { rmSync, writeFileSync } from 'node:fs';
import { chmod, chown, mkdir, readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { commandAsNobody, commandWithoutInotify, limit, NOBODY_ID } from '../support/limits.ts';
import { commandWithoutSharedMemory, commandWithTmpfs, seenBy } from '../support/mounts.ts';

const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;
const STOPPED = { code: 0, signal: null };
const ENDED = { msg: 'handover ended' };
const CRASHED = { msg: 'Envoy ended unexpectedly' };

let world: World;

afterEach(() => world.close());

async function expectCleanStop(agent: RunningAgent): Promise<void> {
  agent.signal('SIGTERM');
  expect(await agent.ended).toEqual(STOPPED);
  expect(agent.records({ msg: 'bug' })).toEqual([]);
  expect(await world.leftOvers()).toEqual([]);
}

test.each(['instances', 'watches'] as const)(
  'without inotify %s changes are found by looking again, and the log says so',
  async (what) => {
    world = await openWorld({ settings: { BATON_CERT_POLL_INTERVAL: '1s' } });
    const agent = world.startAgent({}, commandWithoutInotify(what));
    await agent.untilReady();
    const told = await agent.untilRecord({ msg: 'cannot watch' });

    await world.writeBootstrap({ servedBy: 'second' });
    await agent.untilRecord({ result: 'committed', ...ENDED }, 2);
    await world.writeBootstrap({ servedBy: 'third' });
    await agent.untilRecord({ result: 'committed', ...ENDED }, 3);
    await agent.until('the third', async () => (await world.ask()).servedBy === 'third');

    expect(told).toMatchObject({ level: 'warn', reason: expect.stringContaining('inotify') });
    const reasons = agent.records({ msg: 'cannot watch' }).map(({ reason }) => reason);
    expect(new Set(reasons).size).toBe(reasons.length);
    await expectCleanStop(agent);
  },
);

describe('an agent without a descriptor left', () => {
  /** Those it has stay; of new ones there are only so many. @returns what ends the shortage */
  async function useUp({ pid }: RunningAgent, leftCount = 0): Promise<() => Promise<void>> {
    const used = new Set((await readdir(`/proc/${pid}/fd`)).map(Number));
    let end = 0;
    for (let free = leftCount; free > 0 || used.has(end); end += 1) if (!used.has(end)) free -= 1;
    return limit(pid, 'nofile', end);
  }

  test('serves on, and makes the handover when there are some again', async () => {
    const settings = { BATON_RESTART_BACKOFF: '50ms', BATON_CERT_POLL_INTERVAL: '1s' };
    world = await openWorld({ settings });
    const agent = await world.startReadyAgent();
    const [serving] = world.envoys();
    const load = world.startLoad();

    const giveBack = await useUp(agent);
    await world.writeBootstrap({ servedBy: 'second' });
    agent.signal('SIGHUP');
    await agent.untilRecord({ msg: 'next start scheduled' }, 2);
    const meanwhile = world.envoys();
    await giveBack();
    await agent.untilRecord({ result: 'committed', ...ENDED }, 2);

    expect(meanwhile.map(({ pid }) => pid)).toEqual([serving?.pid]);
    await agent.until('the second', async () => (await world.ask()).servedBy === 'second');
    expect(await load.stop()).toMatchObject({ lost: 0 });
    await expectCleanStop(agent);
  });

  test('turns probes away while idle connections hold them, and answers once those are over', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent();
    const sockets: Socket[] = [];
    try {
      const giveBack = await useUp(agent, 5);
      for (let count = 0; count < 20; count += 1) {
        sockets.push(connect(world.statusPort, '127.0.0.1').on('error', () => {}));
      }
      await agent.until('a probe', () =>
        world.ask('/healthz/ready', world.statusPort).then(({ status }) => status === 200),
      );
      await giveBack();
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    await expectCleanStop(agent);
  });
});

describe('an agent that may start no process', () => {
  async function startReadyAsNobody(): Promise<RunningAgent> {
    world = await openWorld({ settings: { BATON_RESTART_BACKOFF: '50ms' } });
    await chmod(world.folder, 0o755);
    await mkdir(world.runDirectory);
    await chown(world.runDirectory, NOBODY_ID, NOBODY_ID);
    const agent = world.startAgent({}, commandAsNobody());
    await agent.untilReady();
    return agent;
  }

  test('says so after a crash, and starts Envoy when it may', async () => {
    const agent = await startReadyAsNobody();

    const giveBack = await limit(agent.pid, 'nproc', 1);
    for (const { pid } of world.envoys()) process.kill(pid, 'SIGKILL');
    const failed = await agent.untilRecord({
      outcome: 'could not be started (EAGAIN)',
      ...CRASHED,
    });
    await giveBack();
    await agent.untilReady();

    expect(failed['lastLines']).toEqual([expect.stringMatching(/processes or threads.*pids\.max/)]);
    expect(JSON.stringify(agent.records(CRASHED))).not.toMatch(/memory|temporarily unavailable/);
    expect((await world.ask()).status).toBe(200);
    await expectCleanStop(agent);
  });

  test('serves on at a change, and makes the handover when it may', async () => {
    const agent = await startReadyAsNobody();
    const [serving] = world.envoys();

    const giveBack = await limit(agent.pid, 'nproc', 1);
    await world.writeBootstrap({ servedBy: 'second' });
    const failed = await agent.untilRecord({ msg: 'checks failed' }, 2);
    const meanwhile = world.envoys();
    await giveBack();
    await agent.untilRecord({ result: 'committed', ...ENDED }, 2);

    expect(failed['problems']).toEqual([expect.stringMatching(/processes or threads.*EAGAIN/)]);
    expect(meanwhile.map(({ pid }) => pid)).toEqual([serving?.pid]);
    await agent.until('the second', async () => (await world.ask()).servedBy === 'second');
    await expectCleanStop(agent);
  });
});

describe('standard output and standard error', () => {
  test.each(['>&-', '2>&-', '<&- >&- 2>&-'])(
    'closed at the start (%s) change nothing',
    async (how) => {
      world = await openWorld();
      const closing = `exec "$0" "$@" ${how}`;
      const command = ['/bin/sh', '-c', closing, process.execPath, PROGRAM, 'run'] as const;
      const agent = world.startAgent({}, [...command]);
      await agent.untilReady();

      const asked = await agent.baton('restart');

      expect(asked.code).toBe(0);
      expect((await world.ask()).status).toBe(200);
      await expectCleanStop(agent);
    },
  );

  test.each([
    ['run', { BATON_HANDOVER: 'sideways' }, 78],
    ['status', {}, 69],
  ])('without a reader change no exit code of baton %s', async (word, settings, code) => {
    world = await openWorld({ settings });
    const { child, ended } = world.startAgent({}, [process.execPath, PROGRAM, word]);
    child.stdout?.destroy();
    child.stderr?.destroy();

    expect(await ended).toEqual({ code, signal: null });
  });
});

describe('shared memory', () => {
  test('that fills up costs a second lineage, and neither the service nor the next try', async () => {
    world = await openWorld({
      settings: { BATON_RESTART_TOKENS: '1', BATON_RESTART_BACKOFF: '20ms' },
    });
    const agent = world.startAgent({}, commandWithTmpfs('/dev/shm', 'size=64k'));
    await agent.untilReady();
    const [serving] = world.envoys();
    const filler = seenBy(agent.pid, '/dev/shm/filler');
    expect(() => writeFileSync(filler, Buffer.alloc(128 * 1024))).toThrow(/ENOSPC/);

    const refused = await agent.baton('restart', '--mode', 'side-by-side');
    const meanwhile = world.envoys();
    const hot = await agent.baton('restart', '--mode', 'hot');
    rmSync(filler);
    await agent.untilServesAlone(1);
    const done = await agent.baton('restart', '--mode', 'side-by-side');

    expect(refused.code).not.toBe(0);
    expect(refused.output).toMatch(/ENOSPC.*\/dev\/shm/);
    expect(meanwhile.map(({ pid }) => pid)).toEqual([serving?.pid]);
    expect({ hot: hot.code, done: done.code }).toEqual({ hot: 0, done: 0 });
    await expectCleanStop(agent);
  });

  test.each([
    ['that is full', () => commandWithTmpfs('/dev/shm', 'size=4k'), /ENOSPC.*\/dev\/shm/],
    ['that is read-only', () => commandWithTmpfs('/dev/shm', 'ro'), /EROFS.*\/dev\/shm/],
    ['that is missing', commandWithoutSharedMemory, /ENOENT.*\/dev\/shm/],
  ])('%s is named as what keeps Envoy from starting', async (_, command, says) => {
    world = await openWorld({
      settings: { BATON_RESTART_TOKENS: '1', BATON_RESTART_BACKOFF: '20ms' },
    });
    const agent = world.startAgent({}, command());

    expect(await agent.ended).toEqual({ code: 255, signal: null });
    expect(agent.records(CRASHED)[0]?.['lastLines']).toEqual([expect.stringMatching(says)]);
    expect(await world.leftOvers()).toEqual([]);
  });
});
