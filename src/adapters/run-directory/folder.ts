/** Which folder is the run directory, and how it is made a place that only its owner can enter. */
import { accessSync, constants, existsSync, lstatSync, type Stats } from 'node:fs';
import { lstat, mkdir, open, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CONTROL_SOCKET } from '../../core/file-names.ts';

export interface Surroundings {
  readonly uid: number;
  readonly temporaryFolder: string;
  /** Whether the path is, or could be made, a folder of ours. */
  readonly isUsable: (path: string) => boolean;
}

/**
 * Where the run directory is when BATON_RUN_DIR doesn't say: `/var/run/baton`; a folder in it where
 * that is a volume of someone else's, open to us; else a folder of our own under the temp folder.
 */
export function chooseRunDirectory(
  { uid, temporaryFolder, isUsable }: Surroundings = realSurroundings(),
): string {
  return CHOICES.find(isUsable) ?? join(temporaryFolder, `baton-${uid}`);
}

const CHOICES = ['/var/run/baton', '/var/run/baton/agent'] as const;

/**
 * Where an agent is to be asked when BATON_RUN_DIR doesn't say: where one has its control socket,
 * also one of another user's; else where one of ours would be.
 */
export function findRunDirectory(choices: readonly string[] = CHOICES): string {
  const inUse = choices.find((folder) => existsSync(join(folder, CONTROL_SOCKET)));
  return inUse ?? chooseRunDirectory();
}

function realSurroundings(): Surroundings {
  const uid = ownUid();
  const isUsable = (path: string) => {
    try {
      const found = lstatSync(path, { throwIfNoEntry: false });
      if (found !== undefined && obstacleIn(found) !== undefined) return false;
      accessSync(found === undefined ? dirname(path) : path, constants.W_OK | constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  return { uid, temporaryFolder: tmpdir(), isUsable };
}

/**
 * Makes the folder and its parents, or takes the rights of the one that is there back to 0700,
 * whatever the umask. Checked and changed through one handle: no race, no link.
 *
 * @param isOurs whether a name in it is one of our own: with others in it, it is left open to them
 * @returns what stands in the way, if anything does; rejects with the system's error
 */
export async function makePrivate(
  folder: string,
  isOurs: (name: string) => boolean,
): Promise<string | undefined> {
  await makeFolder(folder);
  const obstacle = obstacleIn(await lstat(folder));
  if (obstacle !== undefined) return obstacle;
  const handle = await open(folder, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const found = await handle.stat();
    const opened =
      obstacleIn(found) ?? (isPrivate(found) ? undefined : await strangerIn(folder, isOurs));
    if (opened === undefined) await handle.chmod(0o700);
    return opened;
  } finally {
    await handle.close();
  }
}

function isPrivate({ mode }: Stats): boolean {
  return (mode & 0o077) === 0;
}

/** A folder that others use too, /tmp for one, must not be closed to them. */
async function strangerIn(
  folder: string,
  isOurs: (name: string) => boolean,
): Promise<string | undefined> {
  const stranger = (await readdir(folder)).find((name) => !isOurs(name));
  if (stranger === undefined) return undefined;
  return `it is open to others and holds ${JSON.stringify(stranger)}, name a folder of its own`;
}

/** With its parents. Node 20's own `recursive` never ends under /proc (measured). */
async function makeFolder(path: string): Promise<void> {
  const make = () => mkdir(path, { mode: 0o700 });
  const failure = await make().catch((error: NodeJS.ErrnoException) => error);
  if (failure === undefined || failure.code === 'EEXIST') return;
  if (failure.code !== 'ENOENT') throw failure;
  await makeFolder(dirname(path));
  await make();
}

/** What keeps it from being a folder of ours, in words that follow its name; undefined when nothing does. */
function obstacleIn(found: Stats): string | undefined {
  if (found.isSymbolicLink()) return 'it is a symbolic link, name the folder itself';
  if (!found.isDirectory()) return 'it is not a folder';
  if (found.uid === ownUid()) return undefined;
  return `it belongs to uid ${found.uid} and we are uid ${ownUid()}, name a folder inside it`;
}

function ownUid(): number {
  return process.geteuid?.() ?? 0;
}
