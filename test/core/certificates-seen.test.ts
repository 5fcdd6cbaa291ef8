import { describe, expect, it } from 'vitest';
import {
  type CertificatesSeen,
  type LeafFacts,
  leavesInUse,
  leavesToCome,
  lifetimeLeftMs,
  lifetimeStage,
  withLook,
} from '../../src/core/certificates-seen.ts';
import type { Event } from '../../src/core/events.ts';
import { digestOf, type Policy } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import { desiredOf, NEW, NOW_MS, OLD, policy, serving, take, takeAll } from '../support/states.ts';

const DAY_MS = 86_400_000;
const WALL_MS = 20_000 * DAY_MS;
const C1 = digestOf('certificates-1');
const C2 = digestOf('certificates-2');

function leafOf(patch: Partial<LeafFacts> = {}): LeafFacts {
  const dates = { notBeforeMs: WALL_MS, notAfterMs: WALL_MS + 10 * DAY_MS };
  return { path: '/certs/tls.crt', subject: 'CN=a', serialNumber: '01', ...dates, ...patch };
}

function seenOf(patch: Partial<CertificatesSeen> = {}): CertificatesSeen {
  const kept = { digest: C1, leaves: [leafOf()] };
  return { verdict: 'accepted', problems: [], kept, wallMs: WALL_MS, atMs: 0, ...patch };
}

describe('how near a certificate is to its end', () => {
  it.each([
    [0, 'fresh'],
    [7.99, 'fresh'],
    [8.01, 'aging'],
    [8.99, 'aging'],
    [9.01, 'ending'],
    [10, 'ending'],
    [10.001, 'ended'],
  ] as const)('is after %s of ten days: %s', (days, stage) => {
    expect(lifetimeStage(leafOf(), WALL_MS + days * DAY_MS)).toBe(stage);
  });

  it('is the same share of a lifetime of minutes', () => {
    const short = leafOf({ notAfterMs: WALL_MS + 600_000 });
    expect(lifetimeStage(short, WALL_MS + 475_000)).toBe('fresh');
    expect(lifetimeStage(short, WALL_MS + 485_000)).toBe('aging');
  });

  it('has no lifetime to share where the dates are the wrong way round', () => {
    const odd = leafOf({ notBeforeMs: WALL_MS + 2, notAfterMs: WALL_MS + 1 });
    expect(lifetimeStage(odd, WALL_MS)).toBe('fresh');
    expect(lifetimeStage(odd, WALL_MS + 2)).toBe('ended');
  });
});

describe('what is known of certificates', () => {
  const live = { desired: NEW, committed: OLD };

  it('counts unchanged looks as the acceptance they go on from', () => {
    const first = withLook(live, seenOf({ atMs: 1_000 }));
    const followed = (certificates: typeof first, seen: Partial<CertificatesSeen>) =>
      withLook({ ...live, certificates }, seenOf(seen));
    const second = followed(first, { verdict: 'unchanged', atMs: 5_000 });
    const held = followed(second, { verdict: 'mismatched', atMs: 7_000 });
    const still = followed(held, { verdict: 'mismatched', atMs: 9_000 });
    expect([first, second, held, still].map(({ sinceMs }) => sinceMs)).toEqual([
      1_000, 1_000, 7_000, 7_000,
    ]);
    const anew = { kept: { digest: C2, leaves: [] }, atMs: 8_000 };
    expect(followed(first, anew).sinceMs).toBe(8_000);
  });

  it('has the sets that are desired, LIVE or kept, and forgets the others', () => {
    const second = { kept: { digest: C2, leaves: [leafOf({ serialNumber: '02' })] } };
    const certificates = withLook(
      { ...live, certificates: withLook(live, seenOf()) },
      seenOf(second),
    );
    expect([...certificates.leaves.keys()]).toEqual([C1, C2]);
    const only = withLook({ certificates, desired: NEW, committed: NEW }, seenOf(second));
    expect([...only.leaves.keys()]).toEqual([C2]);
    const held = withLook(
      { certificates, committed: OLD },
      seenOf({ ...second, verdict: 'expired' }),
    );
    expect([...held.leaves.keys()]).toEqual([C1, C2]);
  });

  it('tells what is served with from what is to come', () => {
    const next = leafOf({ serialNumber: '02' });
    const first = withLook({}, seenOf());
    expect(leavesInUse({ certificates: first })).toEqual([leafOf()]);
    const kept = { digest: C2, leaves: [next] };
    const certificates = withLook({ ...live, certificates: first }, seenOf({ kept }));
    expect(leavesInUse({ certificates, committed: OLD })).toEqual([leafOf()]);
    expect(leavesToCome({ certificates, committed: OLD })).toEqual([next]);
    expect(leavesInUse({ certificates, committed: NEW })).toEqual([next]);
    expect(leavesToCome({ certificates, committed: NEW })).toEqual([]);
  });

  it('tells the time left of what is served with, and follows a clock that was set', () => {
    const soon = leafOf({ notAfterMs: WALL_MS + 9 * DAY_MS });
    const first = withLook(live, seenOf({ kept: { digest: C1, leaves: [leafOf(), soon] } }));
    const state = { certificates: first, committed: OLD };
    expect(lifetimeLeftMs(state, 0)).toBe(9 * DAY_MS);
    expect(lifetimeLeftMs(state, DAY_MS)).toBe(8 * DAY_MS);
    const kept = { digest: C2, leaves: [] };
    const later = seenOf({ wallMs: WALL_MS + 9.5 * DAY_MS, atMs: 1_000, kept });
    const jumped = { certificates: withLook({ ...live, certificates: first }, later) };
    expect(lifetimeLeftMs({ ...jumped, committed: OLD }, 1_000)).toBe(-0.5 * DAY_MS);
    expect(lifetimeLeftMs({ ...jumped, committed: NEW }, 1_000)).toBeUndefined();
    expect(lifetimeLeftMs({ committed: OLD }, 0)).toBeUndefined();
  });
});

describe('a random delay', () => {
  const hour: Policy = { ...policy, jitterMs: 3_600_000, expiryMarginMs: 600_000 };
  const looked = (leftMs: number, wallMs = WALL_MS, atMs = NOW_MS): Event => ({
    type: 'certificatesSeen',
    seen: seenOf({
      ...{ wallMs, atMs },
      kept: { digest: C1, leaves: [leafOf({ notAfterMs: WALL_MS + leftMs })] },
    }),
  });
  const change: Event = { type: 'desiredChanged', desired: NEW };
  const dueMs = (state: State) => (state.timers.get('jitter') ?? 0) - NOW_MS;

  it('is as long as the dice say while the certificates in use last', () => {
    const { state } = takeAll(serving, [looked(DAY_MS), change], hour);
    expect(dueMs(state)).toBe(1_800_000);
  });

  it('ends the margin before they do, and is spread over what is left', () => {
    const { state } = takeAll(serving, [looked(1_500_000), change], hour);
    expect(dueMs(state)).toBe(450_000);
  });

  it.each([600_000, 1, -1])('is none where only %s ms are left', (leftMs) => {
    const { state } = takeAll(serving, [looked(leftMs), change], hour);
    expect(state.handover).toMatchObject({ triggers: ['certificates'] });
  });

  it('becomes shorter when the clock is set ahead', () => {
    const { state: waiting } = takeAll(serving, [looked(DAY_MS), change], hour);
    const ahead = looked(DAY_MS, WALL_MS + DAY_MS - 1_000_000);
    const { state } = take(waiting, ahead, { policy: hour });
    expect(dueMs(state)).toBe(200_000);
    const past = looked(DAY_MS, WALL_MS + DAY_MS);
    expect(take(waiting, past, { policy: hour }).state.handover).toBeDefined();
  });

  it('is not thrown again by looks that find nothing new', () => {
    const { state: waiting } = takeAll(serving, [looked(DAY_MS), change], hour);
    const { state } = take(waiting, looked(DAY_MS, WALL_MS + 60_000, NOW_MS + 60_000), {
      policy: hour,
      afterMs: 60_000,
    });
    expect(dueMs(state)).toBe(1_800_000);
  });

  it('keeps its bound at the looks that follow, though newer ones are kept by then', () => {
    const { state: waiting } = takeAll(serving, [looked(1_500_000), change], hour);
    const newer: Event = {
      type: 'certificatesSeen',
      seen: seenOf({
        ...{ wallMs: WALL_MS + 1_000_000, atMs: NOW_MS },
        kept: { digest: C2, leaves: [leafOf()] },
      }),
    };
    expect(take(waiting, newer, { policy: hour }).state.handover).toBeDefined();
  });

  it('is not cut for a bootstrap alone, which brings no certificates along', () => {
    const other = desiredOf('certificates-1', { bootstrap: digestOf('bootstrap-2') });
    const events: readonly Event[] = [
      looked(1_500_000),
      { type: 'desiredChanged', desired: other },
    ];
    expect(dueMs(takeAll(serving, events, hour).state)).toBe(1_800_000);
  });
});
