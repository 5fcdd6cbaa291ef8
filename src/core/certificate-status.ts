/** The certificates as the status tells of them: the last look, what came of it, and the days left. */
import {
  type CertificatesSeen,
  type LeafFacts,
  type LifetimeStage,
  leavesInUse,
  leavesToCome,
  lifetimeStage,
  wallMsAt,
} from './certificates-seen.ts';
import { isoTime } from './iso-time.ts';
import { type Policy, shortDigest } from './model.ts';
import type { Outlook } from './readiness.ts';
import { secondsOf } from './seconds.ts';
import type { State } from './state.ts';

export interface CertificatesStatus {
  /** Of the last look. */
  readonly verdict: CertificatesSeen['verdict'];
  /** For how long looks have come to this verdict; `unchanged` goes on from `accepted`. */
  readonly sinceSeconds: number;
  readonly problems: readonly string[];
  /** What to do about the problems. */
  readonly advice?: string | undefined;
  readonly delivery: Policy['delivery'];
  /** First eight characters of the digest of the set that is kept; absent without one. */
  readonly kept?: string | undefined;
  /** What Envoy serves with, of it what has a key; the one that ends first comes first. */
  readonly leaves: readonly LeafStatus[];
  /** Of the kept set, where it is not served with yet. */
  readonly toCome: readonly LeafStatus[];
}

export interface LeafStatus {
  readonly path: string;
  readonly subject: string;
  readonly serialNumber: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** Less than 0 when it has ended. */
  readonly leftSeconds: number;
  readonly stage: LifetimeStage;
}

/** Undefined before the first look, and where there are no folders. */
export function certificatesStatus(
  state: Pick<State, 'certificates' | 'committed'>,
  { moment, policy }: Outlook,
): CertificatesStatus | undefined {
  const { certificates } = state;
  if (certificates === undefined) return undefined;
  const { seen, sinceMs } = certificates;
  const wallMs = wallMsAt(certificates, moment.atMs);
  const shown = (leaves: readonly LeafFacts[]) =>
    [...leaves]
      .sort((one, other) => one.notAfterMs - other.notAfterMs)
      .map((leaf) => leafStatus(leaf, wallMs));
  return {
    verdict: seen.verdict,
    sinceSeconds: secondsOf(moment.atMs - sinceMs),
    problems: seen.problems,
    advice: seen.advice,
    delivery: policy.delivery,
    kept: seen.kept && shortDigest(seen.kept.digest),
    leaves: shown(leavesInUse(state)),
    toCome: shown(leavesToCome(state)),
  };
}

function leafStatus(leaf: LeafFacts, wallMs: number): LeafStatus {
  const { path, subject, serialNumber, notBeforeMs, notAfterMs } = leaf;
  return {
    path,
    subject,
    serialNumber,
    notBefore: isoTime(notBeforeMs),
    notAfter: isoTime(notAfterMs),
    leftSeconds: Math.floor((notAfterMs - wallMs) / 1_000),
    stage: lifetimeStage(leaf, wallMs),
  };
}
