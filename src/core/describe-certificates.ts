/** The looks at the certificate folders and what came of them as log records; never key material. */
import type { CertificateEvent } from './certificate-events.ts';
import { type CertificatesSeen, type LeafFacts, lifetimeStage } from './certificates-seen.ts';
import type { Event } from './events.ts';
import { isoTime } from './iso-time.ts';
import { info, type LogRecord, launchFields, record, type Told } from './log-record.ts';

export function describeCertificateEvent(told: Told, event: CertificateEvent): LogRecord[] {
  switch (event.type) {
    case 'certificatesSeen':
      return describeLook(told, event.seen);
    case 'certificatesProved':
      return [describeProof(told, event)];
    case 'certificatesDelivered':
      return [info('certificates loaded in place', { handover: event.handover })];
    case 'deliveryFailed':
      return [
        record('error', 'certificates not loaded in place', {
          handover: event.handover,
          problems: event.problems,
        }),
      ];
  }
}

/** A look that found what the one before it found is not told again. */
function describeLook({ before, atMs }: Told, seen: CertificatesSeen): LogRecord[] {
  const last = before.certificates;
  const isNewSet = seen.kept !== undefined && seen.kept.digest !== last?.seen.kept?.digest;
  const accepted = isNewSet ? [describeSet(seen)] : [];
  const jumpedMs = last === undefined ? 0 : seen.wallMs - last.seen.wallMs - (atMs - last.atMs);
  const jumped = Math.abs(jumpedMs) < JUMP_MS ? [] : [describeJump(jumpedMs)];
  return [...accepted, ...jumped, ...describeEnds(seen, last?.seen)];
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
  return info('certificates accepted', { certificates: kept?.digest.slice(0, 8), leaves });
}

/** Each certificate once for each step towards its end. */
function describeEnds(seen: CertificatesSeen, last: CertificatesSeen | undefined): LogRecord[] {
  return (seen.kept?.leaves ?? []).flatMap((leaf) => {
    const stage = lifetimeStage(leaf, seen.wallMs);
    if (stage === 'fresh' || stage === stageBefore(leaf, last)) return [];
    const { path, serialNumber, notAfterMs } = leaf;
    const leftSeconds = Math.round((notAfterMs - seen.wallMs) / 1_000);
    const notAfter = isoTime(notAfterMs);
    const fields = { path, serialNumber, notAfter, leftSeconds, advice: ADVICE };
    return [record(LEVELS[stage], MESSAGES[stage], fields)];
  });
}

function stageBefore(leaf: LeafFacts, last: CertificatesSeen | undefined) {
  const same = last?.kept?.leaves.find(
    ({ path, serialNumber }) => path === leaf.path && serialNumber === leaf.serialNumber,
  );
  return same && last && lifetimeStage(same, last.wallMs);
}

const LEVELS = { aging: 'warn', ending: 'error', ended: 'error' } as const;
const MESSAGES = {
  aging: 'certificate should have been renewed',
  ending: 'certificate ends soon',
  ended: 'certificate has ended',
} as const;
const ADVICE = 'See to its issuer: nothing newer has come into the folder.';

function describeProof(
  told: Told,
  { launch, problem }: Event & { type: 'certificatesProved' },
): LogRecord {
  const fields = launchFields(told, launch);
  return problem === undefined
    ? record('debug', 'certificates proved', fields)
    : record('error', 'certificates not proved', { ...fields, problem });
}
