/** The mounts that this process sees, by proc_pid_mountinfo(5). */
import { open } from 'node:fs/promises';

export interface Mount {
  /** Where it is mounted, as this process names it. */
  readonly point: string;
  /** What of its file system is mounted there; `/` for all of it. */
  readonly root: string;
  /** The root was removed, or replaced by a rename, since it was mounted. */
  readonly isRootRemoved: boolean;
  readonly isReadOnly: boolean;
  /** `ext4`, `tmpfs`, ... */
  readonly fileSystem: string;
}

/** A container has some thirty mounts of 150 bytes; the rest of a longer table is left out. */
const MAX_TABLE_BYTES = 1_048_576;
const PIECE_BYTES = 16_384;

/** Never rejects: no table is one without mounts. */
export async function readMounts(path: string): Promise<readonly Mount[]> {
  const text = await readUpTo(path, MAX_TABLE_BYTES).catch(() => '');
  // The last piece is empty, or a line that was cut off.
  const lines = text.split('\n').slice(0, -1);
  return lines.map(parseMount).filter((mount) => mount !== undefined);
}

/** The mount that an absolute path without links lies on; of several at one point the last is seen. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  return mounts
    .filter(({ point }) => path === point || path.startsWith(point === '/' ? '/' : `${point}/`))
    .reduce<Mount | undefined>(
      (best, mount) => (mount.point.length >= (best?.point.length ?? 0) ? mount : best),
      undefined,
    );
}

/** The kernel hands a table out in pieces and says nothing of its length beforehand. */
async function readUpTo(path: string, maxBytes: number): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const pieces: Buffer[] = [];
    for (let length = 0; length < maxBytes; ) {
      const piece = Buffer.alloc(Math.min(PIECE_BYTES, maxBytes - length));
      const { bytesRead } = await handle.read(piece, 0, piece.length);
      if (bytesRead === 0) break;
      pieces.push(piece.subarray(0, bytesRead));
      length += bytesRead;
    }
    return Buffer.concat(pieces).toString('utf8');
  } finally {
    await handle.close();
  }
}

const REMOVED = '//deleted';

/** `36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw,errors=continue` */
function parseMount(line: string): Mount | undefined {
  const [own = '', ofFileSystem = ''] = line.split(' - ');
  const [, , , rawRoot, rawPoint, options = ''] = own.split(' ');
  const [fileSystem, , superOptions = ''] = ofFileSystem.split(' ');
  if (!rawRoot || !rawPoint || !fileSystem) return undefined;
  const root = unescaped(rawRoot);
  return {
    point: unescaped(rawPoint),
    root: root.endsWith(REMOVED) ? root.slice(0, -REMOVED.length) : root,
    isRootRemoved: root.endsWith(REMOVED),
    isReadOnly: [options, superOptions].some((list) => list.split(',').includes('ro')),
    fileSystem,
  };
}

/** Space, tab, line end and backslash are written as three octal digits. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8)));
}
