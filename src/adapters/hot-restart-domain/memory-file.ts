/** A lineage's shared memory as the file it is. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import {
  judgeSharedMemory,
  MAX_SHARED_MEMORY_BYTES,
  type MemoryVerdict,
} from '../../core/shared-memory-layout.ts';

export type Repair =
  | { readonly outcome: 'repaired' | 'wasSound' }
  /** Reads on after "Cannot repair FILE: ". */
  | { readonly obstacle: string };

/** Clears the INITIALIZING bit where size, version and owner are right. @throws the system's error */
export async function repairMemoryFile(path: string, uid: number): Promise<Repair> {
  return withFile(path, constants.O_RDWR, async (file) => {
    const found = await judge(file, uid);
    if (found.kind === 'unknown') return { obstacle: found.reason };
    if (found.kind === 'sound') return { outcome: 'wasSound' };
    await file.write(Buffer.alloc(8), 0, 8, found.flagsOffset);
    const after = await judge(file, uid);
    return after.kind === 'sound'
      ? { outcome: 'repaired' }
      : { obstacle: 'another process is initializing with it' };
  });
}

/**
 * Why a binary of this hot restart version could not use it, in words that follow its name;
 * undefined when it could, or could after a repair. The version ends with the memory's size.
 *
 * @throws the system's error
 */
export async function strangenessOfMemoryFile(
  path: string,
  uid: number,
  hotRestartVersion: string,
): Promise<string | undefined> {
  return withFile(path, constants.O_RDONLY, async (file) => {
    const found = await judge(file, uid);
    if (found.kind === 'unknown') return found.reason;
    const { size } = await file.stat();
    const isOfSize = hotRestartVersion.endsWith(`.${size}`);
    return isOfSize
      ? undefined
      : `it is ${size} bytes long and not of version ${hotRestartVersion}`;
  });
}

async function withFile<Answer>(
  path: string,
  access: number,
  use: (file: FileHandle) => Promise<Answer>,
): Promise<Answer> {
  const file = await open(path, access | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function judge(file: FileHandle, uid: number): Promise<MemoryVerdict> {
  const found = await file.stat();
  if (!found.isFile()) return unknown('it is not a regular file');
  if (found.uid !== uid) return unknown(`it belongs to uid ${found.uid} and we are ${uid}`);
  if (found.size > MAX_SHARED_MEMORY_BYTES) return unknown(`it is ${found.size} bytes long`);
  const { buffer } = await file.read(Buffer.alloc(found.size), 0, found.size, 0);
  return judgeSharedMemory(buffer);
}

function unknown(reason: string): MemoryVerdict {
  return { kind: 'unknown', reason };
}
