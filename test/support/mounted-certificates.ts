/** Certificate folders that are mounts, among mounts of an agent's own. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;
const run = promisify(execFile);

type Command = readonly [string, ...string[]];

/** For an agent with mounts that nobody else sees. */
export function commandAmongOwnMounts(): Command {
  return ['unshare', '--mount', process.execPath, PROGRAM, 'run'];
}

/** Puts a new and empty memory file system over the folder, as the process sees it. */
export function mountOver(pid: number, folder: string): Promise<unknown> {
  return among(pid, 'mount', '-t', 'tmpfs', 'tmpfs', folder);
}

/** Takes it away again, though something may have it open. */
export function unmount(pid: number, folder: string): Promise<unknown> {
  return among(pid, 'umount', '--lazy', folder);
}

function among(pid: number, ...words: Command): Promise<unknown> {
  return run('nsenter', [`--target=${pid}`, '--mount', '--', ...words]);
}

/**
 * For an agent that sees the files of `origin` in `folder`, through an overlay: what is changed in
 * `origin` makes no event there. All of it lies in a memory file system at `place`.
 */
export function commandWithoutEvents(place: string): Command {
  const script = `
    mkdir -p "$0" && mount -t tmpfs -o mode=0755 tmpfs "$0" && cd "$0" &&
    mkdir origin upper work folder &&
    mount -t overlay -o lowerdir=origin,upperdir=upper,workdir=work overlay folder ||
      { echo "${NO_RIGHT}" >&2; exit 99; }
    exec "$@"`;
  return ['unshare', '--mount', '/bin/sh', '-c', script, place, process.execPath, PROGRAM, 'run'];
}

const NO_RIGHT = 'Cannot mount for this test: run it as root with CAP_SYS_ADMIN.';
