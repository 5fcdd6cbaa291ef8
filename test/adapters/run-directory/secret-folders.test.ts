import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makePrivate } from '../../../src/adapters/run-directory/folder.ts';
import { writeAtomically } from '../../../src/adapters/run-directory/private-files.ts';
import {
  createSecretFolders,
  type SecretFolders,
} from '../../../src/adapters/run-directory/secret-folders.ts';

let parent: string;
let root: string;
let folders: SecretFolders;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'baton-secret-folders-'));
  root = join(parent, 'sds');
  folders = createSecretFolders(root, { makePrivate, writeAtomically });
});

afterEach(() => rm(parent, { recursive: true }));

const files = (text: string) =>
  new Map([
    ['certificate-1.json', `${text} certificate`],
    ['authority-1.json', `${text} authority`],
  ]);
const put = (version: string, launch = 'L1') => folders.put(launch, version, files(version));
const seen = (launch = 'L1', name = 'certificate-1.json') =>
  readFile(join(root, launch, 'current', name), 'utf8');
const namesIn = async (...path: string[]) => (await readdir(join(root, ...path))).sort();
const modeOf = async (...path: string[]) => (await stat(join(root, ...path))).mode & 0o777;

describe('a version that is put', () => {
  test('is seen whole, and by nobody else, whatever the umask', async () => {
    const umask = process.umask(0);
    try {
      await put('v1');
    } finally {
      process.umask(umask);
    }

    expect(folders.pathOf('L1')).toBe(join(root, 'L1'));
    expect(await seen()).toBe('v1 certificate');
    expect(await seen('L1', 'authority-1.json')).toBe('v1 authority');
    expect(await namesIn('L1')).toEqual(['current', 'v1']);
    expect(await readlink(join(root, 'L1', 'current'))).toBe('v1');
    expect(await modeOf()).toBe(0o700);
    expect(await modeOf('L1')).toBe(0o700);
    expect(await modeOf('L1', 'v1')).toBe(0o700);
    expect(await modeOf('L1', 'v1', 'certificate-1.json')).toBe(0o600);
  });

  test('takes the place of the one before, which stays until it is forgotten', async () => {
    await put('v1');
    await put('v2');

    expect(await seen()).toBe('v2 certificate');
    expect(await namesIn('L1')).toEqual(['current', 'v1', 'v2']);
    await folders.forgetOthers('L1');
    expect(await namesIn('L1')).toEqual(['current', 'v2']);
    expect(await seen()).toBe('v2 certificate');
  });

  test('is for one launch alone', async () => {
    await put('v1');
    await put('v2', 'validate');

    expect(await seen('L1')).toBe('v1 certificate');
    expect(await seen('validate')).toBe('v2 certificate');
  });

  test('is mended where it was there already, in part or with more in it', async () => {
    await put('v1');
    await writeFile(join(root, 'L1', 'v1', 'certificate-1.json'), 'half');
    await rm(join(root, 'L1', 'v1', 'authority-1.json'));
    await writeFile(join(root, 'L1', 'v1', 'stranger.json'), '');
    await chmod(join(root, 'L1', 'v1'), 0o755);

    await put('v1');

    expect(await seen()).toBe('v1 certificate');
    expect(await namesIn('L1', 'v1')).toEqual(['authority-1.json', 'certificate-1.json']);
    expect(await modeOf('L1', 'v1')).toBe(0o700);
  });

  test('is not written again where it is whole', async () => {
    await put('v1');
    const written = await stat(join(root, 'L1', 'v1', 'certificate-1.json'));
    await put('v2');
    await put('v1');

    expect(await seen()).toBe('v1 certificate');
    const found = await stat(join(root, 'L1', 'v1', 'certificate-1.json'));
    expect([found.ino, found.mtimeMs]).toEqual([written.ino, written.mtimeMs]);
  });
});

describe('to undo', () => {
  test('leads back to what was seen before', async () => {
    await put('v1');
    const undo = await put('v2');

    await undo();

    expect(await seen()).toBe('v1 certificate');
    await folders.forgetOthers('L1');
    expect(await namesIn('L1')).toEqual(['current', 'v1']);
  });

  test('leads nowhere where nothing was seen before', async () => {
    const undo = await put('v1');

    await undo();

    expect(await namesIn('L1')).toEqual(['v1']);
    await folders.forgetOthers('L1');
    expect(await namesIn('L1')).toEqual([]);
  });

  test('does nothing once the version before is forgotten', async () => {
    await put('v1');
    const undo = await put('v2');
    await folders.forgetOthers('L1');

    await undo();

    expect(await seen()).toBe('v2 certificate');
  });

  test.each(['the first', 'a later'])(
    'does nothing for %s version of a launch that is gone',
    async (which) => {
      if (which === 'a later') await put('v1');
      const undo = await put('v2');
      await folders.remove('L1');

      await undo();

      expect(await namesIn()).toEqual([]);
    },
  );
});

describe('to remove', () => {
  test('a launch takes all it had and leaves the others', async () => {
    await put('v1');
    await put('v1', 'L2');

    await folders.remove('L1');
    await folders.remove('L3');

    expect(await namesIn()).toEqual(['L2']);
  });

  test('everything also takes what a crash has left half done', async () => {
    await put('v1');
    await symlink('v1', join(root, 'L1', '.current-half'));

    await folders.clear();
    await folders.clear();

    expect(await readdir(parent)).toEqual([]);
  });

  test('forgotten versions takes the half-made link of a crash too, and needs no launch', async () => {
    await put('v1');
    await symlink('v1', join(root, 'L1', '.current-half'));

    await folders.forgetOthers('L1');
    await folders.forgetOthers('L7');

    expect(await namesIn('L1')).toEqual(['current', 'v1']);
  });
});

describe('what cannot be written', () => {
  test('is told of, and Envoy sees what it saw before', async () => {
    await put('v1');
    const full = Object.assign(new Error("ENOSPC: no space left on device, write '/x.tmp'"), {
      code: 'ENOSPC',
    });
    const failing = createSecretFolders(root, {
      makePrivate,
      writeAtomically: () => Promise.reject(full),
    });

    await expect(failing.put('L1', 'v2', files('v2'))).rejects.toMatchObject({
      name: 'AgentError',
      code: 'runDirectory',
      message: `Cannot keep secrets in ${root}: ENOSPC: no space left on device.`,
      cause: full,
    });
    expect(await seen()).toBe('v1 certificate');
  });

  test('is told of where a link was put in the way', async () => {
    await symlink(tmpdir(), root);

    await expect(put('v1')).rejects.toMatchObject({
      code: 'runDirectory',
      message: `Cannot keep secrets in ${root}: it is a symbolic link, name the folder itself.`,
    });
  });

  test('leaves no half-made link where a folder stands in for it', async () => {
    await put('v1');
    await rm(join(root, 'L1', 'current'));
    await mkdir(join(root, 'L1', 'current'));

    await expect(put('v2')).rejects.toMatchObject({ code: 'runDirectory' });

    expect(await namesIn('L1')).toEqual(['current', 'v1', 'v2']);
  });
});
