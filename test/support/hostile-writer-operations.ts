/** The operations of a hostile writer, as data, and what they come to in system calls. */
import { mkdirSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type Calls,
  type PublishingOrder,
  publish,
  setMode,
  type WritingPlan,
  write,
} from './hostile-writer-calls.ts';
import {
  type Displacement,
  displace,
  exchange,
  type FolderSpoiling,
  type LinkSpoiling,
  type SpoilingMeans,
  spoilFolder,
  spoilLink,
} from './hostile-writer-displacements.ts';
import { type GoodSet, goodFiles, type HostileFolder, namesOf } from './hostile-writer-folders.ts';
import { bytesOf, type Content, type Material } from './hostile-writer-material.ts';

/** Picks are counted on beyond the last one there is, to begin with the first again. */
export type Operation = Where &
  (
    | { readonly kind: 'publish'; readonly set: GoodSet; readonly order: PublishingOrder }
    | { readonly kind: 'spoilAndPublish'; readonly set: GoodSet; readonly spoiling: Spoiling }
    | { readonly kind: 'write'; readonly content: Content; readonly writing: WritingPlan }
    | { readonly kind: 'renew'; readonly set: GoodSet; readonly renewal: Renewal }
    | { readonly kind: 'litter'; readonly as: Litter; readonly content: Content }
    | { readonly kind: 'displace'; readonly by: Displacement }
    | { readonly kind: 'exchange'; readonly other: number }
    | { readonly kind: 'chmod'; readonly mode: number }
    | { readonly kind: 'touch' }
    | { readonly kind: 'spoilFolder'; readonly by: FolderSpoiling }
    | { readonly kind: 'spoilLink'; readonly to: LinkSpoiling }
  );

interface Where {
  readonly folder: number;
  /** Which of the names of the set. */
  readonly name: number;
  /** Through `..data` instead of by the visible name. */
  readonly isBehind: boolean;
  /** It is cut off after so many system calls. */
  readonly endsAfter?: number;
}

/** What is wrong with one file of a set; `shift`: how far off the leaf or bundle is. */
export interface Spoiling extends Pick<Content, 'dress' | 'percent'> {
  readonly shift: number;
}

/** A new pair in place of the old one, file by file. */
export interface Renewal {
  readonly first: 'certificate' | 'key';
  readonly withBundle: boolean;
  readonly writing: WritingPlan;
}

export const LITTER = ['.tls.crt.x', 'tls.crt.tmp', 'tls.key~', 'new.pem', 'notes', 'sub'] as const;
type Litter = (typeof LITTER)[number];

export interface HostileWriter extends SpoilingMeans {
  readonly folders: readonly HostileFolder[];
  readonly material: Material;
}

/** The operation's system calls, as far as it gets. */
export function* callsOf(operation: Operation, writer: HostileWriter): Calls {
  let left = operation.endsAfter ?? Number.POSITIVE_INFINITY;
  const calls = allCallsOf(operation, writer);
  try {
    for (const done of calls) {
      yield done;
      left -= 1;
      if (left <= 0) return;
    }
  } catch (error) {
    // What is in the way of a hostile writer is for the most part of its own making.
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    yield `${operation.kind} fails: ${error.message}`;
  }
}

function* allCallsOf(operation: Operation, writer: HostileWriter): Calls {
  const { material, fresh } = writer;
  const folder = pickOf(writer.folders, operation.folder);
  const path = pathOf(operation, folder);
  switch (operation.kind) {
    case 'publish': {
      const files = goodFiles(folder, operation.set, material);
      return yield* publish(folder, { files, order: operation.order }, fresh);
    }
    case 'spoilAndPublish': {
      const files = new Map(goodFiles(folder, operation.set, material));
      const name = pickOf(namesOf(folder), operation.name);
      files.set(name, bytesOf(spoiledContent(operation, folder), material));
      return yield* publish(folder, { files, order: 'right' }, fresh);
    }
    case 'write':
      return yield* write(path, bytesOf(operation.content, material), operation.writing);
    case 'renew':
      return yield* renew(operation, folder, material);
    case 'litter':
      return yield* litter(join(dirname(path), operation.as), operation, writer);
    case 'displace':
      return yield* displace(path, operation.by, writer);
    case 'exchange':
      return yield* exchange(path, pathOf({ ...operation, name: operation.other }, folder));
    case 'chmod':
      return yield* setMode(path, operation.mode);
    case 'touch':
      utimesSync(path, 1, 1);
      return yield `touch ${path}`;
    case 'spoilFolder':
      return yield* spoilFolder(folder.path, operation.by, writer);
    case 'spoilLink':
      return yield* spoilLink(folder, operation.to);
  }
}

function pickOf<Value>(values: readonly Value[], pick: number): Value {
  const value = values[pick % values.length];
  if (value === undefined) throw new Error('Cannot pick a value: there is none.');
  return value;
}

function pathOf({ name, isBehind }: Pick<Where, 'name' | 'isBehind'>, folder: HostileFolder) {
  const directory = isBehind && folder.kind === 'kubernetes' ? '..data' : '';
  return join(folder.path, directory, pickOf(namesOf(folder), name));
}

type Publishing = Extract<Operation, { readonly kind: 'spoilAndPublish' }>;

function spoiledContent({ name, set, spoiling }: Publishing, folder: HostileFolder): Content {
  const { shift, ...rest } = spoiling;
  const index = name % namesOf(folder).length;
  const slot = Math.floor(index / 2);
  if (slot >= folder.slots.length) return { half: 'bundle', pick: set.bundle + shift, ...rest };
  const half = index % 2 === 0 ? 'certificate' : 'key';
  return { half, pick: set.leaf + slot + shift, ...rest };
}

type Renewing = Extract<Operation, { readonly kind: 'renew' }>;

function* renew(operation: Renewing, folder: HostileFolder, material: Material): Calls {
  const { first, withBundle, writing } = operation.renewal;
  const { certificate, key } = pickOf(folder.slots, operation.name);
  const names = first === 'key' ? [key, certificate] : [certificate, key];
  if (withBundle) names.push(folder.bundle);
  const files = goodFiles(folder, operation.set, material);
  for (const name of names) {
    const path = pathOf({ ...operation, name: namesOf(folder).indexOf(name) }, folder);
    yield* write(path, files.get(name) ?? Buffer.of(), writing);
  }
}

type Littering = Extract<Operation, { readonly kind: 'litter' }>;

function* litter(path: string, { as, content }: Littering, { material }: HostileWriter): Calls {
  if (as === 'sub') {
    mkdirSync(path);
    return yield `make ${path}`;
  }
  const writing = { how: 'inPlace', pieces: 2, temporary: '' } as const;
  yield* write(path, bytesOf(content, material), writing);
}
