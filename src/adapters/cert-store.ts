/**
 * The certificate folders as Baton sees them, and the private snapshots that Envoy sees. What is
 * part of a set: every small regular file of a folder, PEM or not, under a name that is neither
 * hidden nor that of a temporary or backup copy; folders within are not. In a snapshot the files of
 * the first folder lie on top, those of each further folder under its base name (`name-2`, `name-3`
 * when that is taken by an earlier one).
 */
import { createHash, type Hash } from 'node:crypto';
import { basename, join } from 'node:path';
import type {
  CertificateLook,
  FileContent,
  FileFacts,
  FolderFacts,
} from '../core/certificate-facts.ts';
import { digestOf } from '../core/model.ts';
import type { CertificateSnapshot, Result } from '../ports.ts';
import { describeContent } from './cert-store/pem-facts.ts';
import { type FileReading, type FolderReading, readFolder } from './cert-store/read-folder.ts';
import { type FailedWork, snapshotProblem } from './cert-store/snapshot-problem.ts';
import { keepSnapshot, pruneSnapshots, type SnapshotFile } from './cert-store/snapshots.ts';

export interface CertificateStoreOptions {
  /** Absolute paths, in the order of the setting. */
  readonly folders: readonly string[];
  /** `certs` in the run directory; made when it is not there. */
  readonly snapshotRoot: string;
}

export interface CertificateStore {
  /** Reads and parses all folders. Never rejects: trouble is part of the look. */
  look(): Promise<CertificateLook>;
  /**
   * Copies what the look saw, not what is in the folders now. For accepted looks of this store
   * alone. Again for the same digest it checks the copy and, if it is damaged, replaces it.
   */
  snapshot(look: CertificateLook): Promise<Result<CertificateSnapshot>>;
  /** Removes all snapshots but these digests, and leftovers of crashed runs. */
  prune(inUse: ReadonlySet<string>): Promise<Result<void>>;
}

export function createCertificateStore(options: CertificateStoreOptions): CertificateStore {
  const { folders, snapshotRoot } = options;
  // Key material stays in here: a look that is logged or shown has facts alone.
  const contents = new WeakMap<CertificateLook, readonly SnapshotFile[]>();
  const inTurn = createTurns();
  const describe = createDescribing();

  async function look(): Promise<CertificateLook> {
    const readings: FolderReading[] = [];
    for (const folder of folders) readings.push(await readFolder(folder));
    const facts: FolderFacts[] = [];
    for (const reading of readings) facts.push(await describeFolder(reading, describe));
    describe.forgetOthers();
    const seen = { digest: digestOf(digestReadings(readings)), folders: facts };
    contents.set(seen, snapshotFiles(readings));
    return seen;
  }

  async function snapshot(seen: CertificateLook): Promise<Result<CertificateSnapshot>> {
    const files = contents.get(seen) ?? [];
    return attempt({ verb: 'write', about: join(snapshotRoot, seen.digest) }, async () => {
      const folder = await keepSnapshot(snapshotRoot, seen.digest, files);
      return { digest: seen.digest, folder, serialNumbers: serialNumbersIn(seen, folder) };
    });
  }

  return {
    look,
    snapshot: (seen) => inTurn(() => snapshot(seen)),
    prune: (inUse) =>
      inTurn(() =>
        attempt({ verb: 'remove', about: snapshotRoot }, () => pruneSnapshots(snapshotRoot, inUse)),
      ),
  };
}

/** One after the other: pruning must not take a snapshot in the making for a leftover. */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve();
  return <Value>(work: () => Promise<Value>): Promise<Value> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
}

async function attempt<Value>(work: FailedWork, run: () => Promise<Value>): Promise<Result<Value>> {
  try {
    return { ok: true, value: await run() };
  } catch (error) {
    return { ok: false, problems: [snapshotProblem(work, error)] };
  }
}

/** What is in a file's bytes. */
interface Describing {
  (bytes: Buffer): Promise<FileContent>;
  /** Ends a look: what was not asked for in it is not remembered. */
  forgetOthers(): void;
}

/** Remembers what the last look found: a bundle of 200 authorities takes 40 ms to parse (measured). */
function createDescribing(): Describing {
  let last = new Map<string, FileContent>();
  let now = new Map<string, FileContent>();
  const describe = async (bytes: Buffer) => {
    const digest = createHash('sha256').update(bytes).digest('base64');
    const content = now.get(digest) ?? last.get(digest) ?? (await describeContent(bytes));
    now.set(digest, content);
    return content;
  };
  const forgetOthers = () => {
    last = now;
    now = new Map();
  };
  return Object.assign(describe, { forgetOthers });
}

async function describeFolder(
  { folder, files, trouble }: FolderReading,
  describe: Describing,
): Promise<FolderFacts> {
  const facts: FileFacts[] = [];
  for (const file of files) facts.push(await describeFile(file, describe));
  return trouble === undefined ? { folder, files: facts } : { folder, files: facts, trouble };
}

async function describeFile(file: FileReading, describe: Describing): Promise<FileFacts> {
  if (file.kind === 'read') {
    const content = await describe(file.bytes);
    return { name: file.name, size: file.bytes.length, content };
  }
  const { name, size, kind, reason } = file;
  return { name, size, content: { kind, reason } };
}

/** Every part is framed by its length, so that no byte can pass unseen from one to the next. */
function digestReadings(readings: readonly FolderReading[]): string {
  const hash = createHash('sha256');
  for (const { folder, files, trouble } of readings) {
    frame(hash, folder);
    const isRead = trouble === undefined || trouble.kind === 'absent';
    frame(hash, isRead ? `${files.length} files` : trouble.kind);
    for (const file of files) {
      frame(hash, file.name);
      frame(hash, file.kind);
      frame(hash, file.kind === 'read' ? file.bytes : file.reason);
    }
  }
  return hash.digest('hex');
}

function frame(hash: Hash, part: string | Buffer): void {
  hash.update(`${Buffer.byteLength(part)}:`).update(part);
}

function snapshotFiles(readings: readonly FolderReading[]): SnapshotFile[] {
  const places = placesOf(readings.map(({ folder }) => folder));
  return readings.flatMap(({ files }, index) =>
    files.flatMap((file) => {
      const path = join(places[index] ?? '', file.name);
      return file.kind === 'read' ? [{ path, bytes: file.bytes }] : [];
    }),
  );
}

/** Files without a certificate are left out. */
function serialNumbersIn(
  { folders }: CertificateLook,
  snapshot: string,
): ReadonlyMap<string, readonly string[]> {
  const places = placesOf(folders.map(({ folder }) => folder));
  const entries = folders.flatMap(({ folder, files }, index) =>
    files.flatMap(({ name, content }) => {
      const blocks = content.kind === 'pem' ? content.blocks : [];
      const serials = blocks.flatMap((block) => {
        return block.kind === 'certificate' ? [block.serialNumber] : [];
      });
      if (serials.length === 0) return [];
      const paths = [join(snapshot, places[index] ?? '', name), `${folder}/${name}`];
      return paths.map((path) => [path, serials] as const);
    }),
  );
  return new Map(entries);
}

/** Where each folder's files go in a snapshot; it depends on the setting alone. */
function placesOf(folders: readonly string[]): readonly string[] {
  const places: string[] = [];
  for (const [index, folder] of folders.entries()) {
    const name = basename(folder) || 'root';
    const isTaken = places.includes(name);
    if (index === 0) places.push('');
    else places.push(isTaken ? `${name}-${index + 1}` : name);
  }
  return places;
}
