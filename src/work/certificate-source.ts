/** The certificates Envoy is to run with: the last whole, matched and valid set that was seen. */
import type { CertificateLook } from '../core/certificate-facts.ts';
import {
  type CertificateSet,
  type CertificateVerdict,
  isNothingThere,
  judgeCertificates,
} from '../core/certificate-verdict.ts';
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

/**
 * One look at the folders, given what was kept before. Undefined where there is nothing and never
 * was; problems, with what to do about them, where there is something that must not be used.
 */
export async function readCertificates(
  store: CertificateStore,
  clock: Clock,
  kept: KeptCertificates | undefined,
): Promise<Result<KeptCertificates | undefined>> {
  const look = await store.look();
  if (kept === undefined && isNothingThere(look)) return { ok: true, value: undefined };
  const accepted = kept === undefined ? {} : { accepted: kept.set };
  const verdict = judgeCertificates(look, { wallMs: clock.wallMs(), ...accepted });
  if ('problems' in verdict) return { ok: false, problems: advised(verdict) };
  if (verdict.kind === 'unchanged') return { ok: true, value: kept };
  const snapshot = await store.snapshot(look);
  if (!snapshot.ok) return snapshot;
  return { ok: true, value: { set: verdict.set, snapshot: snapshot.value } };
}

type Held = Extract<CertificateVerdict, { readonly problems: unknown }>;

function advised({ problems, advice }: Held): readonly Problem[] {
  return problems.map(({ about, message }, index) => ({
    about,
    message: index === problems.length - 1 ? `${message} ${advice}` : message,
  }));
}
