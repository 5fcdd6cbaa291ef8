/** Agents among mounts of their own, which nobody else sees and which end with them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;
const run = promisify(execFile);

type Command = readonly [string, ...string[]];

/** For an agent that sees a new tmpfs with these options in place of the folder. */
export function commandWithTmpfs(folder: string, options: string): Command {
  return among('mkdir -p "$0" && mount -t tmpfs -o "$1" tmpfs "$0" && shift', folder, options);
}

/** For one that writes its standard output into a file of that folder. */
export function commandLoggingTo(file: string, folder: string, options: string): Command {
  const [unshare, ...words] = commandWithTmpfs(folder, options);
  const program = words.splice(-3);
  return [unshare, ...words, '/bin/sh', '-c', 'exec "$@" > "$0"', file, ...program];
}

/** For an agent that finds no shared memory folder. */
export function commandWithoutSharedMemory(): Command {
  const makeDevices = 'mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9';
  return among(`mount -t tmpfs tmpfs /dev && ${makeDevices}`, '/bin/sh');
}

function among(prepare: string, ...words: readonly [string, ...string[]]): Command {
  const script = `{ ${prepare}; } || { echo "${NO_RIGHT}" >&2; exit 99; }; exec "$@"`;
  const program = [process.execPath, PROGRAM, 'run'];
  return ['unshare', '--mount', '/bin/sh', '-c', script, ...words, ...program];
}

const NO_RIGHT = 'Cannot mount for this test: run it as root with CAP_SYS_ADMIN and CAP_MKNOD.';

/** Where the rest of the machine sees what the process sees at this path. */
export function seenBy(pid: number, path: string): string {
  return `/proc/${pid}/root${path}`;
}

/** Mounts anew what the process sees at this path: `bind,ro`, `size=1m`. */
export async function remount(pid: number, folder: string, options: string): Promise<void> {
  const remounting = ['mount', '-o', `remount,${options}`, folder];
  await run('nsenter', [`--target=${pid}`, '--mount', '--', ...remounting]);
}
