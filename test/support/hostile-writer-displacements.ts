/** How files, folders and links are put out of place by a hostile writer. */
import {
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Calls, FreshName } from './hostile-writer-calls.ts';
import { currentLinkOf, type HostileFolder, namesIn } from './hostile-writer-folders.ts';

export const DISPLACEMENTS = [
  'nothing',
  'away',
  'back',
  'fifo',
  'folder',
  'loop',
  'dangling',
  'elsewhere',
] as const;
export type Displacement = (typeof DISPLACEMENTS)[number];

export const FOLDER_SPOILINGS = ['emptied', 'away', 'back', 'file', 'fifo', 'loop'] as const;
export type FolderSpoiling = (typeof FOLDER_SPOILINGS)[number];

export const LINK_SPOILINGS = ['nothing', 'nowhere', 'loop', 'here', 'aFile'] as const;
export type LinkSpoiling = (typeof LINK_SPOILINGS)[number];

export interface SpoilingMeans {
  readonly fresh: FreshName;
  /** A FIFO outside the folders, to be linked into them. */
  readonly fifo: string;
}

export function* displace(path: string, by: Displacement, { fifo, fresh }: SpoilingMeans): Calls {
  const aside = join(dirname(dirname(path)), `${basename(path)}.aside`);
  if (by === 'back') {
    renameSync(aside, path);
    return yield `rename ${aside} back to ${path}`;
  }
  if (by === 'away' || by === 'elsewhere') {
    renameSync(path, aside);
    yield `rename ${path} to ${aside}`;
  } else {
    rmSync(path, { recursive: true, force: true });
    yield `remove ${path}`;
  }
  if (by === 'nothing' || by === 'away') return;
  put(path, by, { aside, fifo, nowhere: fresh('nowhere') });
  yield `put ${by} in place of ${path}`;
}

interface Targets {
  readonly aside: string;
  readonly fifo: string;
  readonly nowhere: string;
}

function put(
  path: string,
  what: 'fifo' | 'folder' | 'loop' | 'dangling' | 'elsewhere',
  { aside, fifo, nowhere }: Targets,
): void {
  if (what === 'fifo') linkSync(fifo, path);
  else if (what === 'folder') mkdirSync(path);
  else symlinkSync({ loop: path, dangling: nowhere, elsewhere: aside }[what], path);
}

export function* exchange(one: string, other: string): Calls {
  const between = `${one}.tmp`;
  renameSync(one, between);
  yield `rename ${one} to ${between}`;
  renameSync(other, one);
  yield `rename ${other} to ${one}`;
  renameSync(between, other);
  yield `rename ${between} to ${other}`;
}

export function* spoilFolder(
  path: string,
  by: FolderSpoiling,
  { fifo }: Pick<SpoilingMeans, 'fifo'>,
): Calls {
  const aside = `${path}.aside`;
  if (by === 'back') {
    renameSync(aside, path);
    return yield `rename ${aside} back to ${path}`;
  }
  if (by === 'emptied') return yield* emptyAndRemove(path);
  rmSync(aside, { recursive: true, force: true });
  renameSync(path, aside);
  yield `rename ${path} to ${aside}`;
  if (by === 'away') return;
  if (by === 'fifo') linkSync(fifo, path);
  else symlinkSync(by === 'loop' ? path : fifo, path);
  yield `put ${by} in place of ${path}`;
}

function* emptyAndRemove(path: string): Calls {
  for (const name of namesIn(path)) {
    rmSync(join(path, name), { recursive: true });
    yield `remove ${join(path, name)}`;
  }
  rmdirSync(path);
  yield `remove ${path}`;
  mkdirSync(path);
  yield `make ${path}`;
}

export function* spoilLink(folder: HostileFolder, to: LinkSpoiling): Calls {
  if (folder.kind === 'plain') return;
  const link = folder.kind === 'kubernetes' ? join(folder.path, '..data') : currentLinkOf(folder);
  unlinkSync(link);
  yield `remove ${link}`;
  if (to === 'nothing') return;
  const [someFile = 'nothing'] = readdirSync(dirname(link)).filter((name) => name.includes('.'));
  const targets = { nowhere: 'nowhere', loop: link, here: '.', aFile: someFile };
  symlinkSync(targets[to], link);
  yield `link ${link} to ${targets[to]}`;
}
