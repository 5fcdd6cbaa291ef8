/** The agent's own folder: one owner, nothing readable by others, nothing ever half-written. */
import { randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { lstat, readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { AgentError } from '../core/agent-error.ts';
import { CONTROL_SOCKET } from '../core/file-names.ts';
import type { LaunchId } from '../core/model.ts';
import { filesNamedIn, secretFiles } from '../core/secret-files.ts';
import type { Cancel, Clock, NameLocks, Problem, Result, RunDirectory, Secrets } from '../ports.ts';
import { type EndedEnvoys, endEnvoys } from './run-directory/envoys.ts';
import { makePrivate } from './run-directory/folder.ts';
import { readJson, writeAtomically } from './run-directory/private-files.ts';
import { createSecretFolders } from './run-directory/secret-folders.ts';

const SETTING = 'BATON_RUN_DIR';
const LOCK_FILE = 'agent.lock';
const STATE_FILE = 'state.json';
const LAST_GOOD_FILE = 'envoy-last-good.json';
const CERTIFICATES = 'certs';
const SECRETS = 'sds';
/** What a run that was killed leaves: sockets, pipes, bootstraps, unfinished writes. */
const LEFT_OVER =
  /^(admin-.+\.sock|control\.sock|envoy-(rev|candidate).+\.json|.+\.tmp|\.pipe-\d+\.(out|err))$/;
/** And folders: what Envoy printed when it was asked something, and what names its secrets. */
const LEFT_OVER_FOLDER = /^(\.query-.+|sds)$/;

/** A unix socket's path ends at 107 bytes, and the longest here is /admin-L9999999.sock. */
const MAX_PATH_BYTES = 107 - '/admin-L9999999.sock'.length;

const NOBODY: EndedEnvoys = { found: [], killed: [], left: [] };

/** What is under way at the end, such as a validation, is not waited for any longer. */
const LAST_USE_MS = 500;

/** More than a run ever has at once; each costs the next start a look. */
const MOST_LINEAGES = 8;

/** What one run leaves for the next. */
export interface RunState {
  /** Of the lineages it had at its last launch, oldest first. */
  readonly baseIds: readonly number[];
}

export interface OpenRunDirectory extends RunDirectory {
  readonly controlSocketPath: string;
  readonly certificatesPath: string;
  /** Envoys of a run that was killed, ended before this one began. */
  readonly orphans: EndedEnvoys;
  /** @throws AgentError */
  remember(state: RunState): Promise<void>;
  /** What the last run remembered; empty when there is nothing that can be read. */
  recall(): Promise<RunState>;
  /** Does work with files of it, for which `release` waits a moment. @throws AgentError once given up */
  keep<Answer>(work: () => Promise<Answer>): Promise<Answer>;
  /**
   * Gives the directory up; another agent may own it from then on. Every Envoy started with a file
   * of it is ended, as are validations; what is only for them goes, private keys first of all, and
   * no bootstrap is written any more. Never rejects.
   */
  release(): Promise<void>;
}

export interface Opening {
  readonly version: string;
  readonly locks: NameLocks;
  readonly clock: Clock;
}

/**
 * Makes the directory ours: creates it or takes its rights back to 0700, whatever the umask, takes
 * its lock and clears away what a run that was killed has left, Envoys included. Problems: someone
 * else's folder, no folder, another agent at work in it, too long a path, a file system that can't
 * be written.
 */
export async function openRunDirectory(
  path: string,
  { version, locks, clock }: Opening,
): Promise<Result<OpenRunDirectory>> {
  const folder = resolve(path);
  const length = Buffer.byteLength(folder);
  if (length > MAX_PATH_BYTES) {
    const form = `a path of at most ${MAX_PATH_BYTES} bytes, for sockets in it to have a name`;
    return problem(`Expected ${SETTING} to be ${form}, got ${length} bytes: ${folder}.`);
  }
  let unlock: Cancel | undefined;
  try {
    const obstacle = await makePrivate(folder, isOurs);
    if (obstacle !== undefined) return problem(refusal(folder, obstacle));
    unlock = await takeLock(folder, locks);
    if (unlock === undefined) return problem(refusal(folder, await describeOwner(folder)));
    const orphans = (await wasKilledIn(folder)) ? await clearLeftOvers(folder, clock) : NOBODY;
    await writeAtomically(join(folder, LOCK_FILE), JSON.stringify({ pid: process.pid, version }));
    return { ok: true, value: { ...openedAt(folder, unlock, clock), orphans } };
  } catch (error) {
    unlock?.();
    if (!isSystemError(error)) throw error;
    return problem(refusal(folder, reasonIn(error)));
  }
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

/** Processes end first: they could still make files. */
async function clearLeftOvers(folder: string, clock: Clock): Promise<EndedEnvoys> {
  const ended = await endEnvoys(folder, clock);
  for (const entry of (await readdir(folder, { withFileTypes: true })).filter(isLeftOver)) {
    await rm(join(folder, entry.name), { recursive: entry.isDirectory(), force: true });
  }
  return ended;
}

/** To look for processes takes a while, and start-up time counts. */
async function wasKilledIn(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.some((entry) => entry.name === LOCK_FILE || isLeftOver(entry));
}

function isLeftOver(entry: Dirent): boolean {
  return (entry.isDirectory() ? LEFT_OVER_FOLDER : LEFT_OVER).test(entry.name);
}

function openedAt(folder: string, unlock: Cancel, clock: Clock): Omit<OpenRunDirectory, 'orphans'> {
  let isReleased = false;
  const inside = (name: string) => join(folder, name);
  const remove = (path: string) => rm(path, { force: true });
  const underway = createUnderway();
  const write = (name: string, text: string) => {
    const written = writeAtomically(inside(name), text).catch((error: Error) => {
      throw new AgentError('runDirectory', refusal(folder, reasonIn(error)), { cause: error });
    });
    return underway.follow(written);
  };
  const forEnvoy: ForEnvoy = async (work) => {
    if (isReleased) throw new AgentError('runDirectory', refusal(folder, 'it is given up'));
    return underway.follow(work());
  };
  const bootstrap = (epoch: number) => `envoy-rev${epoch}.json`;
  const adminSocketPath = (launch: string) => inside(`admin-${launch}.sock`);

  return {
    path: folder,
    controlSocketPath: inside(CONTROL_SOCKET),
    certificatesPath: inside(CERTIFICATES),
    writeBootstrap: (epoch, json) =>
      forEnvoy(async () => {
        await write(bootstrap(epoch), json);
        return inside(bootstrap(epoch));
      }),
    withCandidate: (json, use) =>
      forEnvoy(async () => {
        const name = `envoy-candidate-${randomUUID()}.json`;
        await write(name, json);
        return use(inside(name)).finally(() => remove(inside(name)));
      }),
    keepLastGood: (json) => write(LAST_GOOD_FILE, json),
    removeBootstrap: (epoch) => remove(inside(bootstrap(epoch))),
    adminSocketPath,
    removeAdminSocket: (launch) => remove(adminSocketPath(launch)),
    ...secretsIn(folder, forEnvoy),
    remember: (state) => write(STATE_FILE, JSON.stringify(state)),
    recall: async () => asRunState(await readJson(inside(STATE_FILE))),
    keep: forEnvoy,
    release: async () => {
      isReleased = true;
      await underway.untilOver(LAST_USE_MS, clock);
      await leaveNothing(folder, clock);
      unlock();
    },
  };
}

/** Only files of a snapshot are put in: they are small and regular, whatever the others are. */
async function filled(
  secrets: Secrets,
  version: string,
  snapshots: string,
): Promise<ReadonlyMap<string, string>> {
  const contents = new Map<string, string>();
  const named = filesNamedIn(secrets.values());
  for (const path of named.filter((one) => one.startsWith(`${snapshots}/`))) {
    const content = await readFile(path, 'base64').catch((error: NodeJS.ErrnoException) => {
      const reason = `Cannot read ${path}, which a secret names: ${error.code}.`;
      throw new AgentError('secretFile', reason, { cause: error });
    });
    contents.set(path, content);
  }
  return secretFiles(secrets, version, (path) => contents.get(path));
}

type ForEnvoy = <Answer>(work: () => Promise<Answer>) => Promise<Answer>;

function secretsIn(folder: string, forEnvoy: ForEnvoy) {
  const secrets = createSecretFolders(join(folder, SECRETS), { makePrivate, writeAtomically });
  const snapshots = join(folder, CERTIFICATES);
  return {
    secretsFolder: secrets.pathOf,
    putSecrets: (launch: LaunchId, version: string, named: Secrets) =>
      forEnvoy(async () => secrets.put(launch, version, await filled(named, version, snapshots))),
    forgetOldSecrets: secrets.forgetOthers,
    removeSecrets: secrets.remove,
  };
}

/**
 * But what lasts. The lock file goes last, and stays where an Envoy does: by it the next run knows
 * that there is someone to look for, also when this one is killed on the way. Never rejects.
 */
async function leaveNothing(folder: string, clock: Clock): Promise<void> {
  const [ended] = await Promise.allSettled([
    clearLeftOvers(folder, clock),
    rm(join(folder, CERTIFICATES), { recursive: true, force: true }),
  ]);
  if (ended.status === 'rejected' || ended.value.left.length > 0) return;
  await rm(join(folder, LOCK_FILE), { force: true }).catch(() => undefined);
}

/** Work in the folder that is not over yet. */
function createUnderway() {
  const underway = new Set<Promise<unknown>>();
  return {
    follow: async <Answer>(work: Promise<Answer>): Promise<Answer> => {
      underway.add(work);
      return work.finally(() => underway.delete(work));
    },
    untilOver: async (withinMs: number, clock: Clock): Promise<void> => {
      if (underway.size === 0) return;
      const late = new Promise<void>((resolve) => void clock.after(withinMs, resolve));
      await Promise.race([Promise.allSettled(underway), late]);
    },
  };
}

function asRunState({ baseIds }: Readonly<Record<string, unknown>>): RunState {
  const isBaseId = (one: unknown): one is number => Number.isSafeInteger(one);
  return {
    baseIds: Array.isArray(baseIds) ? baseIds.filter(isBaseId).slice(0, MOST_LINEAGES) : [],
  };
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

function isOurs(name: string): boolean {
  const isKept = [LOCK_FILE, STATE_FILE, LAST_GOOD_FILE, CERTIFICATES].includes(name);
  return isKept || LEFT_OVER.test(name) || LEFT_OVER_FOLDER.test(name);
}

function refusal(folder: string, reason: string): string {
  return `Cannot use ${folder} as ${SETTING}: ${reason}.`;
}

/** The usual ones without the name of the file, which is a temporary one: no two would be the same. */
function reasonIn({ code = '', message }: NodeJS.ErrnoException): string {
  const reason = REASONS[code];
  return reason === undefined ? message : `${reason} (${code})`;
}

const REASONS: Readonly<Record<string, string>> = {
  EDQUOT: 'its quota is used up',
  EMFILE: 'the agent has too many files open',
  ENOSPC: 'its file system is full',
  EROFS: 'its file system is read-only',
};

function problem(message: string): { ok: false; problems: readonly Problem[] } {
  return { ok: false, problems: [{ about: SETTING, message }] };
}
