/** The looks at the certificate folders and what came of them as log records; never key material. */
import type { CertificateEvent } from './certificate-events.ts';
import { type CertificatesSeen, leafKey, leavesInUse } from './certificates-seen.ts';
import type { Event } from './events.ts';
import { isoTime } from './iso-time.ts';
import { info, type LogRecord, launchFields, record, type Told } from './log-record.ts';
import { shortDigest } from './model.ts';
import type { State } from './state.ts';

export function describeCertificateEvent(told: Told, event: CertificateEvent): LogRecord[] {
  switch (event.type) {
    case 'certificatesSeen':
      return describeLook(told, event.seen);
    case 'certificatesProved':
      return told.before.proving?.launch === event.launch ? [describeProof(told, event)] : [];
    case 'certificatesDelivered':
      return [describeDelivery(told, event)];
    case 'deliveryFailed':
      // One that was overtaken, by a crash or a stop, is nobody's failure.
      if (told.before.handover?.id !== event.handover) return [];
      return [
        record('warn', 'certificates not loaded in place', {
          handover: event.handover,
          problems: event.problems,
        }),
      ];
  }
}

/** A look that found what the one before it found is not told again. */
function describeLook({ before, after }: Told, seen: CertificatesSeen): LogRecord[] {
  const last = before.certificates?.seen;
  const isNewSet = seen.kept !== undefined && seen.kept.digest !== last?.kept?.digest;
  const accepted = isNewSet ? [describeSet(seen)] : [];
  const jumpedMs = last === undefined ? 0 : seen.wallMs - last.wallMs - (seen.atMs - last.atMs);
  const jumped = Math.abs(jumpedMs) < JUMP_MS ? [] : [describeJump(jumpedMs)];
  return [...accepted, ...jumped, ...describeEnds(before, after)];
}

/** A clock that is merely kept in step moves less than this between two looks. */
const JUMP_MS = 5_000;

function describeJump(jumpedMs: number): LogRecord {
  return record('warn', 'wall clock jumped', { byMs: Math.round(jumpedMs) });
}

function describeSet({ kept }: CertificatesSeen): LogRecord {
  const leaves = (kept?.leaves ?? []).map(({ path, subject, serialNumber, notAfterMs }) => {
    return { path, subject, serialNumber, notAfter: isoTime(notAfterMs) };
  });
  return info('certificates accepted', { certificates: kept && shortDigest(kept.digest), leaves });
}

/** Each certificate in use once for each step towards its end. */
function describeEnds(before: State, after: State): LogRecord[] {
  const { seen, stages } = after.certificates ?? {};
  return leavesInUse(after).flatMap((leaf) => {
    const stage = stages?.get(leafKey(leaf)) ?? 'fresh';
    if (stage === 'fresh' || stage === before.certificates?.stages.get(leafKey(leaf))) return [];
    const { path, serialNumber, notAfterMs } = leaf;
    const leftSeconds = Math.round((notAfterMs - (seen?.wallMs ?? 0)) / 1_000);
    const notAfter = isoTime(notAfterMs);
    const fields = { path, serialNumber, notAfter, leftSeconds, advice: ADVICE };
    return [endRecord(stage, fields)];
  });
}

function endRecord(stage: 'aging' | 'ending' | 'ended', fields: LogRecord['fields']): LogRecord {
  switch (stage) {
    case 'aging':
      return record('warn', 'certificate should have been renewed', fields);
    case 'ending':
      return record('error', 'certificate ends soon', fields);
    case 'ended':
      return record('error', 'certificate has ended', fields);
  }
}

const ADVICE = 'See to its issuer, or to what keeps a newer one from being served (baton status).';

function describeDelivery(
  { before }: Told,
  { handover }: Event & { type: 'certificatesDelivered' },
): LogRecord {
  const { launches, certificates } = before.delivery ?? {};
  const fields = { handover, launches, certificates: certificates && shortDigest(certificates) };
  return info('certificates loaded in place', fields);
}

function describeProof(
  told: Told,
  { launch, problem }: Event & { type: 'certificatesProved' },
): LogRecord {
  const fields = launchFields(told, launch);
  if (problem === undefined) return record('debug', 'certificates proved', fields);
  return record('debug', 'certificates not proved', { ...fields, problem });
}
