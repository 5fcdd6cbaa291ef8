/** The Envoys of a run directory, as the kernel knows them and whoever has started them. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock } from '../../ports.ts';

const BOOTSTRAP = /^envoy-(rev\d+|candidate-.+)\.json$/;
/** For one that obeys; most have been told by the death of their agent already. */
const OBEY_MS = 1_000;
/** For the kernel; more only where one is stuck in it. */
const DIE_MS = 3_000;
const LOOK_EVERY_MS = 10;

/** Process ids, for people. */
export interface EndedEnvoys {
  readonly found: readonly number[];
  /** Those of them that did not obey and were killed. */
  readonly killed: readonly number[];
  /** Those that are there all the same. */
  readonly left: readonly number[];
}

/**
 * Ends every Envoy that was started with a bootstrap of this folder: SIGTERM, a second later SIGKILL
 * to those who are left, and done as soon as nobody is. Rejects when /proc or the folder can't be
 * read.
 *
 * Envoy asks the kernel for a SIGTERM at the death of its agent, but one that had not come to that
 * yet never gets it, and one that is stopped or stuck does not obey; each would hold its ports and,
 * by SO_REUSEPORT, its share of the connections.
 */
export async function endEnvoys(folder: string, clock: Clock): Promise<EndedEnvoys> {
  const found = envoysOf(folder);
  const gone = (pids: readonly number[], withinMs: number) =>
    untilGone(() => pids.filter((pid) => isThere(pid, folder)), withinMs, clock);

  for (const pid of found) signal(pid, 'SIGTERM', folder);
  const killed = await gone(found, OBEY_MS);
  for (const pid of killed) signal(pid, 'SIGKILL', folder);
  return { found, killed, left: await gone(killed, DIE_MS) };
}

function envoysOf(folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isEnvoyOf(pid, folder));
}

/**
 * By what it was started with, and where: the same path in another container, seen through a shared
 * process namespace, is another folder.
 */
function isEnvoyOf(pid: number, folder: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const bootstrap = wordAfter('--config-path', words) ?? '';
    if (!BOOTSTRAP.test(basename(bootstrap)) || !words.includes('--restart-epoch')) return false;
    return isOurPlace(pid) && isSame(dirname(bootstrap), folder);
  } catch {
    // It is gone, or not ours to look at.
    return false;
  }
}

function wordAfter(flag: string, words: readonly string[]): string | undefined {
  const index = words.indexOf(flag);
  return index < 0 ? undefined : words[index + 1];
}

/** The same user, and every path means the same file to it as to us. */
function isOurPlace(pid: number): boolean {
  const mountsOf = (process: number | 'self') => readlinkSync(`/proc/${process}/ns/mnt`);
  const isOurs = statSync(`/proc/${pid}`).uid === process.geteuid?.();
  return isOurs && mountsOf(pid) === mountsOf('self') && isSame(`/proc/${pid}/root/`, '/');
}

function isSame(path: string, other: string): boolean {
  const [one, two] = [statSync(path), statSync(other)];
  return one.dev === two.dev && one.ino === two.ino;
}

/** Looked at once more right before: a process id may be someone else's by now. */
function signal(pid: number, name: 'SIGTERM' | 'SIGKILL', folder: string): void {
  if (!isEnvoyOf(pid, folder)) return;
  try {
    process.kill(pid, name);
  } catch {
    // Gone meanwhile, or what we may not end; the caller sees whether it is left.
  }
}

/** Its main thread has no command line any more as soon as it is a zombie; others may outlive it. */
function isThere(pid: number, folder: string): boolean {
  if (isEnvoyOf(pid, folder)) return true;
  try {
    const isZombie = readFileSync(`/proc/${pid}/cmdline`).length === 0;
    return isZombie && readdirSync(`/proc/${pid}/task`).length > 1;
  } catch {
    return false;
  }
}

/** Resolves to those left when the time is over, at once when there is none. */
async function untilGone(
  left: () => readonly number[],
  withinMs: number,
  clock: Clock,
): Promise<readonly number[]> {
  const endMs = clock.moment().atMs + withinMs;
  let pids = left();
  while (pids.length > 0 && clock.moment().atMs < endMs) {
    await new Promise<void>((resolve) => void clock.after(LOOK_EVERY_MS, resolve));
    pids = left();
  }
  return pids;
}
