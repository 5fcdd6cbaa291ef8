/** Base ids, the abstract socket names and the shared memory behind Envoy's hot restart. */
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, unlinkSync } from 'node:fs';
import { access, constants, type FileHandle, open, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import {
  abstractNamesIn,
  baseIdLockNameOf,
  candidateBaseIds,
  sharedMemoryNameOf,
  socketNamesOf,
} from '../core/hot-restart-names.ts';
import type { LineageId } from '../core/model.ts';
import {
  judgeSharedMemory,
  MAX_SHARED_MEMORY_BYTES,
  type MemoryVerdict,
} from '../core/shared-memory-layout.ts';
import type { Cancel, HotRestartDomain, NameLocks, Problem, Result } from '../ports.ts';

/** How many ids after a fixed one are tried for a second lineage beside it. */
const FIXED_ID_NEIGHBOURS = 64;
/** Envoy maps a file it has only truncated to size: on a full tmpfs it dies by SIGBUS. */
const FREE_BYTES_NEEDED = 16 * 1024;

export interface HotRestartDomainOptions {
  /** Whose base ids these are, the same on every start: the pod's name and the run directory. */
  readonly identity: string;
  readonly locks: NameLocks;
  /** BATON_BASE_ID. A second lineage beside the first takes one of the ids that follow. */
  readonly fixedBaseId?: number | undefined;
  /** The base id of the last run in the same run directory: memory left under it is ours. */
  readonly remembered?: number | undefined;
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
  const domain = { options, folder, uid, held };
  let lastSearch: Promise<unknown> = Promise.resolve();

  return {
    reserve(lineage) {
      const found = lastSearch
        .then(() => reserve(domain, lineage))
        .catch((error: unknown) => asProblem(folder, 'Cannot reserve a base id', error));
      lastSearch = found.catch(() => undefined);
      return found;
    },

    async repair(lineage) {
      const reservation = held.get(lineage);
      if (reservation !== undefined) return repairMemory(domain, reservation.baseId);
      return problem(lineage, `Cannot repair lineage ${lineage}: it has no base id.`);
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
  if (obstacle !== undefined) return problem(folder, `Cannot reserve a base id: ${obstacle}.`);
  for (const baseId of candidatesOf(domain)) {
    const found = await tryBaseId(domain, baseId);
    if (typeof found !== 'string') {
      held.set(lineage, found);
      return { ok: true, value: baseId };
    }
    obstacle = `${baseId} is not free: ${found}`;
  }
  return problem('BATON_BASE_ID', `Cannot reserve a base id: ${obstacle}.`);
}

function candidatesOf({ options, held }: Domain): readonly number[] {
  const { fixedBaseId, remembered } = options;
  if (fixedBaseId === undefined) {
    const derived = candidateBaseIds(seedOf(options.identity));
    return remembered === undefined ? derived : [remembered, ...derived];
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
  if (unlock === undefined) return `another agent holds it (abstract socket @${lockName})`;

  const name = heldSocketName(baseId);
  if (name === undefined) return { baseId, unlock };
  unlock();
  return `an Envoy that is not ours runs with it (abstract socket @${name})`;
}

function obstacleInMemory({ options, folder, uid }: Domain, baseId: number): string | undefined {
  const path = join(folder, sharedMemoryNameOf(baseId));
  const memory = lstatSync(path, { throwIfNoEntry: false });
  if (memory === undefined) return undefined;
  if (!memory.isFile()) return `${path} is not a regular file`;
  if (memory.uid !== uid) return `${path} belongs to uid ${memory.uid} and we are uid ${uid}`;
  const isKnown = baseId === options.fixedBaseId || baseId === options.remembered;
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

/** Which of the base id's names some Envoy of this network namespace holds. */
function heldSocketName(baseId: number): string | undefined {
  const names = abstractNamesIn(readFileSync('/proc/net/unix', 'utf8'));
  return socketNamesOf(baseId).find((name) => names.has(name));
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
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
    const repair = await repairOpened(file, uid);
    if ('outcome' in repair) return { ok: true, value: repair.outcome };
    return problem(path, `Cannot repair ${path}: ${repair.obstacle}.`);
  } catch (error) {
    return asProblem(path, `Cannot repair ${path}`, error);
  } finally {
    await file?.close();
  }
}

type Repair = { readonly outcome: 'repaired' | 'wasSound' } | { readonly obstacle: string };

async function repairOpened(file: FileHandle, uid: number): Promise<Repair> {
  const found = await file.stat();
  if (!found.isFile()) return { obstacle: 'it is not a regular file' };
  if (found.uid !== uid) return { obstacle: `it belongs to uid ${found.uid} and we are ${uid}` };
  if (found.size > MAX_SHARED_MEMORY_BYTES) return { obstacle: `it is ${found.size} bytes long` };

  const verdict = await judge(file, found.size);
  if (verdict.kind === 'unknown') return { obstacle: verdict.reason };
  if (verdict.kind === 'sound') return { outcome: 'wasSound' };

  await file.write(Buffer.alloc(8), 0, 8, verdict.flagsOffset);
  const after = await judge(file, found.size);
  return after.kind === 'sound'
    ? { outcome: 'repaired' }
    : { obstacle: 'another process is initializing with it' };
}

async function judge(file: FileHandle, size: number): Promise<MemoryVerdict> {
  const { buffer } = await file.read(Buffer.alloc(size), 0, size, 0);
  return judgeSharedMemory(buffer);
}

function problem(about: string, message: string): { ok: false; problems: readonly Problem[] } {
  return { ok: false, problems: [{ about, message }] };
}

/** What the system refused is the user's to mend; anything else is a bug and thrown on. */
function asProblem(about: string, attempt: string, error: unknown) {
  if (error instanceof Error && 'syscall' in error) {
    return problem(about, `${attempt}: ${error.message}.`);
  }
  throw error;
}
