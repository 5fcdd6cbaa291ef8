/** The agent's own folder: one owner, nothing readable by others, nothing ever half-written. */
import { randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, lstatSync, type Stats } from 'node:fs';
import { lstat, mkdir, open, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { AgentError } from '../core/agent-error.ts';
import { CONTROL_SOCKET } from '../core/file-names.ts';
import type { Cancel, NameLocks, Problem, Result, RunDirectory } from '../ports.ts';
import { readJson, writeAtomically } from './run-directory/private-files.ts';

const SETTING = 'BATON_RUN_DIR';
const LOCK_FILE = 'agent.lock';
const STATE_FILE = 'state.json';
const LAST_GOOD_FILE = 'envoy-last-good.json';
/** What a run that was killed leaves: sockets, pipes, bootstraps, unfinished writes. */
const LEFT_OVER =
  /^(admin-.+\.sock|control\.sock|envoy-(rev|candidate).+\.json|.+\.tmp|\.pipe-\d+\.(out|err))$/;
/** And folders: what Envoy printed when it was asked something. */
const LEFT_OVER_FOLDER = /^\.query-.+$/;

/** A unix socket's path ends at 107 bytes, and the longest here is /admin-L9999999.sock. */
const MAX_PATH_BYTES = 107 - '/admin-L9999999.sock'.length;

/** What one run leaves for the next. */
export interface RunState {
  readonly baseId?: number;
}

export interface OpenRunDirectory extends RunDirectory {
  readonly controlSocketPath: string;
  readonly certificatesPath: string;
  /** @throws AgentError */
  remember(state: RunState): Promise<void>;
  /** What the last run remembered; empty when there is nothing that can be read. */
  recall(): Promise<RunState>;
  /** Gives the directory up; another agent may own it from then on. Never rejects. */
  release(): Promise<void>;
}

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
 * Makes the directory ours: creates it or takes its rights back to 0700, whatever the umask, takes
 * its lock and clears away what a run that was killed has left. Problems: someone else's folder, no
 * folder, another agent at work in it, too long a path, a file system that can't be written.
 */
export async function openRunDirectory(
  path: string,
  { version, locks }: { readonly version: string; readonly locks: NameLocks },
): Promise<Result<OpenRunDirectory>> {
  const folder = resolve(path);
  const length = Buffer.byteLength(folder);
  if (length > MAX_PATH_BYTES) {
    const form = `a path of at most ${MAX_PATH_BYTES} bytes, for sockets in it to have a name`;
    return problem(`Expected ${SETTING} to be ${form}, got ${length} bytes: ${folder}.`);
  }
  let unlock: Cancel | undefined;
  try {
    const obstacle = await makePrivate(folder);
    if (obstacle !== undefined) return problem(refusal(folder, obstacle));
    unlock = await takeLock(folder, locks);
    if (unlock === undefined) return problem(refusal(folder, await describeOwner(folder)));
    await clearLeftOvers(folder);
    await writeAtomically(join(folder, LOCK_FILE), JSON.stringify({ pid: process.pid, version }));
    return { ok: true, value: openedAt(folder, unlock) };
  } catch (error) {
    unlock?.();
    if (!isSystemError(error)) throw error;
    return problem(refusal(folder, error.message));
  }
}

/** Resolves to what stands in the way. Checked and changed through one handle: no race, no link. */
async function makePrivate(folder: string): Promise<string | undefined> {
  await makeFolder(folder);
  const obstacle = obstacleIn(await lstat(folder));
  if (obstacle !== undefined) return obstacle;
  const handle = await open(folder, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const found = await handle.stat();
    const opened = obstacleIn(found) ?? (isPrivate(found) ? undefined : await strangerIn(folder));
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
async function strangerIn(folder: string): Promise<string | undefined> {
  const stranger = (await readdir(folder)).find((name) => !isOurs(name));
  if (stranger === undefined) return undefined;
  return `it is open to others and holds ${JSON.stringify(stranger)}, name a folder of its own`;
}

function isOurs(name: string): boolean {
  const isKept = [LOCK_FILE, STATE_FILE, LAST_GOOD_FILE, 'certs'].includes(name);
  return isKept || LEFT_OVER.test(name) || LEFT_OVER_FOLDER.test(name);
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

function obstacleIn(found: Stats): string | undefined {
  if (found.isSymbolicLink()) return 'it is a symbolic link, name the folder itself';
  if (!found.isDirectory()) return 'it is not a folder';
  if (found.uid === ownUid()) return undefined;
  return `it belongs to uid ${found.uid} and we are uid ${ownUid()}, name a folder inside it`;
}

/**
 * The lock sees agents of this network namespace; whoever answers on the control socket is an
 * agent, in another namespace too, with which the volume is shared.
 */
async function takeLock(folder: string, locks: NameLocks): Promise<Cancel | undefined> {
  const { dev, ino } = await lstat(folder);
  const unlock = await locks.take(`baton_run_${dev}_${ino}`);
  if (unlock === undefined || !(await isAnswering(join(folder, CONTROL_SOCKET)))) return unlock;
  unlock();
  return undefined;
}

function isAnswering(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => resolve(true));
    // A queue full of waiting connections (EAGAIN) has a living owner.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'EAGAIN'));
    socket.once('close', () => socket.destroy());
  });
}

/** For people only: neither the process id nor anything else here is acted upon. */
async function describeOwner(folder: string): Promise<string> {
  const path = join(folder, LOCK_FILE);
  const owner = await readJson(path);
  const since = await lstat(path).catch(() => undefined);
  const facts = [
    Number.isSafeInteger(owner['pid']) ? `pid ${owner['pid']}` : undefined,
    since === undefined ? undefined : `since ${since.mtime.toISOString()}`,
  ].filter((fact) => fact !== undefined);
  return `it is in use by another agent${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
}

async function clearLeftOvers(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const isFolder = entry.isDirectory();
    if (!(isFolder ? LEFT_OVER_FOLDER : LEFT_OVER).test(entry.name)) continue;
    await rm(join(folder, entry.name), { recursive: isFolder, force: true });
  }
}

function openedAt(folder: string, unlock: Cancel): OpenRunDirectory {
  const inside = (name: string) => join(folder, name);
  const write = (name: string, text: string) =>
    writeAtomically(inside(name), text).catch((error: Error) => {
      throw new AgentError('runDirectory', refusal(folder, error.message), { cause: error });
    });
  const bootstrap = (epoch: number) => `envoy-rev${epoch}.json`;
  const adminSocketPath = (launch: string) => inside(`admin-${launch}.sock`);
  const remove = (path: string) => rm(path, { force: true });

  return {
    path: folder,
    controlSocketPath: inside(CONTROL_SOCKET),
    certificatesPath: inside('certs'),
    writeBootstrap: async (epoch, json) => {
      await write(bootstrap(epoch), json);
      return inside(bootstrap(epoch));
    },
    withCandidate: async (json, use) => {
      const name = `envoy-candidate-${randomUUID()}.json`;
      await write(name, json);
      return use(inside(name)).finally(() => remove(inside(name)));
    },
    keepLastGood: (json) => write(LAST_GOOD_FILE, json),
    removeBootstrap: (epoch) => remove(inside(bootstrap(epoch))),
    adminSocketPath,
    removeAdminSocket: (launch) => remove(adminSocketPath(launch)),
    remember: (state) => write(STATE_FILE, JSON.stringify(state)),
    recall: async () => asRunState(await readJson(inside(STATE_FILE))),
    release: async () => {
      await remove(inside(LOCK_FILE)).catch(() => undefined);
      unlock();
    },
  };
}

function asRunState({ baseId }: Readonly<Record<string, unknown>>): RunState {
  return typeof baseId === 'number' && Number.isSafeInteger(baseId) ? { baseId } : {};
}

function ownUid(): number {
  return process.geteuid?.() ?? 0;
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

function refusal(folder: string, reason: string): string {
  return `Cannot use ${folder} as ${SETTING}: ${reason}.`;
}

function problem(message: string): { ok: false; problems: readonly Problem[] } {
  return { ok: false, problems: [{ about: SETTING, message }] };
}
