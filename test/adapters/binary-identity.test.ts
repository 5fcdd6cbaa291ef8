import { chmod, copyFile, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { identifyBinary } from '../../src/adapters/binary-identity.ts';

let folder: string;
let binary: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-binary-'));
  binary = join(folder, 'envoy');
  await writeFile(binary, '#!/bin/sh\n', { mode: 0o755 });
  await chmod(binary, 0o755);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function identity(path = binary) {
  const identified = await identifyBinary(path);
  if (!identified.ok) throw new Error(identified.problems[0]?.message);
  return identified.value;
}

describe('the identity of a binary', () => {
  test('stays while nothing changes, and by whatever link it is named', async () => {
    const first = await identity();
    expect(first).toEqual({ path: binary, digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    await symlink(binary, join(folder, 'link'));
    await symlink(join(folder, 'link'), join(folder, 'link-to-link'));
    expect(await identity(join(folder, 'link-to-link'))).toEqual(first);
  });

  test.each<[string, () => Promise<void>]>([
    ['is written over', () => writeFile(binary, '#!/bin/sh\nexit 1\n')],
    [
      'is replaced by an equal one',
      async () => {
        await copyFile(binary, join(folder, 'new'));
        await rename(join(folder, 'new'), binary);
      },
    ],
    ['gets another time', () => utimes(binary, 1, 1)],
  ])('changes when it %s', async (_, change) => {
    const { digest } = await identity();
    await change();
    expect((await identity()).digest).not.toBe(digest);
  });

  test('changes when its link leads elsewhere', async () => {
    await copyFile(binary, join(folder, 'other'));
    const link = join(folder, 'link');
    await symlink(binary, link);
    const { digest } = await identity(link);
    await rm(link);
    await symlink(join(folder, 'other'), link);
    expect(await identity(link)).toMatchObject({ path: join(folder, 'other') });
    expect((await identity(link)).digest).not.toBe(digest);
  });
});

describe('what is no binary', () => {
  test.each<[string, () => Promise<string>, RegExp]>([
    ['is not there', async () => join(folder, 'nowhere'), /ENOENT/],
    ['leads nowhere', () => linkTo(join(folder, 'nowhere')), /ENOENT/],
    ['leads to itself', () => linkTo(join(folder, 'link')), /ELOOP/],
    ['is a device', async () => '/dev/null', /not a file/],
    ['is below a file', async () => join(binary, 'envoy'), /ENOTDIR/],
    ['cannot be executed', () => plainFile(), /EACCES/],
    ['is a folder', async () => folder, /not a file/],
    ['has a NUL byte in its name', async () => '/bin/\0', /./],
  ])('is a problem when it %s', async (_, make, reason) => {
    const path = await make();
    const identified = await identifyBinary(path);
    expect(identified).toMatchObject({
      ok: false,
      problems: [{ about: 'BATON_ENVOY_BINARY', message: expect.stringMatching(reason) }],
    });
    if (identified.ok) return;
    expect(identified.problems[0]?.message).toMatch(
      /^Expected BATON_ENVOY_BINARY to be an executable file, got "/,
    );
  });
});

async function linkTo(target: string): Promise<string> {
  await symlink(target, join(folder, 'link'));
  return join(folder, 'link');
}

async function plainFile(): Promise<string> {
  await chmod(binary, 0o644);
  return binary;
}
