/** A file system of its own for a folder, so that it can be full while the machine's is not. */
import { execFile } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface SmallFolder {
  /** Not one byte more can be written. */
  fill(): Promise<void>;
  empty(): Promise<void>;
  /** Leaves the mount at once, and its files to whoever has them open. */
  unmount(): Promise<void>;
}

const BLOCK = Buffer.alloc(64 * 1024);

/** Needs the right to mount. @throws Error when it is not there */
export async function mountSmallFolder(folder: string): Promise<SmallFolder> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await run('mount', '-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'tmpfs', folder);
  const filler = join(folder, 'filler');
  return {
    fill: () => writeUntilFull(filler),
    empty: () => rm(filler, { force: true }),
    unmount: () => run('umount', '--lazy', folder),
  };
}

async function writeUntilFull(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (;;) await file.write(BLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    await file.close();
  }
}

async function run(program: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(program, args, { timeout: 10_000 });
}
