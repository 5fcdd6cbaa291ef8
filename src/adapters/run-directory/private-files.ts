/** Files that only their owner reads and that are never half-written. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** No more than this is read of a file that another run has written. */
const MAX_READ_BYTES = 64 * 1024;

/**
 * Writes with 0600 whatever the umask. The file is the old one or the whole new one, also after a
 * full disk or a power cut; rejects with the system's error.
 *
 * By hand, for write-file-atomic 7.0.1 takes a short write on a full disk for a whole one (measured)
 * and hooks the process's signals.
 */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeSynced(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    // A umask may have taken rights from the owner too.
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_DIRECTORY);
  await handle.sync().finally(() => handle.close());
}

/** Empty when there is no object in the file, or no file, or too long a one. */
export async function readJson(path: string): Promise<Readonly<Record<string, unknown>>> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_READ_BYTES));
    const value: unknown = JSON.parse(buffer.toString('utf8', 0, bytesRead));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  } finally {
    await file?.close();
  }
}
