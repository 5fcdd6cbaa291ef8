/** What a hostile writer writes: certificates issued beforehand, whole or spoiled in every way. */
import { createPrivateKey } from 'node:crypto';
import { issueAuthority, type KeyType } from './certificates.ts';

/** `brief` ends and `soon` begins a minute after the start; `steady` outlasts every run. */
export type Term = 'steady' | 'brief' | 'soon' | 'expired' | 'notYetValid';

interface PoolLeaf {
  readonly term: Term;
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly encryptedKeyPem: string;
}

export interface Material {
  /** The steady ones first. */
  readonly leaves: readonly PoolLeaf[];
  readonly bundles: readonly string[];
}

/** How many of the leaves are steady. */
export const STEADY_COUNT = 6;
const OTHER_TERMS = ['brief', 'soon', 'expired', 'notYetValid'] as const;
export const LEAF_COUNT = STEADY_COUNT + OTHER_TERMS.length;
export const BUNDLE_COUNT = 3;

/** Issues everything once, for runs that begin at this wall-clock time. */
export async function issueMaterial(startWallMs: number): Promise<Material> {
  const authorities = [await authorityFrom(startWallMs), await authorityFrom(startWallMs)] as const;
  const [one, other] = authorities;
  const terms = [...Array.from({ length: STEADY_COUNT }, () => 'steady' as const), ...OTHER_TERMS];
  const leaves: PoolLeaf[] = [];
  for (const [index, term] of terms.entries()) {
    const leaf = await (authorities[index % 2] ?? one).issueLeaf({
      commonName: `leaf-${index}.test`,
      keyType: keyTypeOf(index),
      chain: index % 3 !== 1,
      ...datesOf(term, startWallMs),
    });
    leaves.push({ term, ...leaf, encryptedKeyPem: encrypted(leaf.keyPem) });
  }
  const bundles = [one.certificatePem, other.certificatePem];
  return { leaves, bundles: [...bundles, bundles.join('')] };
}

const keyTypeOf = (index: number): KeyType => (index === 1 || index === 2 ? 'rsa' : 'ecdsa');

const minuteMs = 60_000;
const yearMs = 365 * 24 * 60 * minuteMs;

function authorityFrom(startWallMs: number) {
  const notBefore = new Date(startWallMs - yearMs);
  return issueAuthority({ notBefore, notAfter: new Date(startWallMs + 10 * yearMs) });
}

function datesOf(term: Term, startWallMs: number) {
  const spans = {
    steady: [-yearMs, yearMs],
    brief: [-yearMs, minuteMs],
    soon: [minuteMs, yearMs],
    expired: [-yearMs, -minuteMs],
    notYetValid: [yearMs, 2 * yearMs],
  } as const;
  const [from, to] = spans[term];
  return { notBefore: new Date(startWallMs + from), notAfter: new Date(startWallMs + to) };
}

function encrypted(keyPem: string): string {
  const form = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
  return createPrivateKey(keyPem).export(form).toString();
}

export const DRESSES = [
  'plain',
  'crlf',
  'textAround',
  'noLastNewline',
  'twice',
  'byteOrderMark',
  'indented',
  'glued',
  'cut',
  'cutAfterBlock',
  'corrupt',
  'junkBehind',
  'anotherFirst',
  'anotherBehind',
  'der',
  'encrypted',
  'empty',
] as const;

/** What is done to the text before it is written. */
export type Dress = (typeof DRESSES)[number];

export interface Content {
  readonly half: 'certificate' | 'key' | 'bundle';
  /** Which leaf, or which bundle; beyond the last one it goes on with the first. */
  readonly pick: number;
  readonly dress: Dress;
  /** Where it is cut or corrupt, in percent of its length. */
  readonly percent: number;
}

export function bytesOf(content: Content, material: Material): Buffer {
  const text = plainText(content, material);
  if (content.dress === 'der') return Buffer.from(text.replace(/-----[A-Z ]+-----/g, ''), 'base64');
  return Buffer.from(dressed(text, content, material));
}

/** As an honest writer writes it. */
export function plainText({ half, pick }: Pick<Content, 'half' | 'pick'>, material: Material) {
  if (half === 'bundle') return material.bundles[pick % material.bundles.length] ?? '';
  const leaf = material.leaves[pick % material.leaves.length];
  return (half === 'key' ? leaf?.keyPem : leaf?.certificatePem) ?? '';
}

function dressed(text: string, content: Content, material: Material): string {
  // That of the other slot, when a set begins with an even leaf.
  const another = () => plainText({ half: content.half, pick: content.pick ^ 1 }, material);
  const length = Math.floor((text.length * content.percent) / 100);
  const dresses: Readonly<Record<Exclude<Dress, 'der'>, () => string>> = {
    plain: () => text,
    crlf: () => text.replaceAll('\n', '\r\n'),
    textAround: () => `Bag Attributes\n    name: x\n${text}issued by hand\n`,
    noLastNewline: () => text.trimEnd(),
    twice: () => text + text,
    byteOrderMark: () => `\uFEFF${text}`,
    indented: () => text.replace('-----BEGIN', '  -----BEGIN'),
    glued: () => text.trimEnd() + another(),
    cut: () => text.slice(0, length),
    cutAfterBlock: () => text.slice(0, (/-----END [A-Z ]+-----\n/.exec(text)?.index ?? 0) + 30),
    corrupt: () => `${text.slice(0, length)}!${text.slice(length + 1)}`,
    junkBehind: () => `${text}-----BEGIN CERTIFICATE-----\nAAAA\n`,
    anotherFirst: () => another() + text,
    anotherBehind: () => text + another(),
    encrypted: () => encryptedText(content, material) ?? text,
    empty: () => '',
  };
  return content.dress === 'der' ? text : dresses[content.dress]();
}

function encryptedText({ half, pick }: Content, { leaves }: Material): string | undefined {
  return half === 'key' ? leaves[pick % leaves.length]?.encryptedKeyPem : undefined;
}

/** Whether a text has a piece of a private key in it, in the form in which it is in the files. */
export function createKeySearch({ leaves }: Material): (text: string) => boolean {
  const pieces = new Set<string>();
  for (const { keyPem, encryptedKeyPem } of leaves) {
    const lines = `${keyPem}${encryptedKeyPem}`.split('\n').filter((line) => !line.startsWith('-'));
    for (const piece of lines.flatMap(piecesOf)) pieces.add(piece);
  }
  return (text) => {
    const words = text.match(/[A-Za-z0-9+/]{16,}/g) ?? [];
    return words.some((word) => piecesOf(word).some((piece) => pieces.has(piece)));
  };
}

const PIECE_LENGTH = 16;

function piecesOf(text: string): readonly string[] {
  const count = Math.max(0, text.length - PIECE_LENGTH + 1);
  return Array.from({ length: count }, (_, index) => text.slice(index, index + PIECE_LENGTH));
}
