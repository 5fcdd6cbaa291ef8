/** Stores with one bug each, of those that a store could well have: the judge must find every one. */
import { createHash } from 'node:crypto';
import { chmod, cp, link, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type CertificateStoreOptions,
  createCertificateStore,
} from '../../src/adapters/cert-store.ts';
import type {
  CertificateLook,
  FileFacts,
  PemBlockFacts,
} from '../../src/core/certificate-facts.ts';
import { digestOf } from '../../src/core/model.ts';
import type { CertificateStore } from '../../src/work/certificate-source.ts';
import { namesIn } from './hostile-writer-folders.ts';
import { createPlainStore, readWithoutWaiting } from './hostile-writer-plain-store.ts';
import type { StoreFactory } from './hostile-writer-run.ts';

export const PLANTED_BUGS: Readonly<Record<string, StoreFactory>> = {
  'reads each file through its visible name': (options) =>
    createPlainStore(options, { isResolved: false, readingCount: 1 }),
  'does not read a second time': (options) =>
    createPlainStore(options, { isResolved: true, readingCount: 1 }),
  'does not look at dates': withBlocks((block) =>
    block.kind === 'certificate'
      ? { ...block, notBeforeMs: 0, notAfterMs: Number.MAX_SAFE_INTEGER }
      : block,
  ),
  'takes any key for the right one': withBlocks((block) =>
    'publicKeyId' in block ? { ...block, publicKeyId: 'one for all' } : block,
  ),
  'looks at the first block of a file alone': withFiles((file) => {
    const { content } = file;
    if (content.kind !== 'pem') return file;
    return { ...file, content: { ...content, blocks: content.blocks.slice(0, 1) } };
  }),
  'takes what is cut off for whole': withFiles((file) => {
    const { content } = file;
    if (content.kind !== 'pem') return file;
    const blocks = content.blocks.filter(({ kind }) => kind !== 'broken');
    return { ...file, content: { ...content, blocks } };
  }),
  'quotes what it can not read': (options) =>
    changed(options, async (look) => {
      const folders = look.folders.map(async ({ folder, files, ...rest }) => {
        const quoted = files.map((file) => quoting(file, folder));
        return { folder, files: await Promise.all(quoted), ...rest };
      });
      return { ...look, folders: await Promise.all(folders) };
    }),
  'takes a touch for a change': (options) =>
    changed(options, async (look) => {
      const times = look.folders.flatMap(({ folder, files }) =>
        files.map(({ name }) => changeTimeOf(join(folder, name))),
      );
      return { ...look, digest: digestOf(look.digest.slice(32) + hexOf(await Promise.all(times))) };
    }),
  'looks again only when there are other names in a folder': (options) => {
    const store = createCertificateStore(options);
    let last: { readonly names: string; readonly look: CertificateLook } | undefined;
    return {
      ...store,
      look: async () => {
        const names = JSON.stringify(options.folders.map(namesIn));
        if (last?.names !== names) last = { names, look: await store.look() };
        return last.look;
      },
    };
  },
  'copies what is in the folder by then': (options) => ({
    ...createCertificateStore(options),
    snapshot: async ({ digest }) => {
      const store = createCertificateStore(options);
      const now = await store.snapshot(await store.look());
      const folder = join(options.snapshotRoot, digest);
      if (now.ok && now.value.folder !== folder) {
        await cp(now.value.folder, folder, { recursive: true });
        for (const path of await filesIn(folder)) await chmod(path, 0o600);
        await rm(now.value.folder, { recursive: true });
      }
      return now.ok ? { ok: true, value: { ...now.value, digest, folder } } : now;
    },
  }),
  'links the files instead of copying them': afterSnapshot(async (folder, { folders }) => {
    const [first = ''] = folders;
    for (const path of await filesIn(folder)) {
      if (dirname(path) !== folder) continue;
      await link(join(first, path.slice(folder.length)), `${path}.x`)
        .then(() => rename(`${path}.x`, path))
        .catch(() => undefined); // It is gone by now.
    }
  }),
  'leaves keys for others to read': afterSnapshot(async (folder) => {
    for (const path of await filesIn(folder)) await chmod(path, 0o644);
  }),
  'leaves something of its own in a snapshot': afterSnapshot((folder) =>
    writeFile(join(folder, 'x'), '', { mode: 0o600 }),
  ),
  'removes snapshots that are in use': (options) => {
    const store = createCertificateStore(options);
    return { ...store, prune: () => store.prune(new Set()) };
  },
  'removes no snapshots': (options) => ({
    ...createCertificateStore(options),
    prune: async () => ({ ok: true, value: undefined }),
  }),
};

type FileChange = (file: FileFacts) => FileFacts;

function withFiles(change: FileChange): StoreFactory {
  return (options) =>
    changed(options, async (look) => ({
      ...look,
      folders: look.folders.map((facts) => ({ ...facts, files: facts.files.map(change) })),
    }));
}

function withBlocks(change: (block: PemBlockFacts) => PemBlockFacts): StoreFactory {
  return withFiles((file) => {
    const { content } = file;
    if (content.kind !== 'pem') return file;
    return { ...file, content: { ...content, blocks: content.blocks.map(change) } };
  });
}

/** A store that tells something else of what it saw. */
function changed(
  options: CertificateStoreOptions,
  change: (look: CertificateLook) => Promise<CertificateLook>,
): CertificateStore {
  const store = createCertificateStore(options);
  const seen = new WeakMap<CertificateLook, CertificateLook>();
  return {
    look: async () => {
      const look = await store.look();
      const told = await change(look);
      seen.set(told, look);
      return told;
    },
    snapshot: async (told) => {
      const result = await store.snapshot(seen.get(told) ?? told);
      if (!result.ok || result.value.digest === told.digest) return result;
      const folder = join(options.snapshotRoot, told.digest);
      await rm(folder, { recursive: true, force: true });
      await rename(result.value.folder, folder);
      return { ok: true, value: { ...result.value, digest: told.digest, folder } };
    },
    prune: store.prune,
  };
}

function afterSnapshot(
  spoil: (folder: string, options: CertificateStoreOptions) => Promise<unknown>,
): StoreFactory {
  return (options) => {
    const store = createCertificateStore(options);
    return {
      ...store,
      snapshot: async (look) => {
        const result = await store.snapshot(look);
        if (result.ok) await spoil(result.value.folder, options);
        return result;
      },
    };
  };
}

async function quoting(file: FileFacts, folder: string): Promise<FileFacts> {
  const { content } = file;
  if (content.kind !== 'pem') return file;
  const text = await readWithoutWaiting(join(folder, file.name)).catch(() => '');
  const blocks = content.blocks.map((block) =>
    block.kind === 'broken' ? { ...block, reason: `it is ${text}` } : block,
  );
  return { ...file, content: { ...content, blocks } };
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}

/** 0 where nothing is. */
const changeTimeOf = (path: string) =>
  stat(path)
    .then(({ mtimeMs }) => mtimeMs)
    .catch(() => 0);

/** Half a digest. */
const hexOf = (times: readonly number[]) =>
  createHash('sha256').update(times.join()).digest('hex').slice(32);
