/** Where it is decided what a path leads to: the directories to watch, and for which names. */
import { lstat, opendir, readlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

export interface Place {
  /** Resolved: no part of it is a link. */
  readonly directory: string;
  /** Tells this directory from a later one of the same path. */
  readonly identity: string;
  /** Whose changes matter; undefined: everything in the directory. */
  readonly names: ReadonlySet<string> | undefined;
}

/** Links and folders followed for one path; a circle of links ends here. */
const maxSteps = 128;
/** Entries of a folder that are looked at for links. */
const maxEntries = 4_096;

/** A directory that goes while it is looked at is looked for again, so many times. */
const maxRounds = 20;

/** Never rejects; what can't be read counts as missing. `paths` are absolute. */
export async function decidingPlaces(paths: readonly string[]): Promise<readonly Place[]> {
  for (let round = 1; ; round += 1) {
    const { places, isWhole } = await decideOnce(paths);
    if (isWhole || round === maxRounds) return places;
  }
}

interface Decision {
  readonly places: readonly Place[];
  /** None of them has gone since it was found. */
  readonly isWhole: boolean;
}

async function decideOnce(paths: readonly string[]): Promise<Decision> {
  const names = new Map<string, Set<string> | undefined>();
  for (const path of paths) {
    const route = await follow(path);
    addSteps(names, route.steps);
    if (route.folder === undefined) continue;
    names.set(route.folder, undefined);
    for (const link of await linksIn(route.folder)) {
      addSteps(names, (await follow(join(route.folder, link))).steps);
    }
  }
  const places: Place[] = [];
  for (const [directory, wanted] of names) {
    const stats = await lstat(directory).catch(() => undefined);
    if (stats === undefined) continue;
    places.push({ directory, identity: `${stats.dev}:${stats.ino}`, names: wanted });
  }
  return { places, isWhole: places.length === names.size };
}

/** One name in one directory: a link on the way, or the end of it, be it a file or nothing. */
interface RouteStep {
  readonly directory: string;
  readonly name: string;
}

interface Route {
  readonly steps: readonly RouteStep[];
  /** Where the path ends, when that is a directory. */
  readonly folder?: string;
}

function addSteps(names: Map<string, Set<string> | undefined>, steps: readonly RouteStep[]): void {
  for (const { directory, name } of steps) {
    if (!names.has(directory)) names.set(directory, new Set());
    names.get(directory)?.add(name);
  }
}

/** Walks the path as the system does, name by name. */
async function follow(path: string): Promise<Route> {
  const steps: RouteStep[] = [];
  let directory = '/';
  let rest = partsOf(path);
  for (let count = 0; count < maxSteps; count += 1) {
    const [name, ...others] = rest;
    if (name === undefined) return { steps, folder: directory };
    const entry = await entryAt(directory, name);
    if (entry.kind === 'directory') {
      directory = join(directory, name);
      rest = others;
      continue;
    }
    steps.push({ directory, name });
    if (entry.kind === 'end') return { steps };
    if (isAbsolute(entry.target)) directory = '/';
    rest = [...partsOf(entry.target), ...others];
  }
  return { steps };
}

const partsOf = (path: string) => path.split('/').filter((part) => part !== '' && part !== '.');

type Entry =
  | { readonly kind: 'directory' }
  | { readonly kind: 'link'; readonly target: string }
  /** A file, or nothing that can be seen. */
  | { readonly kind: 'end' };

async function entryAt(directory: string, name: string): Promise<Entry> {
  const path = join(directory, name);
  try {
    const stats = await lstat(path);
    if (stats.isSymbolicLink()) return { kind: 'link', target: await readlink(path) };
    return { kind: stats.isDirectory() ? 'directory' : 'end' };
  } catch {
    return { kind: 'end' };
  }
}

async function linksIn(folder: string): Promise<readonly string[]> {
  const links: string[] = [];
  let entryCount = 0;
  try {
    for await (const entry of await opendir(folder)) {
      entryCount += 1;
      if (entryCount > maxEntries) break;
      if (entry.isSymbolicLink()) links.push(entry.name);
    }
  } catch {
    return links;
  }
  return links;
}
