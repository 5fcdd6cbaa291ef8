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
  /** When the look was: wall-clock milliseconds since 1970, and monotonic ones. */
  readonly wallMs: number;
  readonly atMs: number;
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
  /** Since when it has been the same verdict, in monotonic milliseconds. */
  readonly sinceMs: number;
  /** Of each set that is kept, desired or LIVE. */
  readonly leaves: ReadonlyMap<Digest, readonly LeafFacts[]>;
  /** How near its end each certificate in use was at the look, by `leafKey`. */
  readonly stages: ReadonlyMap<string, LifetimeStage>;
}

/** The same certificate, at the same place. */
export const leafKey = ({ path, serialNumber }: LeafFacts) => `${serialNumber} ${path}`;

/** Takes a look in. Sets that are neither kept nor desired nor LIVE are forgotten. */
export function withLook(
  { certificates: before, desired, committed }: UseState & { readonly desired?: Desired },
  seen: CertificatesSeen,
): CertificatesKnown {
  const isSame = before !== undefined && isSameFinding(before.seen, seen);
  const used = new Set([desired?.certificates, committed?.certificates]);
  const known = [...(before?.leaves ?? [])].filter(([digest]) => used.has(digest));
  const { kept } = seen;
  const newest = kept === undefined ? [] : [[kept.digest, kept.leaves] as const];
  const certificates = {
    seen,
    sinceMs: isSame ? before.sinceMs : seen.atMs,
    leaves: new Map([...known, ...newest]),
    stages: new Map<string, LifetimeStage>(),
  };
  const inUse = leavesInUse(
    committed === undefined ? { certificates } : { certificates, committed },
  );
  const stages = inUse.map((leaf) => [leafKey(leaf), lifetimeStage(leaf, seen.wallMs)] as const);
  return { ...certificates, stages: new Map(stages) };
}

/** What was accepted is unchanged from the next look on. */
function isSameFinding(before: CertificatesSeen, seen: CertificatesSeen): boolean {
  if (seen.verdict === 'unchanged') return ['accepted', 'unchanged'].includes(before.verdict);
  return seen.verdict === before.verdict && seen.kept?.digest === before.kept?.digest;
}

/**
 * The certificates that Envoy serves with: those LIVE, and before anything was LIVE those it is to
 * start with.
 */
export function leavesInUse({ certificates, committed }: UseState): readonly LeafFacts[] {
  const digest = committed === undefined ? certificates?.seen.kept?.digest : committed.certificates;
  return (digest && certificates?.leaves.get(digest)) ?? [];
}

/** Those that are kept and not served with yet: none when they are the same. */
export function leavesToCome({ certificates, committed }: UseState): readonly LeafFacts[] {
  const kept = certificates?.seen.kept;
  const isInUse = committed === undefined || kept?.digest === committed.certificates;
  return isInUse ? [] : (kept?.leaves ?? []);
}

interface UseState {
  readonly certificates?: CertificatesKnown;
  readonly committed?: Desired;
}

/** The wall clock at a monotonic moment, by the last look. */
export function wallMsAt({ seen }: CertificatesKnown, atMs: number): number {
  return seen.wallMs + atMs - seen.atMs;
}

/**
 * How long the certificates in use are still good for, in milliseconds from `atMs` on, less than 0
 * when one has ended; undefined when nothing is known of them.
 */
export function lifetimeLeftMs(state: UseState, atMs: number): number | undefined {
  const leaves = leavesInUse(state);
  if (state.certificates === undefined || leaves.length === 0) return undefined;
  const endMs = Math.min(...leaves.map(({ notAfterMs }) => notAfterMs));
  return endMs - wallMsAt(state.certificates, atMs);
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
