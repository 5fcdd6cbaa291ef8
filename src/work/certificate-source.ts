/** The certificates Envoy is to run with: the last whole, matched and valid set that was seen. */
import type { CertificateLook } from '../core/certificate-facts.ts';
import {
  type CertificateSet,
  type CertificateVerdict,
  isNothingThere,
  judgeCertificates,
} from '../core/certificate-verdict.ts';
import type { CertificatesSeen } from '../core/certificates-seen.ts';
import type { CertificateSnapshot, Clock, Problem, Result } from '../ports.ts';

export interface CertificateStore {
  look(): Promise<CertificateLook>;
  snapshot(look: CertificateLook): Promise<Result<CertificateSnapshot>>;
  prune(inUse: ReadonlySet<string>): Promise<Result<void>>;
}

export interface KeptCertificates {
  readonly set: CertificateSet;
  readonly snapshot: CertificateSnapshot;
}

/** One look at the folders: what came of it, and what is kept from now on. */
export interface CertificateReading {
  /**
   * Undefined where there is nothing and never was; problems, with what to do about them, where
   * there is something that must not be used.
   */
  readonly result: Result<KeptCertificates | undefined>;
  readonly seen: CertificatesSeen;
}

/** Looks at the folders, given what was kept before, and keeps what it may. */
export async function readCertificates(
  store: CertificateStore,
  clock: Clock,
  kept: KeptCertificates | undefined,
): Promise<CertificateReading> {
  const look = await store.look();
  const wallMs = clock.wallMs();
  const { atMs } = clock.moment();
  const told = (verdict: CertificatesSeen['verdict'], now = kept): CertificatesSeen => {
    return { verdict, problems: [], ...keptSet(now), wallMs, atMs };
  };
  if (kept === undefined && isNothingThere(look)) {
    return { result: { ok: true, value: undefined }, seen: told('absent') };
  }
  const accepted = kept === undefined ? {} : { accepted: kept.set };
  const verdict = judgeCertificates(look, { wallMs, ...accepted });
  if ('problems' in verdict) {
    const { kind, advice } = verdict;
    const problems = verdict.problems.map(({ message }) => message);
    return {
      result: { ok: false, problems: advised(verdict) },
      seen: { ...told(kind), problems, advice },
    };
  }
  // Of an unchanged set as well: a copy that was damaged or removed is made anew.
  const snapshot = await store.snapshot(look);
  if (!snapshot.ok) {
    const problems = snapshot.problems.map(({ message }) => message);
    return { result: snapshot, seen: { ...told('unsaved'), problems } };
  }
  if (verdict.kind === 'unchanged') {
    return { result: { ok: true, value: kept }, seen: told('unchanged') };
  }
  const now = { set: verdict.set, snapshot: snapshot.value };
  return { result: { ok: true, value: now }, seen: told('accepted', now) };
}

function keptSet(kept: KeptCertificates | undefined): Pick<CertificatesSeen, 'kept'> {
  if (kept === undefined) return {};
  const { digest, pairs } = kept.set;
  const leaves = pairs.map(({ certificatePath: path, leaf }) => {
    const { subject, serialNumber, notBeforeMs, notAfterMs } = leaf;
    return { path, subject, serialNumber, notBeforeMs, notAfterMs };
  });
  return { kept: { digest, leaves } };
}

type Held = Extract<CertificateVerdict, { readonly problems: unknown }>;

function advised({ problems, advice }: Held): readonly Problem[] {
  return problems.map(({ about, message }, index) => ({
    about,
    message: index === problems.length - 1 ? `${message} ${advice}` : message,
  }));
}
