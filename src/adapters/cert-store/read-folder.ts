/**
 * Reads a certificate folder whole: through one resolved directory, so that a Kubernetes `..data`
 * swap can't mix two sets, and again until two readings in a row agree. Nothing but small regular
 * files is ever opened; a FIFO, a device or a gigabyte can neither hang nor fill the agent.
 */
import type { Stats } from 'node:fs';
import { constants, type FileHandle, open, opendir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isPassedOver } from '../../core/certificate-facts.ts';
import { isCertificateName } from '../../core/certificate-pairs.ts';

export interface FolderReading {
  /** As it was asked for. */
  readonly folder: string;
  /** Sorted by name. */
  readonly files: readonly FileReading[];
  readonly trouble?: FolderTrouble;
}

export interface FolderTrouble {
  readonly kind: 'absent' | 'unreadable' | 'refused';
  readonly reason: string;
}

export type FileReading =
  | { readonly kind: 'read'; readonly name: string; readonly bytes: Buffer }
  | {
      readonly kind: 'refused' | 'unreadable';
      readonly name: string;
      readonly size: number;
      readonly reason: string;
    };

const maxFileBytes = 1_048_576;
const maxFolderBytes = 8 * maxFileBytes;
const maxFileCount = 256;
/** Hidden files and leftovers included: where to stop counting. */
const maxEntryCount = 4_096;
const maxReadings = 5;

/** Never throws: whatever is wrong with the folder is part of what was read. */
export async function readFolder(folder: string): Promise<FolderReading> {
  let last = await readOnce(folder);
  for (let count = 1; count < maxReadings; count += 1) {
    const next = await readOnce(folder);
    if (isSameReading(last, next)) return next;
    last = next;
  }
  return trouble(folder, 'unreadable', 'it kept changing while it was read');
}

async function readOnce(folder: string): Promise<FolderReading> {
  try {
    const directory = await resolveFolder(folder);
    const names = await listNames(directory);
    if (names === undefined) {
      return trouble(folder, 'refused', `more than ${maxFileCount} files are in it`);
    }
    return { folder, files: await readFiles(directory, names) };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return trouble(folder, 'absent', 'it is not there');
    if (code === 'ENOTDIR') return trouble(folder, 'refused', 'it is not a folder');
    return trouble(folder, 'unreadable', reasonOf(error));
  }
}

/** A Kubernetes volume keeps its files in the directory that its `..data` link leads to. */
async function resolveFolder(folder: string): Promise<string> {
  const directory = await realpath(folder);
  try {
    return await realpath(join(directory, '..data'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return directory;
    throw error;
  }
}

async function listNames(directory: string): Promise<readonly string[] | undefined> {
  const names: string[] = [];
  let entryCount = 0;
  for await (const entry of await opendir(directory)) {
    entryCount += 1;
    if (!isPassedOver(entry.name)) names.push(entry.name);
    if (names.length > maxFileCount || entryCount > maxEntryCount) return undefined;
  }
  return names.sort();
}

async function readFiles(directory: string, names: readonly string[]): Promise<FileReading[]> {
  const readings: FileReading[] = [];
  let leftBytes = maxFolderBytes;
  for (const name of names) {
    const reading = await readFile(join(directory, name), name, leftBytes);
    if (reading === undefined) continue;
    if (reading.kind === 'read') leftBytes -= reading.bytes.length;
    readings.push(reading);
  }
  return readings;
}

/** Undefined for a folder within the folder, which is no part of the set. */
async function readFile(
  path: string,
  name: string,
  leftBytes: number,
): Promise<FileReading | undefined> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory() && !isCertificateName(name) && !name.endsWith('.key')) return undefined;
    const refusal = refusalOf(stats, leftBytes);
    if (refusal !== undefined) {
      return { kind: 'refused', name, size: stats.size, reason: refusal };
    }
    const bytes = await readRegularFile(path, stats.size);
    if (bytes !== undefined) return { kind: 'read', name, bytes };
    return { kind: 'unreadable', name, size: 0, reason: 'it changed while it was read' };
  } catch (error) {
    return { kind: 'unreadable', name, size: 0, reason: reasonOf(error) };
  }
}

function refusalOf(stats: Stats, leftBytes: number): string | undefined {
  if (stats.isFIFO()) return 'it is a FIFO';
  if (stats.isSocket()) return 'it is a socket';
  if (stats.isDirectory()) return 'it is a folder';
  if (!stats.isFile()) return 'it is a device';
  if (stats.size > maxFileBytes) return 'it is larger than 1 MiB';
  return stats.size > leftBytes ? 'the files of the folder are larger than 8 MiB' : undefined;
}

/** Undefined when it is another file, or longer, than a moment before. */
async function readRegularFile(path: string, size: number): Promise<Buffer | undefined> {
  // What was put in its place since must not block the opening.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  const handle = await open(path, flags);
  try {
    return (await handle.stat()).isFile() ? await readUpTo(handle, size) : undefined;
  } finally {
    await handle.close();
  }
}

async function readUpTo(handle: FileHandle, size: number): Promise<Buffer | undefined> {
  const buffer = Buffer.alloc(size + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
  }
  return undefined;
}

function isSameReading(a: FolderReading, b: FolderReading): boolean {
  if (a.trouble?.reason !== b.trouble?.reason || a.files.length !== b.files.length) return false;
  return a.files.every((file, index) => {
    const other = b.files[index];
    if (other === undefined || file.name !== other.name) return false;
    if (file.kind === 'read') return other.kind === 'read' && file.bytes.equals(other.bytes);
    return other.kind !== 'read' && file.reason === other.reason;
  });
}

function trouble(folder: string, kind: FolderTrouble['kind'], reason: string): FolderReading {
  return { folder, files: [], trouble: { kind, reason } };
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there (or it is a link that leads nowhere)',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'its links go round in a circle',
};

function reasonOf(error: unknown): string {
  const code = codeOf(error) ?? 'unknown error';
  return reasons[code] ?? `it can't be read (${code})`;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
