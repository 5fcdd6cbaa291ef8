/** YAML as trees. Loaded only where there is YAML to read: the library takes a while to start. */
import {
  isAlias,
  isCollection,
  isMap,
  isScalar,
  parseDocument,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { AgentError } from '../../core/agent-error.ts';
import { mapOf, type Tree } from '../../core/tree.ts';

const MOST_LEVELS = 100;
const MOST_NODES = 100_000;

/** Every scalar of the document is text at first; `plain` says what an unquoted one means. */
export function treeOf(text: string, plain: (text: string) => Tree): Tree {
  // Looking for repeated keys is left to the walk: the parser's own search is quadratic.
  const options = { schema: 'failsafe', prettyErrors: false, uniqueKeys: false } as const;
  const document = parseDocument(text, options);
  const [error] = document.errors;
  if (error !== undefined) {
    const code = error.code.toLowerCase().replaceAll('_', ' ');
    throw unreadable(`it is not one YAML document, ${lineOf(text, error.pos[0])} (${code})`);
  }
  if (!isMap(document.contents)) throw unreadable('it holds no map');
  return walked({ text, plain, anchored: new Map() }, document.contents, 0).tree;
}

interface Walk {
  readonly text: string;
  readonly plain: (text: string) => Tree;
  /** What stands at each anchor, the latest of its name. */
  readonly anchored: Map<string, Walked>;
}

interface Walked {
  readonly tree: Tree;
  /** How many nodes the tree has when its aliases are written out. */
  readonly nodeCount: number;
}

function walked(walk: Walk, node: unknown, level: number): Walked {
  if (isAlias(node)) {
    return walk.anchored.get(node.source) ?? refuse(walk, node, 'names no anchor before it');
  }
  if (!isScalar(node) && !isCollection(node)) return { tree: null, nodeCount: 1 };
  if (node.tag !== undefined) refuse(walk, node, 'has a tag, and Envoy knows none');
  if (level > MOST_LEVELS) refuse(walk, node, `is nested deeper than ${MOST_LEVELS} levels`);
  const content = contentOf(walk, node, level + 1);
  if (content.nodeCount > MOST_NODES) refuse(walk, node, `holds more than ${MOST_NODES} nodes`);
  if (node.anchor !== undefined) walk.anchored.set(node.anchor, content);
  return content;
}

function contentOf(walk: Walk, node: Scalar | YAMLMap | YAMLSeq, level: number): Walked {
  if (isScalar(node)) return { tree: scalarOf(node, walk.plain), nodeCount: 1 };
  if (isMap(node)) return mapWalked(walk, node, level);
  const items = node.items.map((item) => walked(walk, item, level));
  return { tree: items.map(({ tree }) => tree), nodeCount: countOf(items) };
}

function mapWalked(walk: Walk, map: YAMLMap, level: number): Walked {
  const values = new Map<string, Walked>();
  for (const { key, value } of map.items) {
    if (!isScalar(key) || key.tag !== undefined)
      return refuse(walk, map, 'has a key that is no text');
    const name = String(key.value ?? '');
    if (values.has(name)) return refuse(walk, key, 'repeats a key');
    values.set(name, walked(walk, value, level));
  }
  const entries = [...values].map(([name, { tree }]) => [name, tree] as const);
  return { tree: mapOf(entries), nodeCount: countOf([...values.values()]) };
}

function refuse(walk: Walk, node: { range?: readonly number[] | null }, reason: string): never {
  throw unreadable(`${lineOf(walk.text, node.range?.[0] ?? 0)} ${reason}`);
}

function countOf(parts: readonly Walked[]): number {
  return parts.reduce((count, part) => count + part.nodeCount, 1);
}

function scalarOf(scalar: Scalar, plain: (text: string) => Tree): Tree {
  const text = String(scalar.value ?? '');
  return scalar.type === 'PLAIN' ? plain(text) : text;
}

/** An integer too large for a number stays text: Envoy reads either, and a number would be rounded. */
export function jsonScalar(text: string): Tree {
  const value = JSON.parse(text) as Tree;
  if (typeof value !== 'number') return value;
  const isExact = Number.isFinite(value) && (!/^-?\d+$/.test(text) || Number.isSafeInteger(value));
  return isExact ? value : text;
}

function lineOf(text: string, offset: number): string {
  return `line ${text.slice(0, offset).split('\n').length}`;
}

/** The reason in words that follow "Cannot read NAME: ". */
function unreadable(reason: string): AgentError {
  return new AgentError('UNREADABLE', reason);
}
