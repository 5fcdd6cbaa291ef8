/**
 * Reads a bootstrap and its layers, YAML or JSON, as trees. Scalars come out as Envoy's own reader
 * of each format takes them, for a user's complete bootstrap goes the same way as a template. What
 * is read is bounded: one document of at most 1 MiB, 100 levels and 100,000 nodes with its aliases
 * resolved, no repeated keys, no tags.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import plaintextInbound from '../../bootstrap-templates/layers/plaintext-inbound.yaml';
import plaintextOutbound from '../../bootstrap-templates/layers/plaintext-outbound.yaml';
import sidecar from '../../bootstrap-templates/sidecar.yaml';
import { AgentError } from '../core/agent-error.ts';
import { plainScalar } from '../core/plain-scalar.ts';
import type { Tree } from '../core/tree.ts';
import type { Result } from '../ports.ts';

export interface BootstrapSelection {
  /** A built-in template's name or a file's path. */
  readonly bootstrap: string;
  /** Built-in layers' names or files' paths. */
  readonly layers: readonly string[];
}

export interface BootstrapSources {
  readonly base: Tree;
  readonly layers: readonly Tree[];
  /** Absolute paths of the files among them; watch their folders. */
  readonly watchedPaths: readonly string[];
  /** SHA-256 over the raw bytes of all of them, in hexadecimal. */
  readonly digest: string;
}

const TEMPLATES: ReadonlyMap<string, string> = new Map([['sidecar', sidecar]]);
const LAYERS: ReadonlyMap<string, string> = new Map([
  ['plaintext-inbound', plaintextInbound],
  ['plaintext-outbound', plaintextOutbound],
]);
const MOST_BYTES = 1_048_576;
const PIECE_BYTES = 65_536;

/** What was last read of each file. */
export type ReadBefore = Map<string, FileSource>;

/**
 * Reads all of them; problems name the setting, the file and the line, and none of its content.
 * A file with the same bytes as in `before` is not parsed again: a certificate that rotates has the
 * bootstrap read as well, and parsing it was half of what a rotation allocates (measured).
 */
export async function readSources(
  selection: BootstrapSelection,
  before: ReadBefore = new Map(),
): Promise<Result<BootstrapSources>> {
  const wanted = [
    { about: 'BATON_BOOTSTRAP', name: selection.bootstrap, builtIns: TEMPLATES },
    ...selection.layers.map((name) => ({
      about: 'BATON_BOOTSTRAP_LAYERS',
      name,
      builtIns: LAYERS,
    })),
  ];
  const sources = await Promise.all(wanted.map((one) => readSource(one, before)));
  const problems = sources.flatMap((source) => (source.ok ? [] : source.problems));
  const read = sources.flatMap((source) => (source.ok ? [source.value] : []));
  const [base, ...layers] = read;
  if (problems.length > 0 || base === undefined) return { ok: false, problems };
  return {
    ok: true,
    value: {
      base: base.tree,
      layers: layers.map((layer) => layer.tree),
      watchedPaths: read.flatMap(({ path }) => (path === undefined ? [] : [path])),
      digest: digestOf(read.map(({ bytes }) => bytes)),
    },
  };
}

interface Wanted {
  readonly about: string;
  readonly name: string;
  readonly builtIns: ReadonlyMap<string, string>;
}

interface Source {
  readonly tree: Tree;
  readonly bytes: Buffer;
  readonly path?: string;
}

interface FileSource extends Source {
  readonly path: string;
}

async function readSource(
  { about, name, builtIns }: Wanted,
  before: ReadBefore,
): Promise<Result<Source>> {
  const builtIn = builtIns.get(name);
  if (builtIn === undefined && !isPath(name)) {
    const names = [...builtIns.keys()].join(', ');
    const form = `${names} or the path of a .yaml, .yml or .json file`;
    const message = `Expected ${about} to be ${form}, got ${JSON.stringify(name)}.`;
    return { ok: false, problems: [{ about, message }] };
  }
  try {
    const source = builtIn === undefined ? fromFile(name, before) : fromText(builtIn);
    return { ok: true, value: await source };
  } catch (error) {
    const message = `Cannot read ${name} of ${about}: ${reasonOf(error)}.`;
    return { ok: false, problems: [{ about, message }] };
  }
}

function isPath(name: string): boolean {
  return ['.yaml', '.yml', '.json'].includes(extname(name));
}

/** The build has turned it into JSON: the usual start needs no reader of YAML. */
async function fromText(text: string): Promise<Source> {
  const bytes = Buffer.from(text);
  if (text.startsWith('{')) return { tree: JSON.parse(text) as Tree, bytes };
  const { treeOf } = await import('./bootstrap-sources/yaml-tree.ts');
  return { tree: treeOf(text, plainScalar), bytes };
}

async function fromFile(name: string, before: ReadBefore): Promise<FileSource> {
  const path = resolve(name);
  const bytes = await readBounded(path);
  const last = before.get(path);
  if (last?.bytes.equals(bytes)) return last;
  const read = { tree: await treeFrom(bytes, path), bytes, path };
  before.set(path, read);
  return read;
}

async function treeFrom(bytes: Buffer, path: string): Promise<Tree> {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  const { jsonScalar, treeOf } = await import('./bootstrap-sources/yaml-tree.ts');
  if (extname(path) !== '.json') return treeOf(text, plainScalar);
  JSON.parse(text);
  return treeOf(text, jsonScalar);
}

async function readBounded(path: string): Promise<Buffer> {
  // Without O_NONBLOCK a pipe that nobody writes to would never open.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw unreadable('it is not a regular file');
    const pieces: Buffer[] = [];
    for (let length = 0; length <= MOST_BYTES; ) {
      const piece = Buffer.alloc(PIECE_BYTES);
      const { bytesRead } = await file.read(piece);
      if (bytesRead === 0) return Buffer.concat(pieces);
      pieces.push(piece.subarray(0, bytesRead));
      length += bytesRead;
    }
    throw unreadable('it is larger than 1 MiB');
  } finally {
    await file.close();
  }
}

/** Each part with its length before it, so that no byte can move from one to the next unseen. */
function digestOf(parts: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex');
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENXIO: 'it is not a regular file',
  ELOOP: 'its links go in a circle',
  ENOTDIR: 'a part of its path is no folder',
  ENAMETOOLONG: 'its path is too long',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8',
};

function reasonOf(error: unknown): string {
  if (error instanceof AgentError) return error.message;
  if (error instanceof SyntaxError) return 'it is not JSON';
  if (error instanceof RangeError) return 'it is nested too deeply';
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  return REASONS[code] ?? code;
}

/** The reason in words that follow "Cannot read NAME: ". */
function unreadable(reason: string): AgentError {
  return new AgentError('UNREADABLE', reason);
}
