/**
 * Hints that something under the given paths may have changed. A hint says nothing but "look": the
 * caller reads again and decides by content. Directories alone are watched, one inotify watch each,
 * since a watch on a file or on a visible link of a Kubernetes volume is dead after the first swap
 * (measured). They are the directories in which it is decided what a path leads to: a folder
 * itself, the place of every link on the way to it and in it and, while something is missing, the
 * nearest directory that is there.
 */
import { type FSWatcher, watch as watchDirectory } from 'node:fs';
import { basename } from 'node:path';
import { decidingPlaces, type Place } from './folder-watch/deciding-places.ts';

export interface WatchListener {
  /** Called for every single event, so it is to be cheap; also when a watch has been set up. */
  onHint(): void;
  /** Changes may go unseen from now on. Once for each directory and reason until that is over. */
  onTrouble(message: string): void;
}

export interface FolderWatch {
  /** Tries again what failed and replaces watches that died unseen; for the periodic re-read. */
  rearm(): void;
  /** Nothing is called any more after this. */
  close(): void;
}

/**
 * Watches folders with all that is in them, and files. Absolute paths; they need not exist. Never
 * throws: what can't be watched is told to `onTrouble` and tried again by `rearm`.
 */
export function watchFolders(paths: readonly string[], listener: WatchListener): FolderWatch {
  const watch: Watch = {
    paths,
    listener,
    directories: new Map(),
    troubles: new Map(),
    round: 'none',
    isClosed: false,
  };
  void arm(watch); // Never rejects, here and below: all that can fail is reported by events.
  return {
    rearm: () => void arm(watch),
    close: () => {
      watch.isClosed = true;
      for (const directory of [...watch.directories.keys()]) drop(watch, directory);
    },
  };
}

interface Watch {
  readonly paths: readonly string[];
  readonly listener: WatchListener;
  readonly directories: Map<string, WatchedDirectory>;
  /** The standing trouble of a directory, by its error code. */
  readonly troubles: Map<string, string>;
  round: 'none' | 'running' | 'runningThenAgain';
  isClosed: boolean;
}

interface WatchedDirectory {
  readonly watcher: FSWatcher;
  place: Place;
  /** Nothing may come from it any more. */
  isDead: boolean;
  /** In this turn of the event loop. */
  eventCount: number;
}

/**
 * Of one turn. The system is read until no event is left: a writer faster than that would keep the
 * event loop from everything else for as long as it writes.
 */
const MOST_EVENTS = 1_000;

/** Brings the watches in line with the places. Calls during a round are answered by one more. */
async function arm(watch: Watch): Promise<void> {
  if (watch.round !== 'none') {
    watch.round = 'runningThenAgain';
    return;
  }
  while (!watch.isClosed) {
    watch.round = 'running';
    const places = await decidingPlaces(watch.paths);
    if (!watch.isClosed) replaceWatches(watch, places);
    if (!hasNewRound(watch)) break;
  }
  watch.round = 'none';
}

const hasNewRound = (watch: Watch) => watch.round === 'runningThenAgain';

function replaceWatches(watch: Watch, places: readonly Place[]): void {
  const wanted = new Map(places.map((place) => [place.directory, place]));
  for (const [directory, watched] of watch.directories) {
    const place = wanted.get(directory);
    const isGone = place?.identity !== watched.place.identity || watched.isDead;
    if (place === undefined || isGone) drop(watch, directory);
    else watched.place = place;
  }
  for (const place of places) {
    if (!watch.directories.has(place.directory)) start(watch, place);
  }
}

/**
 * The system's watch is there when the call returns. What happened before is found by a look, and
 * by one more round: the directory may have been another one by then.
 */
function start(watch: Watch, place: Place): void {
  const { directory } = place;
  try {
    const watcher = watchDirectory(directory, (event, name) => {
      onEvent(watch, watched, { event, name });
    });
    const watched: WatchedDirectory = { watcher, place, isDead: false, eventCount: 0 };
    watch.directories.set(directory, watched);
    watcher.on('error', (error) => onError(watch, directory, error));
    watch.troubles.delete(directory);
    watch.listener.onHint();
    watch.round = 'runningThenAgain';
  } catch (error) {
    if (NO_LONGER_SO.has(codeOf(error))) watch.round = 'runningThenAgain';
    else onError(watch, directory, error);
  }
}

/**
 * What was a directory, with no link on the way to it, has gone meanwhile, or has become a circle of
 * links, or part of its path a file: that is decided about anew.
 */
const NO_LONGER_SO: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ELOOP', 'ENOTDIR']);

interface RawEvent {
  /** `change` of content or attributes, `rename` for all that comes and goes. */
  readonly event: string;
  /** Of the entry, or of the directory itself when it is removed, moved or unmounted. */
  readonly name: string | null;
}

function onEvent(watch: Watch, watched: WatchedDirectory, { event, name }: RawEvent): void {
  const { directory, names } = watched.place;
  if (isTooMany(watch, watched)) return;
  const isItself = name === null || name === basename(directory);
  if (!isItself && names !== undefined && !names.has(name)) return;
  watch.listener.onHint();
  if (event !== 'rename') return;
  if (isItself) watched.isDead = true;
  void arm(watch);
}

/** Then the watch is taken away, and another begins, with a hint, in the next turn. */
function isTooMany(watch: Watch, watched: WatchedDirectory): boolean {
  if (watched.eventCount === 0) setImmediate(() => endTurn(watch, watched));
  watched.eventCount += 1;
  if (watched.eventCount === MOST_EVENTS) {
    watched.isDead = true;
    watched.watcher.close();
  }
  return watched.eventCount >= MOST_EVENTS;
}

function endTurn(watch: Watch, watched: WatchedDirectory): void {
  watched.eventCount = 0;
  if (watched.isDead) void arm(watch);
}

function onError(watch: Watch, directory: string, error: unknown): void {
  drop(watch, directory);
  const code = codeOf(error) ?? 'unknown error';
  if (watch.troubles.get(directory) !== code) {
    watch.troubles.set(directory, code);
    watch.listener.onTrouble(`Cannot watch ${directory}: ${reasons[code] ?? code}.`);
  }
  watch.listener.onHint();
}

const reasons: Readonly<Record<string, string>> = {
  EMFILE: 'the inotify instances or open files of this user are used up (EMFILE)',
  ENOSPC: 'the inotify watches of this user are used up (ENOSPC)',
  EACCES: 'permission denied',
};

function drop(watch: Watch, directory: string): void {
  const watcher = watch.directories.get(directory)?.watcher;
  watch.directories.delete(directory);
  if (watcher === undefined) return;
  watcher.close();
  // It may still come upon an error, which without a listener would be thrown.
  watcher.on('error', () => undefined);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
