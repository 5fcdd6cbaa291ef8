/**
 * What must be true of every snapshot, told from its bytes and from what the witness saw, with
 * nothing of the code that made it.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { must } from './broken-rule.ts';
import { type HostileFolder, placeOf } from './hostile-writer-folders.ts';
import type { FolderState } from './hostile-writer-witness.ts';

export interface Accepted {
  readonly snapshot: string;
  readonly folders: readonly HostileFolder[];
  readonly seen: readonly (readonly FolderState[])[];
  /** When it was looked at. */
  readonly wallMs: number;
}

/** By file name, for each folder. */
type SnapshotFiles = readonly ReadonlyMap<string, string>[];

/** @throws BrokenRule */
export function checkSnapshot({ snapshot, folders, seen, wallMs }: Accepted): void {
  checkPrivacy(snapshot);
  const files = folders.map((folder, index) => filesIn(join(snapshot, placeOf(folder, index))));
  const count = files.reduce((sum, { size }) => sum + size, 0);
  must('nothing but the files of the folders is in a snapshot', count === fileCount(snapshot));
  for (const [index, own] of files.entries()) {
    must('a snapshot is what was in the folder at one moment', wasThere(own, seen[index] ?? []));
  }
  for (const text of files.flatMap((own) => [...own.values()])) checkWhole(text);
  checkMatched(files, folders);
  checkDates(files, wallMs);
}

function checkPrivacy(snapshot: string): void {
  const paths = entriesIn(snapshot);
  for (const path of [dirname(snapshot), snapshot, ...paths]) {
    const stats = lstatSync(path);
    const isPlain = stats.isDirectory() || (stats.isFile() && stats.nlink === 1);
    must('a snapshot is made of files and folders of its own', isPlain);
    const mode = stats.isDirectory() ? 0o700 : 0o600;
    must('a snapshot is for its owner alone', (stats.mode & 0o777) === mode);
  }
}

/** Everything in a snapshot, as paths. */
function entriesIn(snapshot: string): readonly string[] {
  return readdirSync(snapshot, { recursive: true }).map((path) => join(snapshot, String(path)));
}

const fileCount = (snapshot: string) =>
  entriesIn(snapshot).filter((path) => lstatSync(path).isFile()).length;

/** None of a folder that was empty, whose place is not made then. */
function filesIn(path: string): ReadonlyMap<string, string> {
  if (!existsSync(path)) return new Map();
  const entries = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(entries.map(({ name }) => [name, readFileSync(join(path, name), 'latin1')]));
}

function wasThere(files: ReadonlyMap<string, string>, states: readonly FolderState[]): boolean {
  return states.some((state) => {
    const entries = [...state].filter(([, entry]) => entry !== 'folder');
    return (
      entries.length === files.size &&
      entries.every(([name, entry]) => typeof entry === 'object' && entry.text === files.get(name))
    );
  });
}

/** Every BEGIN has its END, both alone on their lines, and all that is in a certificate parses. */
function checkWhole(text: string): void {
  const whole = /^-----BEGIN ([A-Z ]+)-----\r?\n[^-]+^-----END \1-----\r?$/gm;
  const blocks = text.match(whole) ?? [];
  const boundaryCount = text.match(/-----(BEGIN|END)/g)?.length ?? 0;
  must('every PEM block of a snapshot is whole', boundaryCount === 2 * blocks.length);
  for (const block of blocks) must('every PEM block of a snapshot can be read', isReadable(block));
}

function isReadable(block: string): boolean {
  return block.includes('PRIVATE KEY') ? keyOf(block) !== undefined : !!certificateOf(block);
}

function checkMatched(files: SnapshotFiles, folders: readonly HostileFolder[]): void {
  const leaves = textsOf(files).flatMap((text) => certificateOf(text) ?? []);
  const keys = keysOf(files);
  const isOfOne = (key: KeyObject) => leaves.some((leaf) => leaf.checkPrivateKey(key));
  must('every key belongs to the first certificate of a file', keys.every(isOfOne));
  for (const [index, { slots }] of folders.entries()) {
    for (const slot of slots) {
      const leaf = certificateOf(files[index]?.get(slot.certificate) ?? '');
      const key = keyOf(files[index]?.get(slot.key) ?? '');
      if (leaf && key) must('the key of a pair is that of its leaf', leaf.checkPrivateKey(key));
      const isAlone = leaf && !leaf.ca && !keys.some((one) => leaf.checkPrivateKey(one));
      must('no leaf is without its key', !isAlone);
    }
  }
}

function checkDates(files: SnapshotFiles, wallMs: number): void {
  const keys = keysOf(files);
  for (const leaf of textsOf(files).map(certificateOf)) {
    if (leaf === undefined || !keys.some((key) => leaf.checkPrivateKey(key))) continue;
    must('no leaf has expired', wallMs <= Date.parse(leaf.validTo));
    must('every leaf is valid already', wallMs >= Date.parse(leaf.validFrom));
  }
}

const textsOf = (files: SnapshotFiles) => files.flatMap((own) => [...own.values()]);

/** Not the first of each file alone. */
function keysOf(files: SnapshotFiles): readonly KeyObject[] {
  const blocks = textsOf(files).flatMap((text) => text.split(/^(?=-----BEGIN)/m));
  return blocks.flatMap((block) => keyOf(block) ?? []);
}

const certificates = new Map<string, X509Certificate | undefined>();
const keys = new Map<string, KeyObject | undefined>();

/** The first certificate of a file, as a library that is given the file would load it. */
function certificateOf(text: string): X509Certificate | undefined {
  return remembered(certificates, text, () => new X509Certificate(text));
}

/** The first key of a file, the same way. */
function keyOf(text: string): KeyObject | undefined {
  return remembered(keys, text, () => createPrivateKey(text));
}

/** There are few texts and many snapshots. */
function remembered<Value>(
  known: Map<string, Value | undefined>,
  text: string,
  parse: () => Value,
): Value | undefined {
  if (known.has(text)) return known.get(text);
  const value = (() => {
    try {
      return text.includes('-----BEGIN') ? parse() : undefined;
    } catch {
      return undefined;
    }
  })();
  if (known.size > 5_000) known.clear();
  known.set(text, value);
  return value;
}

/** Everything about a snapshot that must not change while it is in use. */
export function fingerprintOf(snapshot: string): string {
  const paths = [snapshot, ...entriesIn(snapshot)].sort();
  const facts = paths.map((path) => {
    const stats = lstatSync(path);
    const text = stats.isFile() ? readFileSync(path, 'latin1') : '';
    return [path, stats.ino, stats.mode, stats.nlink, stats.mtimeMs, text];
  });
  return JSON.stringify(facts);
}

/** Its files alone, wherever it lies. */
export function contentOf(snapshot: string): string {
  const paths = entriesIn(snapshot).filter((path) => lstatSync(path).isFile());
  const files = paths.map((path) => [path.slice(snapshot.length), readFileSync(path, 'latin1')]);
  return JSON.stringify(files.sort());
}
