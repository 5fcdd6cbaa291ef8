import { type FSWatcher, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as passed } from 'node:timers/promises';

const SHARED_MEMORY_FOLDER = '/dev/shm';
const PATIENCE_MS = 5_000;
/** What every process started by a test has in its environment. */
export const MARK = 'TEST_RUN_OF_BATON';

export interface Run {
  /** The value of the mark in the environment of every process that a test has started. */
  readonly mark: string;
  /** The run's own temp folder; the test runner keeps nothing in it (measured on vitest 4.1). */
  readonly folder: string;
}

/** For the environment of what a test starts with an environment of its own making. */
export function markOfThisRun(): Readonly<Record<string, string>> {
  return { [MARK]: process.env[MARK] ?? '' };
}

export interface LeftOvers {
  /** Processes, shared memory and files still there after a moment's patience, a line each. */
  find(): Promise<string[]>;
}

/**
 * Watches what this run makes, to tell it from what its neighbours on the machine make: processes
 * bear its mark, files lie in its folder, shared memory is watched as it appears and is this run's
 * when a marked process is told its base id. Abstract socket names need no look of their own: they
 * can't outlive their process.
 */
export function watchForLeftOvers(run: Run): LeftOvers {
  const memories = new Set<string>();
  const watcher = watchSharedMemory((name) => {
    if (baseIdsOf(run).has(baseIdIn(name))) memories.add(name);
  });

  const look = () => [
    ...processesOf(run).map(({ pid, args }) => `process ${pid}: ${args.slice(0, 4).join(' ')}`),
    ...namesIn(SHARED_MEMORY_FOLDER)
      .filter((name) => memories.has(name))
      .map((name) => `shared memory ${join(SHARED_MEMORY_FOLDER, name)}`),
    ...namesIn(run.folder).map((name) => `file ${join(run.folder, name)}`),
  ];

  return {
    async find() {
      watcher?.close();
      // Processes that have been told to end may need a moment.
      const until = performance.now() + PATIENCE_MS;
      while (look().length > 0 && performance.now() < until) await passed(100);
      return look();
    },
  };
}

function watchSharedMemory(onAppeared: (name: string) => void): FSWatcher | undefined {
  return watch(SHARED_MEMORY_FOLDER, { persistent: false }, (_, name) => {
    if (name?.startsWith('envoy_shared_memory_')) onAppeared(name);
  });
}

/** Envoy names its memory after ten times the base id. */
function baseIdIn(memoryName: string): string {
  return `${Number(memoryName.replace('envoy_shared_memory_', '')) / 10}`;
}

function baseIdsOf(run: Run): ReadonlySet<string | undefined> {
  return new Set(processesOf(run).map(({ args }) => args[args.indexOf('--base-id') + 1]));
}

export interface Found {
  readonly pid: number;
  readonly args: readonly string[];
}

/** Those that a test has started; the test runner's own workers bear the mark as well. */
function processesOf({ mark }: Run): readonly Found[] {
  return processesWith(MARK, mark).filter(
    ({ pid, args }) =>
      pid !== process.pid && !args.some((word) => /node_modules\/(vitest|vite)\//.test(word)),
  );
}

/** The machine's processes that were started with this in their environment. */
export function processesWith(name: string, value: string): readonly Found[] {
  const pids = namesIn('/proc').map(Number).filter(Number.isInteger);
  return pids
    .filter((pid) => wordsIn(pid, 'environ').includes(`${name}=${value}`))
    .map((pid) => ({ pid, args: wordsIn(pid, 'cmdline') }));
}

/** Empty when the process is gone, or someone else's. */
function wordsIn(pid: number, file: 'environ' | 'cmdline'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
