import { depthOf, mapOf, type Tree, type TreeMap } from './tree.ts';

export interface NodeMetadata {
  readonly metadata: TreeMap;
  /** One line for each variable that was left out: its name, never its value. */
  readonly warnings: readonly string[];
}

const TEXT = 'ISTIO_META_';
const JSON_TEXT = 'ISTIO_METAJSON_';
const MOST_LENGTH = 65_536;
const MOST_TOTAL_LENGTH = 262_144;
const MOST_DEPTH = 32;

type Taken = { readonly value: Tree } | { readonly reason: string };

/**
 * Envoy's node metadata from the environment: `ISTIO_META_X` gives the text of X and
 * `ISTIO_METAJSON_X` its JSON. What is malformed or too large is left out with a warning and the
 * rest is kept: one bad label must not stop the proxy. Lengths are counted in characters.
 */
export function nodeMetadata(env: Readonly<Record<string, string | undefined>>): NodeMetadata {
  const entries: [string, Tree][] = [];
  const warnings: string[] = [];
  let room = MOST_TOTAL_LENGTH;
  for (const name of Object.keys(env).sort()) {
    const prefix = [TEXT, JSON_TEXT].find((start) => name.startsWith(start) && name !== start);
    const text = env[name];
    if (prefix === undefined || text === undefined) continue;
    const taken = takenOf(text, prefix, room);
    if ('reason' in taken) {
      warnings.push(`Cannot take ${shortened(name)} into the node metadata: ${taken.reason}.`);
      continue;
    }
    room -= name.length + text.length;
    entries.push([name.slice(prefix.length), taken.value]);
  }
  return { metadata: mapOf(entries), warnings: warnings.slice(0, 20) };
}

function takenOf(text: string, prefix: string, room: number): Taken {
  if (text.length > MOST_LENGTH) return { reason: `it is longer than ${MOST_LENGTH} characters` };
  if (text.length > room) return { reason: `all together exceed ${MOST_TOTAL_LENGTH} characters` };
  return prefix === TEXT ? { value: text } : parsed(text);
}

function parsed(text: string): Taken {
  let value: Tree;
  try {
    value = JSON.parse(text) as Tree;
  } catch {
    return { reason: 'it is not JSON' };
  }
  if (depthOf(value, MOST_DEPTH + 1) > MOST_DEPTH) {
    return { reason: `it is nested deeper than ${MOST_DEPTH} levels` };
  }
  return { value };
}

function shortened(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}...` : name;
}
