/** Agents short of something that the kernel counts. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;
const NOBODY = 65_534;
const run = promisify(execFile);

type Command = readonly [string, ...string[]];

const program = [process.execPath, PROGRAM, 'run'] as const;

/** Of the user with few rights: root may start any number of processes. */
export const NOBODY_ID = NOBODY;

/** For an agent of that user. */
export function commandAsNobody(): Command {
  return asNobody(...program);
}

/** For an agent that can't have any of these of inotify, in a user namespace of its own. */
export function commandWithoutInotify(what: 'instances' | 'watches'): Command {
  const limit = `/proc/sys/user/max_inotify_${what}`;
  const script = `echo 0 > ${limit} || { echo "${NO_RIGHT}" >&2; exit 99; }; exec "$0" "$@"`;
  return ['unshare', '--user', '--map-root-user', '/bin/sh', '-c', script, ...program];
}

const NO_RIGHT = 'Cannot limit inotify for this test: it needs a user namespace of its own.';

const LIMITS = { nofile: 'Max open files', nproc: 'Max processes' } as const;

/** Lowers the limit of a running agent. @returns what gives it back */
export async function limit(
  pid: number,
  name: keyof typeof LIMITS,
  soft: number,
): Promise<() => Promise<void>> {
  const limits = await readFile(`/proc/${pid}/limits`, 'utf8');
  const before = new RegExp(`^${LIMITS[name]} +(\\w+)`, 'm').exec(limits)?.[1];
  const set = async (value: number | string) => {
    // It takes no right when it is done by the same user.
    const isRoots = /^Uid:\t0\t/m.test(await readFile(`/proc/${pid}/status`, 'utf8'));
    const words = ['prlimit', `--pid=${pid}`, `--${name}=${value}:`] as const;
    const [file, ...args] = isRoots ? words : asNobody(...words);
    await run(file, args);
  };
  await set(soft);
  return () => set(before ?? 'unlimited');
}

function asNobody(...words: Command): Command {
  return ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...words];
}
