import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMemoryAccount } from '../../src/adapters/memory-headroom.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-memory-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** What lies where under the made-up /sys/fs/cgroup and /proc. */
async function account(files: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return createMemoryAccount({
    cgroupRoot: join(folder, 'cgroup'),
    procFolder: join(folder, 'proc'),
  });
}

const v2 = (path: string, [max, current, inactive]: readonly [string, number, number]) => ({
  [`cgroup${path}/memory.max`]: `${max}\n`,
  [`cgroup${path}/memory.current`]: `${current}\n`,
  [`cgroup${path}/memory.stat`]: `anon 5\nfile 7\ninactive_file ${inactive}\nactive_file 9\n`,
});
const v1 = (path: string, [limit, usage, inactive]: readonly [string, number, number]) => ({
  [`cgroup/memory${path}/memory.limit_in_bytes`]: `${limit}\n`,
  [`cgroup/memory${path}/memory.usage_in_bytes`]: `${usage}\n`,
  [`cgroup/memory${path}/memory.stat`]: `inactive_file 1\ntotal_inactive_file ${inactive}\n`,
});
const own = (text: string) => ({ 'proc/self/cgroup': text });
const group = (limitBytes: number, usedBytes: number, inactiveFileBytes: number) => ({
  limitBytes,
  usedBytes,
  inactiveFileBytes,
});

describe('the groups with a limit', () => {
  test('of cgroup v2 are the own one and all above it', async () => {
    const { groups } = await account({
      ...own('0::/pod/agent\n'),
      ...v2('/pod/agent', ['100', 60, 20]),
      ...v2('/pod', ['max', 70, 20]),
      ...v2('', ['90', 80, 30]),
    });
    expect(groups()).toEqual([group(100, 60, 20), group(90, 80, 30)]);
  });

  test('of cgroup v1 are the own one and all above it', async () => {
    const { groups } = await account({
      ...own('12:cpu,cpuacct:/other\n4:memory:/pod/agent\n0::/pod/agent\n'),
      ...v1('/pod/agent', ['100', 60, 20]),
      ...v1('/pod', ['9223372036854771712', 70, 20]),
      ...v1('', ['9223372036854771712', 80, 20]),
      ...v2('/pod/agent', ['50', 1, 1]),
    });
    expect(groups()).toEqual([group(100, 60, 20)]);
  });

  test('are that of the mount where a container sees a path of its host', async () => {
    const { groups } = await account({
      ...own('0::/../../kubepods/pod7\n'),
      ...v2('', ['100', 60, 20]),
    });
    expect(groups()).toEqual([group(100, 60, 20)]);
  });

  test('are that of the mount where no group can be read of', async () => {
    const { groups } = await account(v2('', ['100', 60, 20]));
    expect(groups()).toEqual([group(100, 60, 20)]);
  });

  test.each([
    ['there is no cgroup', {}],
    ['a limit is no number', v2('', ['many', 1, 1])],
    ['the use is not told', { 'cgroup/memory.max': '100\n' }],
  ])('are none where %s', async (_, files) => {
    expect((await account(files)).groups()).toEqual([]);
  });

  test('of this machine can be read', () => {
    for (const { limitBytes, usedBytes, inactiveFileBytes } of createMemoryAccount().groups()) {
      expect(limitBytes).toBeGreaterThan(0);
      expect(usedBytes).toBeGreaterThanOrEqual(inactiveFileBytes);
    }
  });
});

describe('the memory of a process', () => {
  test('is told apart by what others share', async () => {
    const { processMemory } = await account({
      'proc/7/status':
        'Name:\tenvoy\nVmRSS:\t   65400 kB\nRssAnon:\t   14112 kB\nRssFile:\t   51284 kB\nRssShmem:\t       4 kB\n',
    });
    expect(processMemory(7)).toEqual({ ownBytes: 14116 * 1024, fileBytes: 51284 * 1024 });
  });

  test('is unknown when it is gone or a kernel thread', async () => {
    const { processMemory } = await account({ 'proc/7/status': 'Name:\tkthreadd\n' });
    expect(processMemory(7)).toBeUndefined();
    expect(processMemory(8)).toBeUndefined();
  });

  test('of this one is more than nothing', () => {
    const found = createMemoryAccount().processMemory(process.pid);
    expect(found?.ownBytes).toBeGreaterThan(0);
    expect(found?.fileBytes).toBeGreaterThan(0);
  });
});

describe('the kernel’s kills for want of memory', () => {
  test('are those of the own group', async () => {
    const { killCount } = await account({
      ...own('0::/pod/agent\n'),
      'cgroup/pod/agent/memory.events': 'oom 3\noom_kill 2\noom_group_kill 0\n',
      'cgroup/pod/memory.events': 'oom_kill 9\n',
    });
    expect(killCount()).toBe(2);
  });

  test('are told by another file in cgroup v1', async () => {
    const { killCount } = await account({
      ...own('4:memory:/\n'),
      'cgroup/memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 5\n',
    });
    expect(killCount()).toBe(5);
  });

  test('are none where nobody counts', async () => {
    expect((await account({})).killCount()).toBe(0);
  });
});
