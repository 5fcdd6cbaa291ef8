import { describe, expect, test } from 'vitest';
import { certificatesStatus } from '../../src/core/certificate-status.ts';
import {
  type CertificatesSeen,
  type LeafFacts,
  withLook,
} from '../../src/core/certificates-seen.ts';
import { digestOf } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import { OLD, policy } from '../support/states.ts';

const WALL_MS = 1_700_000_000_000;
const C1 = digestOf('0123456789abcdef');

function leafOf(path: string, leftMs: number): LeafFacts {
  const dates = { notBeforeMs: WALL_MS - 1_000_000, notAfterMs: WALL_MS + leftMs };
  return { path, subject: 'CN=a', serialNumber: '0A', ...dates };
}

function statusAt(
  atMs: number,
  seen: Partial<CertificatesSeen>,
  state: Pick<State, 'committed'> = {},
) {
  const at = { wallMs: WALL_MS, atMs: 1_000 };
  const look: CertificatesSeen = { verdict: 'accepted', problems: [], ...at, ...seen };
  const certificates = withLook({}, look);
  const status = certificatesStatus({ certificates, ...state }, { policy, moment: { atMs } });
  if (status === undefined) throw new Error('There is no status.');
  return status;
}

describe('the status of the certificates', () => {
  test('counts the time left from the look on, what ends first comes first', () => {
    const leaves = [leafOf('/b', 9_000_000), leafOf('/a', 100_000)];
    const { kept, leaves: shown } = statusAt(41_500, { kept: { digest: C1, leaves } });
    expect(kept).toBe('01234567');
    expect(shown).toEqual([
      {
        path: '/a',
        subject: 'CN=a',
        serialNumber: '0A',
        notBefore: '2023-11-14T21:56:40Z',
        notAfter: '2023-11-14T22:15:00Z',
        leftSeconds: 59,
        stage: 'ending',
      },
      expect.objectContaining({ path: '/b', stage: 'fresh', leftSeconds: 8_959 }),
    ]);
  });

  test('goes on below zero when a certificate has ended since the look', () => {
    const kept = { digest: C1, leaves: [leafOf('/a', 100_000)] };
    const [leaf] = statusAt(161_000, { kept }).leaves;
    expect(leaf).toMatchObject({ leftSeconds: -60, stage: 'ended' });
  });

  test('has the problems with what to do about them', () => {
    const held = {
      verdict: 'mismatched',
      problems: ['Cannot use it.'],
      advice: 'Mend it.',
    } as const;
    expect(statusAt(4_000, held)).toMatchObject({ ...held, sinceSeconds: 3, leaves: [] });
  });

  test('tells what is served with apart from what is to come', () => {
    const kept = { digest: C1, leaves: [leafOf('/a', 100_000)] };
    expect(statusAt(1_000, { kept })).toMatchObject({ leaves: [{ path: '/a' }], toCome: [] });
    const other = statusAt(1_000, { kept }, { committed: OLD });
    expect(other).toMatchObject({ leaves: [], toCome: [{ path: '/a' }] });
  });
});
