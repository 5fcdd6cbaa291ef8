import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createCertificateStore } from '../../src/adapters/cert-store.ts';
import { readCertificateSurroundings } from '../../src/adapters/certificate-surroundings.ts';
import { createKubernetesVolume } from '../support/kubernetes-volume.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const keyPem = `${privateKey.export({ type: 'pkcs8', format: 'pem' })}`;
const STRANGER = 54_321;
const MEMORY = ['-t', 'tmpfs', '-o', 'size=1m,mode=0755', 'tmpfs'];

let parent: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'baton surroundings-'));
  await chmod(parent, 0o755);
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
});

/** A new folder with these files, which everyone may enter. */
async function folderWith(name: string, files: Readonly<Record<string, string>> = {}) {
  const folder = join(parent, name);
  await mkdir(folder, { mode: 0o755 });
  for (const [file, text] of Object.entries(files)) await put(join(folder, file), text);
  return folder;
}

async function put(path: string, text: string, mode = 0o600): Promise<string> {
  await writeFile(path, text, { mode });
  await chmod(path, mode);
  return path;
}

/** For as long as the test takes. Needs the right to mount. */
async function mount(...words: readonly [string, ...string[]]): Promise<void> {
  const run = promisify(execFile);
  await run('mount', words, { timeout: 10_000 });
  const point = words.at(-1) ?? '';
  onTestFinished(async () => void (await run('umount', ['--lazy', point], { timeout: 10_000 })));
}

async function bind(from: string, to: string, options = 'bind'): Promise<void> {
  await mount('--bind', from, to);
  if (options !== 'bind') await promisify(execFile)('mount', ['-o', `remount,${options}`, to]);
}

async function lookAt(...folders: readonly string[]) {
  const store = createCertificateStore({ folders, snapshotRoot: join(parent, 'certs') });
  const look = await store.look();
  return readCertificateSurroundings({ folders: look.folders, runDirectory: parent });
}

const fixedIn = async (...folders: readonly string[]) => (await lookAt(...folders)).fixedMounts;

describe('a mount that never shows what comes later', () => {
  test('is none of the folder, of a volume mounted whole, and of a Kubernetes volume', async () => {
    const plain = await folderWith('plain', { 'tls.crt': 'x' });
    const memory = await folderWith('memory');
    await mount(...(MEMORY as [string]), memory);
    await put(join(memory, 'tls.crt'), 'x');
    const { folder } = await createKubernetesVolume(join(parent, 'volume'), { 'tls.crt': 'x' });
    const bound = await folderWith('bound');
    await bind(folder, bound);

    expect(await fixedIn(plain, memory, folder, bound, join(parent, 'nowhere'))).toEqual([]);
  });

  test('is one of a file in it, outdated as soon as another takes its place outside', async () => {
    const outside = await put(join(parent, 'key outside'), keyPem);
    const folder = await folderWith('folder', { 'tls.crt': 'x', 'tls \\ é.key': '' });
    await bind(outside, join(folder, 'tls \\ é.key'));

    const before = await fixedIn(folder);
    await rename(await put(join(parent, 'next'), `${keyPem}\n`), outside);

    const file = { folder, name: 'tls \\ é.key' };
    expect(before).toEqual([{ ...file, isOutdated: false }]);
    expect(await fixedIn(folder)).toEqual([{ ...file, isOutdated: true }]);
  });

  test('is one of a Kubernetes volume whose file is mounted by subPath, outdated after a swap', async () => {
    const volume = await createKubernetesVolume(join(parent, 'volume'), { 'tls.key': keyPem });
    const folder = await folderWith('folder', { 'tls.key': '', 'ca.crt': 'x' });
    await bind(join(volume.folder, 'tls.key'), join(folder, 'tls.key'));

    const before = await fixedIn(folder);
    await volume.swap({ 'tls.key': `${keyPem}\n` });

    expect(before).toEqual([{ folder, name: 'tls.key', isOutdated: false }]);
    expect(await fixedIn(folder)).toEqual([{ folder, name: 'tls.key', isOutdated: true }]);
  });

  test('is found through links to the folder and to the file', async () => {
    const elsewhere = await folderWith('elsewhere', { mounted: '' });
    await bind(await put(join(parent, 'outside'), 'x'), join(elsewhere, 'mounted'));
    const folder = await folderWith('folder');
    await symlink(join(elsewhere, 'mounted'), join(folder, 'tls.crt'));
    await symlink(folder, join(parent, 'link'));

    const link = join(parent, 'link');
    expect(await fixedIn(link)).toEqual([{ folder: link, name: 'tls.crt', isOutdated: false }]);
  });

  test('is one of the folder when it shows one state of a volume, or was removed outside', async () => {
    const volume = await createKubernetesVolume(join(parent, 'volume'), { 'tls.key': keyPem });
    const bySubPath = await folderWith('sub-path');
    await bind(join(volume.folder, '..data'), bySubPath);
    const outside = await folderWith('outside', { 'tls.key': keyPem });
    const removed = await folderWith('removed');
    await bind(outside, removed);

    const before = await fixedIn(bySubPath, removed);
    await rm(outside, { recursive: true });

    expect(before).toEqual([{ folder: bySubPath, isOutdated: false }]);
    expect(await fixedIn(bySubPath, removed)).toEqual([
      { folder: bySubPath, isOutdated: false },
      { folder: removed, isOutdated: true },
    ]);
  });

  test('is one of a file that was mounted in place of the folder', async () => {
    const file = await put(join(parent, 'as-folder'), '');
    await bind(await put(join(parent, 'outside'), keyPem), file);

    expect(await fixedIn(file)).toEqual([{ folder: file, isOutdated: false }]);
  });
});

describe('the readers of a key file', () => {
  const readersOf = async (folder: string) =>
    (await lookAt(folder)).keyFiles.map(({ readers }) => readers);

  test.each([
    ['644', 'everyone'],
    ['604', 'everyone'],
    ['640', 'group'],
    ['440', 'group'],
    ['622', 'owner'],
    ['600', 'owner'],
  ])('are, by the mode %s, %s', async (mode, readers) => {
    const folder = await folderWith('folder', { 'tls.crt': 'no key' });
    await put(join(folder, 'tls.key'), keyPem, Number.parseInt(mode, 8));

    expect(await readersOf(folder)).toEqual([readers]);
  });

  test.each([
    ['700', 'owner'],
    ['710', 'group'],
    ['701', 'everyone'],
  ])('of the mode 644 are, in a folder with the mode %s, %s', async (mode, readers) => {
    const folder = await folderWith('folder');
    await put(join(folder, 'tls.key'), keyPem, 0o644);
    await chmod(folder, Number.parseInt(mode, 8));

    expect(await readersOf(folder)).toEqual([readers]);
  });

  test('are those of the file that a link leads to', async () => {
    const hidden = await folderWith('hidden');
    await put(join(hidden, 'real.key'), keyPem, 0o644);
    await chmod(hidden, 0o700);
    const folder = await folderWith('folder');
    await symlink(join(hidden, 'real.key'), join(folder, 'tls.key'));

    expect(await readersOf(folder)).toEqual(['owner']);
  });

  test('are told with the file, its owner and its group', async () => {
    const folder = await folderWith('folder', { 'own.key': keyPem, 'strange.key': keyPem });
    await chown(join(folder, 'strange.key'), STRANGER, STRANGER);

    const file = { folder, readers: 'owner', isDelivered: false };
    expect((await lookAt(folder)).keyFiles).toEqual([
      { ...file, name: 'own.key', isOfRoot: true, isOfOwnGroup: true },
      { ...file, name: 'strange.key', isOfRoot: false, isOfOwnGroup: false },
    ]);
  });
});

describe('a key file counts as delivered to the container', () => {
  const isDeliveredIn = async (folder: string) => {
    const { keyFiles } = await lookAt(folder);
    return keyFiles.map(({ isDelivered }) => isDelivered);
  };

  test('in a Kubernetes volume', async () => {
    const { folder } = await createKubernetesVolume(join(parent, 'volume'), { 'tls.key': keyPem });

    expect(await isDeliveredIn(folder)).toEqual([true]);
  });

  test('on a read-only mount of memory, for the whole folder or for the file', async () => {
    const memory = await folderWith('memory');
    await mount(...(MEMORY as [string]), memory);
    await put(join(memory, 'tls.key'), keyPem, 0o644);
    const whole = await folderWith('whole');
    await bind(memory, whole, 'bind,ro');
    const one = await folderWith('one', { 'tls.key': '' });
    await bind(join(memory, 'tls.key'), join(one, 'tls.key'), 'bind,ro');

    expect(await isDeliveredIn(whole)).toEqual([true]);
    expect(await isDeliveredIn(one)).toEqual([true]);
    expect(await isDeliveredIn(memory)).toEqual([false]);
  });

  test('and not on a read-only mount of a disk', async () => {
    const { disk } = await mountOverlay();
    await put(join(disk, 'tls.key'), keyPem, 0o644);
    const folder = await folderWith('folder');
    await bind(disk, folder, 'bind,ro');

    expect(await isDeliveredIn(folder)).toEqual([false]);
  });
});

describe('the run directory', () => {
  const placeOf = async (runDirectory: string) =>
    (await readCertificateSurroundings({ folders: [], runDirectory })).runDirectory;

  test.each(['tmpfs', 'ramfs'])('is in memory on a %s', async (type) => {
    const folder = await folderWith('folder');
    await mount('-t', type, 'none', folder);

    expect(await placeOf(folder)).toEqual({ path: folder, isInMemory: true });
  });

  test('is on a disk in a container that mounts nothing there', async () => {
    const { disk } = await mountOverlay();

    expect(await placeOf(disk)).toEqual({ path: disk, isInMemory: false });
  });

  test('that is not there is not told of', async () => {
    expect(await placeOf(join(parent, 'nowhere'))).toBeUndefined();
  });
});

describe('the table of mounts', () => {
  const tableOf = (text: string) => put(join(parent, 'table'), text);
  const line = (root: string, point: string) =>
    `1 2 0:3 ${root} ${point} rw shared:1 - ext4 /dev/x rw\n`;

  const fixedBy = async (folder: string, table: string) => {
    const store = createCertificateStore({
      folders: [folder],
      snapshotRoot: join(parent, 'certs'),
    });
    const { folders } = await store.look();
    const question = { folders, runDirectory: parent, mountTable: await tableOf(table) };
    return (await readCertificateSurroundings(question)).fixedMounts;
  };
  const escaped = (path: string) => path.replaceAll(' ', '\\040');

  test('is believed of the mount nearest to the file, the last of several at one place', async () => {
    const folder = await folderWith('folder', { 'tls.crt': 'x' });
    const near = line('/data', escaped(folder));
    const parentOf = line('/..2026_01_02_03_04_05.1/x', escaped(dirname(folder)));
    const neighbour = line('/..2026_01_02_03_04_05.1/x', `${escaped(folder)}-not`);

    expect(await fixedBy(folder, parentOf + near + neighbour)).toEqual([]);
    expect(
      await fixedBy(folder, near + parentOf + line('/gone//deleted', escaped(folder))),
    ).toEqual([{ folder, isOutdated: true }]);
  });

  test('costs no more than a look when it is missing, no table, cut off or endless', async () => {
    const folder = await folderWith('folder', { 'tls.crt': 'x' });
    const fixed = line('/f', escaped(join(folder, 'tls.crt')));
    const isFound = async (table: string) => (await fixedBy(folder, table)).length === 1;

    expect(await isFound('nonsense\n\n - \n')).toBe(false);
    expect(await isFound(fixed.trimEnd())).toBe(false);
    expect(await isFound(`nonsense\n${fixed}`)).toBe(true);
    expect(await isFound(fixed + line('/x', '/y').repeat(50_000))).toBe(true);
    const question = { folders: [], runDirectory: parent, mountTable: '/dev/zero' };
    expect((await readCertificateSurroundings(question)).fixedMounts).toEqual([]);
    const nowhere = { ...question, mountTable: join(parent, basename(folder), 'nowhere') };
    expect((await readCertificateSurroundings(nowhere)).fixedMounts).toEqual([]);
  });
});

/** As an engine lays out a container's own files; on a machine whose temp folder is memory, too. */
async function mountOverlay() {
  const layers = await folderWith('layers');
  await mount(...(MEMORY as [string]), layers);
  for (const name of ['lower', 'upper', 'work']) await mkdir(join(layers, name));
  const disk = await folderWith('disk');
  const options = 'lowerdir=lower,upperdir=upper,workdir=work';
  await promisify(execFile)('mount', ['-t', 'overlay', '-o', options, 'overlay', disk], {
    cwd: layers,
  });
  onTestFinished(async () => void (await promisify(execFile)('umount', ['--lazy', disk])));
  return { disk };
}
