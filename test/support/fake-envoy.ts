/** Starts and controls the stand-in for Envoy of test/fixtures/fake-envoy. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedMemoryNameOf } from '../../src/core/hot-restart-names.ts';
import { type Gates, gatesIn } from './gates.ts';

const PROGRAM = new URL('../fixtures/fake-envoy/envoy.mjs', import.meta.url).pathname;

/** What all launches of one fake share. */
export interface FakeScript {
  /** How long what Envoy counts as a second lasts, in seconds: 0.1 is ten times as fast. @default 1 */
  readonly timeScale?: number;
  /** Shared memory version and size. @default '11.104' */
  readonly hotRestartVersion?: string;
  /** Whether `order` is listened to. @default false */
  readonly takesOrders?: boolean;
  /** The first one that fits a launch applies to it. @default none: every launch is a good one */
  readonly behaviours?: readonly FakeBehaviour[];
}

/** How some launches differ from a good one; milliseconds here are true ones. */
export interface FakeBehaviour {
  /** @default 'serve' */
  readonly run?: 'serve' | 'validate' | 'hot-restart-version';
  /** @default any */
  readonly epoch?: number;
  /** To how many launches it applies, in the order they start. @default all */
  readonly times?: number;
  readonly end?: FakeEnd;
  /** Before anything else happens. */
  readonly startsAfterMs?: number;
  /** Between ShutdownAdmin and its own admin: the loading of a large configuration. */
  readonly adminAfterMs?: number;
  /** How long it answers INITIALIZING. */
  readonly initializingMs?: number | 'forever';
  /** From when on its admin accepts and never answers, as with a stuck main thread. */
  readonly silence?: 'fromStart' | 'onceLive';
  readonly ignoresSigterm?: boolean;
  /** As a parent: how long it lets its child wait for the answer to ShutdownAdmin. */
  readonly repliesAfterMs?: number;
  /** Raw lines on stderr at the very start. */
  readonly prints?: readonly string[];
  /** One more line there, of so many bytes. */
  readonly hugeLineBytes?: number;
}

/** An end that nobody asked for. */
export interface FakeEnd {
  /**
   * `start`: nothing touched yet. `configuration`: names and memory taken, the bit set, the parent
   * not spoken to. `listeners`: the parent's admin is closed, the run loop not up. `initializing`:
   * the admin answers. `live`: it serves.
   * @default 'start'
   */
  readonly at?: 'start' | 'configuration' | 'listeners' | 'initializing' | 'live';
  /** @default 0 */
  readonly afterMs?: number;
  /** @default 1 */
  readonly code?: number;
  /** In place of an exit. */
  readonly signal?: NodeJS.Signals;
  /** The last line on stderr. */
  readonly saying?: string;
}

/** `hang`: the main thread stops for good. `stay`: it does not go when its child tells it to. */
export type FakeOrder =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'hang' | 'stay' };

/** One start of the fake, as it wrote it down; what has ended stays as it last was. */
export interface FakeLaunch {
  readonly run: 'serve' | 'validate' | 'hot-restart-version';
  readonly pid: number;
  readonly epoch: number;
  readonly baseId: number;
  readonly args: readonly string[];
  readonly stage: 'initializing' | 'live' | 'draining' | 'stopping';
  readonly adminPath?: string;
}

export interface FakeEnvoy extends Gates {
  /** To be run in Envoy's place; needs nothing of the environment. */
  readonly binary: string;
  /** Replaces the script for launches from now on; counts of `times` begin anew. */
  direct(script: FakeScript): void;
  /** To a living launch of a fake that takes orders. */
  order(pid: number, order: FakeOrder): void;
  /** Whether it has done what it was last ordered. */
  hasObeyed(pid: number): boolean;
  /** A new file at the same path: another binary by inode and change time. */
  replaceBinary(): void;
  /** Every start so far, in order. */
  launches(): readonly FakeLaunch[];
  /** Breaches of the hot restart protocol by whoever started and signalled it: expected empty. */
  violations(): readonly string[];
  /** Removes the folder and the shared memory of every base id it ran with. Ends no process. */
  remove(): void;
}

/** A fake of its own: launches of two fakes know nothing of each other. */
export function createFakeEnvoy(script: FakeScript = {}): FakeEnvoy {
  const folder = mkdtempSync(join(tmpdir(), 'fake-envoy-'));
  const binary = join(folder, 'envoy');
  const direct = (next: FakeScript) => {
    rmSync(join(folder, 'claims'), { recursive: true, force: true });
    replaceFile(join(folder, 'script.json'), JSON.stringify(next));
  };
  const replaceBinary = () => replaceFile(binary, startScript(folder), 0o755);
  mkdirSync(join(folder, 'launches'));
  direct(script);
  replaceBinary();
  return {
    binary,
    direct,
    replaceBinary,
    ...gatesIn(join(folder, 'gates')),
    order: (pid, order) => replaceFile(join(folder, 'orders', `${pid}`), JSON.stringify(order)),
    hasObeyed: (pid) => !existsSync(join(folder, 'orders', `${pid}`)),
    launches: () => readLaunches(folder),
    violations: () => readLines(join(folder, 'violations.txt')),
    remove() {
      for (const { baseId } of readLaunches(folder)) {
        rmSync(join('/dev/shm', sharedMemoryNameOf(baseId)), { force: true });
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** `exec` keeps the process one and the same, so that its parent is who started it. */
function startScript(folder: string): string {
  return `#!/bin/sh
FAKE_ENVOY_FOLDER='${folder}' exec '${process.execPath}' '${PROGRAM}' "$@"
`;
}

function readLaunches(folder: string): readonly FakeLaunch[] {
  const launches = join(folder, 'launches');
  return readdirSync(launches)
    .filter((file) => file.endsWith('.json'))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .map((file) => readFileSync(join(launches, file), 'utf8'))
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text) as FakeLaunch);
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}

function replaceFile(path: string, text: string, mode = 0o644): void {
  writeFileSync(`${path}.new`, text);
  chmodSync(`${path}.new`, mode);
  renameSync(`${path}.new`, path);
}
