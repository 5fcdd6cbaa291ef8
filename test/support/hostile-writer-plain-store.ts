/**
 * A certificate store as one would write it in an afternoon: the stock from which stores with a bug
 * in their reading are made. Read twice and through one resolved directory, it has none that the
 * judge can find.
 */
import { createHash } from 'node:crypto';
import { constants, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describeContent } from '../../src/adapters/cert-store/pem-facts.ts';
import { keepSnapshot, pruneSnapshots } from '../../src/adapters/cert-store/snapshots.ts';
import type { CertificateStoreOptions } from '../../src/adapters/cert-store.ts';
import {
  type CertificateLook,
  type FileFacts,
  type FolderFacts,
  isPassedOver,
} from '../../src/core/certificate-facts.ts';
import { digestOf } from '../../src/core/model.ts';
import type { CertificateStore } from '../../src/work/certificate-source.ts';
import { placeOf } from './hostile-writer-folders.ts';

export interface PlainReading {
  /** Through the directory that `..data` leads to at that moment. */
  readonly isResolved: boolean;
  readonly readingCount: 1 | 2;
}

/** Texts by name; undefined for what is no file. */
type Texts = ReadonlyMap<string, Buffer | undefined>;

export function createPlainStore(
  { folders, snapshotRoot }: CertificateStoreOptions,
  reading: PlainReading,
): CertificateStore {
  const contents = new WeakMap<CertificateLook, readonly Texts[]>();

  async function look(): Promise<CertificateLook> {
    const texts: Texts[] = [];
    const facts: FolderFacts[] = [];
    for (const folder of folders) {
      const own = await readFolder(folder, reading);
      texts.push(own ?? new Map());
      facts.push(await factsOf(folder, own));
    }
    const hash = createHash('sha256');
    for (const text of texts) hash.update(`|${JSON.stringify([...text])}`);
    const seen = { digest: digestOf(hash.digest('hex')), folders: facts };
    contents.set(seen, texts);
    return seen;
  }

  return {
    look,
    snapshot: async (seen) => {
      const files = (contents.get(seen) ?? []).flatMap((texts, index) =>
        [...texts].map(([name, bytes = Buffer.of()]) => {
          return { path: join(placeOf({ path: folders[index] ?? '' }, index), name), bytes };
        }),
      );
      const folder = await keepSnapshot(snapshotRoot, seen.digest, files);
      return { ok: true, value: { digest: seen.digest, folder, serialNumbers: new Map() } };
    },
    prune: async (inUse) => ({ ok: true, value: await pruneSnapshots(snapshotRoot, inUse) }),
  };
}

/** Undefined when it is not there, or another one each time. */
async function readFolder(
  folder: string,
  { isResolved, readingCount }: PlainReading,
): Promise<Texts | undefined> {
  const last = await readOnce(folder, isResolved);
  if (readingCount === 1) return last;
  const next = await readOnce(folder, isResolved);
  return textOf(last) === textOf(next) ? next : undefined;
}

const textOf = (texts: Texts | undefined) => JSON.stringify(texts && [...texts]);

async function readOnce(folder: string, isResolved: boolean): Promise<Texts | undefined> {
  try {
    const visible = await realpath(folder);
    const directory = await realpath(join(visible, '..data')).catch(() => visible);
    const source = isResolved ? directory : visible;
    const texts = new Map<string, Buffer | undefined>();
    for (const name of (await readdir(source)).sort()) {
      const path = join(source, name);
      if (isPassedOver(name) || (await isFolder(path))) continue;
      texts.set(name, await textAt(path));
    }
    return texts;
  } catch {
    return undefined;
  }
}

const isFolder = (path: string) =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );

async function textAt(path: string): Promise<Buffer | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() ? readWithoutWaiting(path).catch(() => undefined) : undefined;
}

/** A FIFO may have taken the file's place. */
export function readWithoutWaiting(path: string): Promise<Buffer> {
  return readFile(path, { flag: constants.O_RDONLY | constants.O_NONBLOCK });
}

async function factsOf(folder: string, texts: Texts | undefined): Promise<FolderFacts> {
  if (texts === undefined) {
    return { folder, files: [], trouble: { kind: 'unreadable', reason: 'it is in motion' } };
  }
  const files: FileFacts[] = [];
  for (const [name, bytes] of texts) {
    const unread = { kind: 'unreadable', reason: 'it is no file' } as const;
    const content = bytes === undefined ? unread : await describeContent(bytes);
    files.push({ name, size: bytes?.length ?? 0, content });
  }
  return { folder, files };
}
