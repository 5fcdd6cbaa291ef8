import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cpuCount, findEnvoy, hostName } from '../../src/adapters/surroundings.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-surroundings-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const most = availableParallelism();

describe('the number of CPUs', () => {
  const write = async (name: string, text: string) => {
    await mkdir(join(folder, 'cpu'), { recursive: true });
    await writeFile(join(folder, name), text);
  };

  test.each([
    ['50000 100000\n', 1],
    ['100000 100000\n', 1],
    ['150000 100000\n', Math.min(2, most)],
    ['99900000 100000\n', most],
    ['max 100000\n', most],
    ['', most],
    ['nonsense\n', most],
    ['-1 100000\n', most],
    ['100000 0\n', most],
  ])('is, for a cpu.max of %j, %i', async (text, count) => {
    await write('cpu.max', text);
    expect(cpuCount(folder)).toBe(count);
  });

  test.each([
    ['50000', 1],
    ['150000', Math.min(2, most)],
    ['-1', most],
  ])('is, for a quota of %s in the files of cgroup v1, %i', async (quota, count) => {
    await write('cpu/cpu.cfs_quota_us', `${quota}\n`);
    await write('cpu/cpu.cfs_period_us', '100000\n');
    expect(cpuCount(folder)).toBe(count);
  });

  test('is that of the machine where there is no cgroup', () => {
    expect(cpuCount(join(folder, 'nowhere'))).toBe(most);
    expect(cpuCount()).toBeGreaterThanOrEqual(1);
  });
});

describe('Envoy', () => {
  const put = async (place: string, mode = 0o755) => {
    await mkdir(join(folder, place), { recursive: true });
    await writeFile(join(folder, place, 'envoy'), '', { mode });
    await chmod(join(folder, place, 'envoy'), mode);
    return join(folder, place, 'envoy');
  };
  const pathOf = (...places: string[]) => places.map((place) => join(folder, place)).join(':');

  test('is the first executable file of that name on the path', async () => {
    await put('plain', 0o644);
    await mkdir(join(folder, 'folder/envoy'), { recursive: true });
    const first = await put('first');
    const second = await put('second');
    expect(findEnvoy(pathOf('nowhere', 'plain', 'folder', 'first', 'second'), [])).toBe(first);
    expect(findEnvoy(`::${pathOf('second', 'first')}`, [])).toBe(second);
  });

  test('is found through a symbolic link', async () => {
    await mkdir(join(folder, 'links'));
    await symlink(await put('first'), join(folder, 'links/envoy'));
    await mkdir(join(folder, 'broken'));
    await symlink(join(folder, 'nowhere'), join(folder, 'broken/envoy'));
    expect(findEnvoy(pathOf('broken', 'links'), [])).toBe(join(folder, 'links/envoy'));
  });

  test('is looked for in the other places last', async () => {
    const other = await put('other');
    expect(findEnvoy(pathOf('nowhere'), [join(folder, 'gone'), other])).toBe(other);
    expect(findEnvoy(undefined, [other])).toBe(other);
    expect(findEnvoy(pathOf('nowhere'), [])).toBeUndefined();
    expect(findEnvoy(undefined, [])).toBeUndefined();
  });
});

test('the host has a name', () => {
  expect(hostName()).toMatch(/./);
});
