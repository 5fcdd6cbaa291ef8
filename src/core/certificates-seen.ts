/**
 * What the looks at the certificate folders found, for decisions and for people, and how near the
 * certificates in use are to their end. Wall-clock times are those of the looks: a clock that jumps
 * is followed from the next look on.
 */
import type { CertificateVerdict } from './certificate-verdict.ts';
import type { Desired, Digest } from './model.ts';

export interface CertificatesSeen {
  /**
   * `absent`: there is nothing and never was. `unsaved`: it would be accepted, but its snapshot
   * could not be written.
   */
  readonly verdict: CertificateVerdict['kind'] | 'absent' | 'unsaved';
  /** Why the set is held, one line each. */
  readonly problems: readonly string[];
  /** What to do about the problems, in one line. */
  readonly advice?: string;
  /** The set that is whole and kept: of this look or, where it was held, of an earlier one. */
  readonly kept?: KeptSet;
  /** When the look was, in wall-clock milliseconds since 1970. */
  readonly wallMs: number;
}

export interface KeptSet {
  readonly digest: Digest;
  /** The certificates that have a key. */
  readonly leaves: readonly LeafFacts[];
}

export interface LeafFacts {
  /** Of the certificate's file, as the folders name it. */
  readonly path: string;
  readonly subject: string;
  readonly serialNumber: string;
  /** Wall-clock milliseconds since 1970, as the next one. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface CertificatesKnown {
  readonly seen: CertificatesSeen;
  /** Monotonic milliseconds of the look. */
  readonly atMs: number;
  /** Since when it has been the same verdict, in monotonic milliseconds. */
  readonly sinceMs: number;
  /** When the first leaf of each set that is desired or LIVE ends, in wall-clock milliseconds. */
  readonly ends: ReadonlyMap<Digest, number>;
}

/** Takes a look in. `inUse`: what is desired and what is LIVE; ends of other sets are forgotten. */
export function known(
  before: CertificatesKnown | undefined,
  seen: CertificatesSeen,
  { atMs, inUse }: { readonly atMs: number; readonly inUse: readonly (Desired | undefined)[] },
): CertificatesKnown {
  const isSame = before !== undefined && isSameFinding(before.seen, seen);
  const used = new Set(inUse.map((desired) => desired?.certificates));
  const kept = [...(before?.ends ?? [])].filter(([digest]) => used.has(digest));
  return {
    seen,
    atMs,
    sinceMs: isSame ? before.sinceMs : atMs,
    ends: new Map([...kept, ...endOf(seen.kept)]),
  };
}

/** What was accepted is unchanged from the next look on. */
function isSameFinding(before: CertificatesSeen, seen: CertificatesSeen): boolean {
  if (seen.verdict === 'unchanged') return ['accepted', 'unchanged'].includes(before.verdict);
  return seen.verdict === before.verdict && seen.kept?.digest === before.kept?.digest;
}

function endOf(kept: KeptSet | undefined): readonly (readonly [Digest, number])[] {
  if (kept === undefined || kept.leaves.length === 0) return [];
  return [[kept.digest, Math.min(...kept.leaves.map(({ notAfterMs }) => notAfterMs))]];
}

/**
 * How long the certificates of a set are still good for, in milliseconds from `atMs` on, less than 0
 * when they have ended; undefined when nothing is known of them.
 */
export function lifetimeLeftMs(
  certificates: CertificatesKnown | undefined,
  digest: Digest | undefined,
  atMs: number,
): number | undefined {
  const endMs = digest && certificates?.ends.get(digest);
  if (certificates === undefined || endMs === undefined) return undefined;
  return endMs - (certificates.seen.wallMs + atMs - certificates.atMs);
}

/**
 * How much of its lifetime a certificate has left. `aging`: less than a fifth, a new one is
 * overdue with most issuers. `ending`: less than a tenth. `ended`: nobody accepts it any more.
 */
export type LifetimeStage = 'fresh' | 'aging' | 'ending' | 'ended';

const AGING_SHARE = 0.2;
const ENDING_SHARE = 0.1;

export function lifetimeStage(leaf: LeafFacts, wallMs: number): LifetimeStage {
  const { notBeforeMs, notAfterMs } = leaf;
  if (wallMs > notAfterMs) return 'ended';
  const leftShare = (notAfterMs - wallMs) / Math.max(1, notAfterMs - notBeforeMs);
  if (leftShare < ENDING_SHARE) return 'ending';
  return leftShare < AGING_SHARE ? 'aging' : 'fresh';
}
