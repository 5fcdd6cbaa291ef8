/**
 * What a writer does, one system call after the other: each step of a generator is one call, so
 * that a look can come between any two, and the writer can stop after any.
 */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { currentLinkOf, type HostileFolder } from './hostile-writer-folders.ts';

/** Yields what was just done. A call that fails, as some do, is thrown and ends the operation. */
export type Calls = Generator<string, void, void>;

export type Writing = 'inPlace' | 'overInPlace' | 'byRename' | 'throughHardLink' | 'appended';

export interface WritingPlan {
  readonly how: Writing;
  /** In how many calls the bytes are written. */
  readonly pieces: number;
  /** What the temporary file of `byRename` is called. */
  readonly temporary: string;
}

/** A new name each time. */
export type FreshName = (stem: string) => string;

export function* write(path: string, bytes: Buffer, plan: WritingPlan): Calls {
  switch (plan.how) {
    case 'inPlace':
      return yield* writeTo(path, bytes, { ...plan, flags: constants.O_TRUNC });
    case 'overInPlace':
      return yield* writeTo(path, bytes, { ...plan, flags: 0 });
    case 'appended':
      return yield* writeTo(path, bytes, { ...plan, flags: constants.O_APPEND });
    case 'byRename':
      return yield* writeBeside(path, bytes, plan);
    case 'throughHardLink': {
      const aside = `${dirname(dirname(realpathSync(path)))}/aside`;
      rmSync(aside, { recursive: true, force: true });
      linkSync(path, aside);
      yield `link ${aside} to ${path}`;
      return yield* writeTo(aside, bytes, { ...plan, flags: constants.O_TRUNC });
    }
  }
}

function* writeBeside(path: string, bytes: Buffer, plan: WritingPlan): Calls {
  const beside = join(dirname(path), plan.temporary);
  yield* writeTo(beside, bytes, { ...plan, flags: constants.O_TRUNC });
  renameSync(beside, path);
  yield `rename ${beside} to ${path}`;
}

interface OpenPlan {
  readonly pieces: number;
  readonly flags: number;
}

function* writeTo(path: string, bytes: Buffer, { pieces, flags }: OpenPlan): Calls {
  // Without O_NONBLOCK a FIFO that was put in the file's place would hold the writer up for ever.
  const always = constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK;
  const file = openSync(path, always | flags);
  try {
    yield `open ${path} (${flags})`;
    const size = Math.ceil(bytes.length / pieces);
    for (let at = 0; at < bytes.length; at += size) {
      writeSync(file, bytes.subarray(at, at + size));
      yield `write ${Math.min(size, bytes.length - at)} bytes to ${path}`;
    }
    if (flags !== 0) return;
    ftruncateSync(file, bytes.length);
    yield `cut ${path} to its ${bytes.length} bytes`;
  } finally {
    closeSync(file);
  }
}

const ORDERS = {
  right: ['make', 'fill', 'swing', 'show', 'clear'],
  linksFirst: ['show', 'make', 'fill', 'swing', 'clear'],
  swingFirst: ['make', 'swing', 'fill', 'show', 'clear'],
  clearFirst: ['clear', 'make', 'fill', 'swing', 'show'],
  torn: ['make', 'fill', 'detach', 'swing', 'show', 'clear'],
  neverCleared: ['make', 'fill', 'swing', 'show'],
} as const;

/** In which order a whole new set is published: made, filled, led to, shown, the old one removed. */
export type PublishingOrder = keyof typeof ORDERS;
export const PUBLISHING_ORDERS = Object.keys(ORDERS) as readonly PublishingOrder[];

export interface Publication {
  readonly files: ReadonlyMap<string, Buffer>;
  readonly order: PublishingOrder;
}

/** Puts a set in place of the earlier one as the layout would have it, in this order of steps. */
export function* publish(folder: HostileFolder, publication: Publication, fresh: FreshName): Calls {
  const phases = phasesOf(folder, publication.files, fresh);
  for (const phase of ORDERS[publication.order]) yield* phases[phase]();
}

type Phases = Readonly<Record<(typeof ORDERS)[PublishingOrder][number], () => Calls>>;

function phasesOf(
  folder: HostileFolder,
  files: ReadonlyMap<string, Buffer>,
  fresh: FreshName,
): Phases {
  const { made, lead, old } = leadOf(folder, fresh);
  const target = folder.kind === 'chained' ? join(made, folder.base) : made;
  const filled =
    folder.kind === 'plain' ? () => (existsSync(made) ? made : folder.path) : () => target;
  return {
    *make() {
      mkdirSync(target, { recursive: true });
      yield `make ${target}`;
    },
    *fill() {
      for (const [name, bytes] of files) {
        yield* write(join(filled(), name), bytes, { how: 'inPlace', pieces: 2, temporary: '' });
      }
    },
    *swing() {
      yield* folder.kind === 'plain' ? swapFolders(made, folder.path) : swingLink(made, lead);
    },
    *detach() {
      rmSync(lead, { recursive: true, force: true });
      yield `remove ${lead}`;
    },
    *show() {
      if (folder.kind === 'kubernetes') yield* showLinks(folder.path, [...files.keys()]);
    },
    *clear() {
      if (old === undefined) return;
      rmSync(old, { recursive: true, force: true });
      yield `remove ${old}`;
    },
  };
}

/** Where a new set is made, what leads to the one in use, and where that lies. */
function leadOf(folder: HostileFolder, fresh: FreshName) {
  if (folder.kind === 'plain') {
    return {
      made: `${folder.path}.${fresh('made')}`,
      lead: folder.path,
      old: `${folder.path}.old`,
    };
  }
  const isVolume = folder.kind === 'kubernetes';
  const lead = isVolume ? join(folder.path, '..data') : currentLinkOf(folder);
  const made = join(dirname(lead), fresh(isVolume ? '..2026_01_02_03_04_05.' : 'release-'));
  return { made, lead, old: targetOf(lead) };
}

function targetOf(link: string): string | undefined {
  try {
    return join(dirname(link), readlinkSync(link));
  } catch {
    return undefined;
  }
}

function* swapFolders(made: string, path: string): Calls {
  if (existsSync(path)) {
    rmSync(`${path}.old`, { recursive: true, force: true });
    renameSync(path, `${path}.old`);
    yield `rename ${path} to ${path}.old`;
  }
  renameSync(made, path);
  yield `rename ${made} to ${path}`;
}

function* swingLink(made: string, link: string): Calls {
  const beside = `${link}_tmp`;
  rmSync(beside, { recursive: true, force: true });
  symlinkSync(made.slice(dirname(link).length + 1), beside);
  yield `link ${beside} to ${made}`;
  renameSync(beside, link);
  yield `rename ${beside} to ${link}`;
}

function* showLinks(path: string, names: readonly string[]): Calls {
  for (const name of names) {
    if (targetOf(join(path, name)) !== undefined) continue;
    rmSync(join(path, name), { recursive: true, force: true });
    symlinkSync(join('..data', name), join(path, name));
    yield `link ${join(path, name)} to ..data/${name}`;
  }
}

export function* setMode(path: string, mode: number): Calls {
  chmodSync(path, mode);
  yield `chmod ${mode.toString(8)} ${path}`;
}
