/**
 * What really was in the folders while somebody looked, by its own reading after every single
 * system call of the writer.
 */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { HostileFolder } from './hostile-writer-folders.ts';

/** What a folder led to at one moment. */
export type FolderState = ReadonlyMap<string, Entry>;

/** Text of a regular file, byte by byte; `folder` and `odd` for what is none. */
export type Entry = { readonly text: string } | 'folder' | 'odd';

export interface Witness {
  /** Forgets what it saw, and looks itself. */
  begin(): void;
  /** After a call of the writer. */
  see(): void;
  /** All that it saw since it began, for each folder. */
  seen(): readonly (readonly FolderState[])[];
}

export function createWitness(folders: readonly HostileFolder[]): Witness {
  let states: FolderState[][] = folders.map(() => []);
  const see = () => {
    for (const [index, folder] of folders.entries()) states[index]?.push(stateOf(folder));
  };
  return {
    begin: () => {
      states = folders.map(() => []);
      see();
    },
    see,
    seen: () => states,
  };
}

/** Nothing, where there is no folder. */
export function stateOf({ path }: Pick<HostileFolder, 'path'>): FolderState {
  try {
    const directory = filesDirectory(path);
    const names = readdirSync(directory).filter((name) => !isLeftBehind(name));
    return new Map(names.map((name) => [name, entryAt(join(directory, name))]));
  } catch {
    return new Map();
  }
}

function filesDirectory(path: string): string {
  const directory = realpathSync(path);
  try {
    return realpathSync(join(directory, '..data'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return directory;
    throw error;
  }
}

/** Of the names that the hostile writer uses. */
const isLeftBehind = (name: string) => name.startsWith('.') || /(~|\.tmp)$/.test(name);

function entryAt(path: string): Entry {
  try {
    const stats = statSync(path);
    if (stats.isFile()) return { text: readFileSync(path, 'latin1') };
    return stats.isDirectory() ? 'folder' : 'odd';
  } catch {
    return 'odd';
  }
}
