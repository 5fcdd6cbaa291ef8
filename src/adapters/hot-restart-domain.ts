/** Base ids, the abstract socket names and the shared memory behind Envoy's hot restart. */
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, unlinkSync } from 'node:fs';
import { access, constants, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import {
  abstractNamesIn,
  baseIdLockNameOf,
  candidateBaseIds,
  sharedMemoryNameOf,
  socketNamesOf,
} from '../core/hot-restart-names.ts';
import type { LineageId } from '../core/model.ts';
import type { Cancel, HotRestartDomain, Joining, NameLocks, Problem, Result } from '../ports.ts';
import { repairMemoryFile, strangenessOfMemoryFile } from './hot-restart-domain/memory-file.ts';

/** How many ids after a fixed one are tried for a second lineage beside it. */
const FIXED_ID_NEIGHBOURS = 64;
/** Envoy maps a file it has only truncated to size: on a full tmpfs it dies by SIGBUS. */
const FREE_BYTES_NEEDED = 16 * 1024;
const RESERVING = 'Cannot reserve a base id';
const OTHER_ID = 'Set BATON_BASE_ID to another number, or to auto.';
/** Envoy names its sockets after the epoch modulo this. */
const SLOT_COUNT = 3;

export interface HotRestartDomainOptions {
  /** Whose base ids these are, the same on every start: the pod's name and the run directory. */
  readonly identity: string;
  readonly locks: NameLocks;
  /** BATON_BASE_ID. A second lineage beside the first takes one of the ids that follow. */
  readonly fixedBaseId?: number | undefined;
  /**
   * The base ids of the last run in the same run directory: memory left under them is ours, and
   * removed where it is not used again. @default none
   */
  readonly remembered?: readonly number[];
  /** @default '/dev/shm' */
  readonly sharedMemoryFolder?: string;
  /** Whose memory is ours. @default the user this process runs as */
  readonly uid?: number;
}

interface Reservation {
  readonly baseId: number;
  readonly unlock: Cancel;
}

interface Domain {
  readonly options: HotRestartDomainOptions;
  readonly folder: string;
  readonly uid: number;
  readonly held: Map<LineageId, Reservation>;
  /** Those of the last run that nobody has looked after yet. */
  readonly left: Set<number>;
}

/**
 * A base id counts as free when its lock can be taken, no Envoy holds one of its names and there is
 * no shared memory under it. Names and lock belong to the network namespace, memory to the mount of
 * /dev/shm: left-over memory may thus be in use next door. So it is taken over only where the base
 * id is known to be ours, fixed or remembered; an Envoy at epoch 0 replaces it.
 */
export function createHotRestartDomain(options: HotRestartDomainOptions): HotRestartDomain {
  const { sharedMemoryFolder: folder = '/dev/shm', uid = process.geteuid?.() ?? 0 } = options;
  const held = new Map<LineageId, Reservation>();
  const domain = { options, folder, uid, held, left: new Set(options.remembered) };
  let lastSearch: Promise<unknown> = Promise.resolve();

  return {
    reserve(lineage) {
      const found = lastSearch
        .then(() => reserve(domain, lineage))
        .catch((error: unknown) => folderProblem(domain, systemReason(error)));
      lastSearch = found.catch(() => undefined);
      return found;
    },

    async repair(lineage) {
      const reservation = held.get(lineage);
      if (reservation !== undefined) return repairMemory(domain, reservation.baseId);
      return problem(lineage, `Cannot repair lineage ${lineage}: it has no base id.`);
    },

    async obstacleToJoin(lineage, joining) {
      const reservation = held.get(lineage);
      return reservation === undefined
        ? `lineage ${lineage} has no base id`
        : obstacleToJoin(domain, reservation.baseId, joining);
    },

    release(lineage) {
      const reservation = held.get(lineage);
      if (reservation === undefined) return;
      held.delete(lineage);
      removeMemory(domain, reservation.baseId);
      reservation.unlock();
    },
  };
}

async function reserve(domain: Domain, lineage: LineageId): Promise<Result<number>> {
  const { folder, held } = domain;
  const known = held.get(lineage);
  if (known !== undefined) return { ok: true, value: known.baseId };

  let obstacle = await obstacleInFolder(folder);
  if (obstacle !== undefined) return folderProblem(domain, obstacle);
  for (const baseId of candidatesOf(domain)) {
    const found = await tryBaseId(domain, baseId);
    if (typeof found !== 'string') {
      held.set(lineage, found);
      await clearAwayLeft(domain, baseId);
      return { ok: true, value: baseId };
    }
    obstacle = `${baseId} is not free: ${found}`;
  }
  return problem('BATON_BASE_ID', `${RESERVING}: ${obstacle}. ${OTHER_ID}`);
}

/** What a run that was killed has left of its other lineages would lie there for ever. */
async function clearAwayLeft(domain: Domain, used: number): Promise<void> {
  const unused = [...domain.left].filter((baseId) => baseId !== used);
  domain.left.clear();
  for (const baseId of unused) {
    const found = await tryBaseId(domain, baseId);
    if (typeof found === 'string') continue;
    removeMemory(domain, baseId);
    found.unlock();
  }
}

/** Where the folder can't be mended Envoy can do without it. */
function folderProblem({ folder, uid }: Domain, reason: string) {
  const remedy = `Mount a tmpfs on ${folder} that uid ${uid} may write to, or set BATON_ENVOY_ARGS=--disable-hot-restart.`;
  return problem(folder, `${RESERVING}: ${reason}. ${remedy}`);
}

function candidatesOf({ options, held }: Domain): readonly number[] {
  const { fixedBaseId, remembered = [] } = options;
  if (fixedBaseId === undefined) {
    return [...remembered, ...candidateBaseIds(seedOf(options.identity))];
  }
  const isOurs = [...held.values()].some(({ baseId }) => baseId === fixedBaseId);
  if (!isOurs) return [fixedBaseId];
  return Array.from({ length: FIXED_ID_NEIGHBOURS }, (_, index) => fixedBaseId + index + 1);
}

/** Resolves to what stands in the way when the base id is not free. */
async function tryBaseId(domain: Domain, baseId: number): Promise<Reservation | string> {
  const obstacle = obstacleInMemory(domain, baseId);
  if (obstacle !== undefined) return obstacle;
  const lockName = baseIdLockNameOf(baseId);
  const unlock = await domain.options.locks.take(lockName);
  if (unlock === undefined)
    return `another agent holds it (EADDRINUSE, abstract socket @${lockName})`;

  const name = heldSocketName(baseId);
  if (name === undefined) return { baseId, unlock };
  unlock();
  return `an Envoy that is not ours runs with it (EADDRINUSE, abstract socket @${name})`;
}

function obstacleInMemory({ options, folder, uid }: Domain, baseId: number): string | undefined {
  const path = join(folder, sharedMemoryNameOf(baseId));
  const memory = lstatSync(path, { throwIfNoEntry: false });
  if (memory === undefined) return undefined;
  if (!memory.isFile()) return `${path} is not a regular file`;
  if (memory.uid !== uid)
    return `${path} belongs to uid ${memory.uid} and we are uid ${uid} (EACCES)`;
  const isKnown = baseId === options.fixedBaseId || options.remembered?.includes(baseId);
  return isKnown ? undefined : `${path} was left behind or is in use elsewhere`;
}

function removeMemory({ folder, uid }: Domain, baseId: number): void {
  try {
    const path = join(folder, sharedMemoryNameOf(baseId));
    if (lstatSync(path).uid === uid && heldSocketName(baseId) === undefined) unlinkSync(path);
  } catch {
    // Nothing was there, or it stays: 104 bytes that an Envoy at epoch 0 replaces.
  }
}

function seedOf(identity: string): number {
  return createHash('sha256').update(identity).digest().readUInt32BE();
}

/** Which of the base id's names, or of those of one epoch, are held in this network namespace. */
function heldSocketName(baseId: number, epoch?: number): string | undefined {
  const names = abstractNamesIn(readFileSync('/proc/net/unix', 'utf8'));
  const slot = epoch === undefined ? '' : `_${baseId * 10 + (epoch % SLOT_COUNT)}`;
  return socketNamesOf(baseId).find((name) => name.endsWith(slot) && names.has(name));
}

async function obstacleInFolder(folder: string): Promise<string | undefined> {
  await access(`${folder}/.`, constants.W_OK | constants.X_OK);
  const { blocks, bavail, bsize, files, ffree } = await statfs(folder);
  const freeBytes = bavail * bsize;
  // A tmpfs without a limit says that it has no blocks and no files at all.
  if (blocks > 0 && freeBytes < FREE_BYTES_NEEDED) {
    return `ENOSPC: ${freeBytes} bytes are free in ${folder}, ${FREE_BYTES_NEEDED} are needed`;
  }
  return files > 0 && ffree === 0 ? `ENOSPC: no inode is free in ${folder}` : undefined;
}

async function repairMemory(
  { folder, uid }: Domain,
  baseId: number,
): Promise<Result<'repaired' | 'wasSound'>> {
  const path = join(folder, sharedMemoryNameOf(baseId));
  try {
    const repair = await repairMemoryFile(path, uid);
    if ('outcome' in repair) return { ok: true, value: repair.outcome };
    return problem(path, `Cannot repair ${path}: ${repair.obstacle}.`);
  } catch (error) {
    return problem(path, `Cannot repair ${path}: ${systemReason(error)}.`);
  }
}

async function obstacleToJoin(
  { folder, uid }: Domain,
  baseId: number,
  { epoch, hotRestartVersion }: Joining,
): Promise<string | undefined> {
  const path = join(folder, sharedMemoryNameOf(baseId));
  try {
    const held = heldSocketName(baseId, epoch);
    if (held !== undefined) return `someone holds the name of the next one (@${held})`;
    const strange = await strangenessOfMemoryFile(path, uid, hotRestartVersion);
    return strange === undefined
      ? undefined
      : `its shared memory ${path} is not its own: ${strange}`;
  } catch (error) {
    return `its shared memory can't be used: ${error instanceof Error ? error.message : error}`;
  }
}

function problem(about: string, message: string): { ok: false; problems: readonly Problem[] } {
  return { ok: false, problems: [{ about, message }] };
}

/** What the system refused is the user's to mend; anything else is a bug and thrown on. */
function systemReason(error: unknown): string {
  if (error instanceof Error && 'syscall' in error) return error.message;
  throw error;
}
