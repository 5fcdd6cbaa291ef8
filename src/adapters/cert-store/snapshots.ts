/**
 * Private copies of certificate sets: folders 0700, files 0600 whatever the umask, each complete
 * from the moment its name exists.
 */
import { randomBytes } from 'node:crypto';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface SnapshotFile {
  /** Below the snapshot's folder, without `..`. */
  readonly path: string;
  readonly bytes: Buffer;
}

const temporary = '.new-';
const discarded = '.old-';

/**
 * Makes `<root>/<digest>` hold exactly the files and returns its path; one that already does is
 * left alone. @throws Error of `node:fs`; nothing half-written is left then.
 */
export async function keepSnapshot(
  root: string,
  digest: string,
  files: readonly SnapshotFile[],
): Promise<string> {
  await makePrivateFolder(root);
  const folder = join(root, digest);
  if (await holdsExactly(folder, files)) return folder;
  const fresh = await mkdtemp(join(root, temporary));
  try {
    await fill(fresh, files);
    await putInPlace(fresh, folder);
  } catch (error) {
    await remove(fresh);
    throw error;
  }
  return folder;
}

/**
 * Removes the snapshots that are not in use and what a crashed run left unfinished; names that are
 * not its own stay. @throws Error of `node:fs`
 */
export async function pruneSnapshots(root: string, inUse: ReadonlySet<string>): Promise<void> {
  for (const name of await pathsIn(root, { recursive: false })) {
    const isLeftover = name.startsWith(temporary) || name.startsWith(discarded);
    const isUnused = /^[0-9a-f]{64}$/.test(name) && !inUse.has(name);
    if (isLeftover || isUnused) await remove(join(root, name));
  }
}

async function makePrivateFolder(path: string): Promise<void> {
  await makeFolder(path);
  const stats = await lstat(path);
  // A link that someone else put there would lead the keys elsewhere.
  if (!stats.isDirectory()) throw new Error('it is a link, not a folder');
  await chmod(path, 0o700);
}

/** One level at a time: told to make its parents too, Node calls a read-only file system ENOENT. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const isInTheWay = code === 'EEXIST' && (await lstat(path)).isFile();
    if (code === 'EEXIST' && !isInTheWay) return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await makeFolder(path);
  }
}

async function fill(folder: string, files: readonly SnapshotFile[]): Promise<void> {
  await chmod(folder, 0o700);
  for (const file of files) {
    const path = join(folder, file.path);
    if (dirname(path) !== folder) await makePrivateFolder(dirname(path));
    await writePrivateFile(path, file.bytes);
  }
  for (const path of new Set(files.map((file) => dirname(join(folder, file.path))))) {
    await flushFolder(path);
  }
}

async function writePrivateFile(path: string, bytes: Buffer): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.chmod(0o600);
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Only a damaged snapshot is ever in the way; it makes room in one step and is then removed. */
async function putInPlace(fresh: string, folder: string): Promise<void> {
  const root = dirname(folder);
  const old = join(root, `${discarded}${randomBytes(6).toString('hex')}`);
  const wasThere = await rename(folder, old).then(
    () => true,
    () => false,
  );
  await rename(fresh, folder);
  await flushFolder(root);
  if (wasThere) await remove(old);
}

async function flushFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function holdsExactly(folder: string, files: readonly SnapshotFile[]): Promise<boolean> {
  // A link would lead Envoy, and the next removal, elsewhere.
  const isFolder = await lstat(folder).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isFolder) return false;
  const expected = new Set(files.flatMap(({ path }) => [path, dirname(path)]));
  expected.delete('.');
  const paths = await pathsIn(folder);
  if (paths.length !== expected.size || !paths.every((path) => expected.has(path))) return false;
  for (const file of files) {
    if (!(await isPrivateCopy(join(folder, file.path), file.bytes))) return false;
  }
  return paths.length > 0;
}

async function isPrivateCopy(path: string, bytes: Buffer): Promise<boolean> {
  try {
    const stats = await lstat(path);
    const isPrivate = stats.isFile() && (stats.mode & 0o777) === 0o600;
    return isPrivate && stats.size === bytes.length && bytes.equals(await readFile(path));
  } catch {
    return false;
  }
}

/** Relative to the folder; none when it is not there. */
async function pathsIn(folder: string, options = { recursive: true }): Promise<string[]> {
  try {
    return await readdir(folder, options);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

const remove = (path: string) => rm(path, { recursive: true, force: true });
