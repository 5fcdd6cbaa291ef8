import { describe, expect, it } from 'vitest';
import {
  type CertificatesSeen,
  known,
  type LeafFacts,
  lifetimeLeftMs,
  lifetimeStage,
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
  return { verdict: 'accepted', problems: [], kept, wallMs: WALL_MS, ...patch };
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
  const at = (atMs: number) => ({ atMs, inUse: [OLD, NEW] });

  it('counts unchanged looks as the acceptance they go on from', () => {
    const first = known(undefined, seenOf(), at(1_000));
    const second = known(first, seenOf({ verdict: 'unchanged' }), at(5_000));
    const held = known(second, seenOf({ verdict: 'mismatched' }), at(7_000));
    const still = known(held, seenOf({ verdict: 'mismatched' }), at(9_000));
    expect([first, second, held, still].map(({ sinceMs }) => sinceMs)).toEqual([
      1_000, 1_000, 7_000, 7_000,
    ]);
    const anew = seenOf({ kept: { digest: C2, leaves: [] } });
    expect(known(second, anew, at(8_000)).sinceMs).toBe(8_000);
  });

  it('has the ends of what is desired and what is LIVE, each that of its first leaf', () => {
    const soon = leafOf({ notAfterMs: WALL_MS + DAY_MS });
    const first = known(
      undefined,
      seenOf({ kept: { digest: C1, leaves: [leafOf(), soon] } }),
      at(0),
    );
    const both = known(first, seenOf({ kept: { digest: C2, leaves: [leafOf()] } }), at(10));
    expect([...both.ends]).toEqual([
      [C1, WALL_MS + DAY_MS],
      [C2, WALL_MS + 10 * DAY_MS],
    ]);
    const later = known(both, seenOf({ kept: { digest: C2, leaves: [leafOf()] } }), {
      atMs: 20,
      inUse: [NEW],
    });
    expect([...later.ends.keys()]).toEqual([C2]);
  });

  it('tells the time left from the last look on, and follows a clock that was set', () => {
    const first = known(undefined, seenOf(), at(0));
    expect(lifetimeLeftMs(first, C1, 0)).toBe(10 * DAY_MS);
    expect(lifetimeLeftMs(first, C1, DAY_MS)).toBe(9 * DAY_MS);
    const jumped = known(first, seenOf({ wallMs: WALL_MS + 9.5 * DAY_MS }), at(1_000));
    expect(lifetimeLeftMs(jumped, C1, 1_000)).toBe(0.5 * DAY_MS);
    expect(lifetimeLeftMs(jumped, C2, 1_000)).toBeUndefined();
    expect(lifetimeLeftMs(undefined, C1, 0)).toBeUndefined();
  });
});

describe('a random delay', () => {
  const hour: Policy = { ...policy, jitterMs: 3_600_000, expiryMarginMs: 600_000 };
  const looked = (leftMs: number, wallMs = WALL_MS): Event => ({
    type: 'certificatesSeen',
    seen: seenOf({
      wallMs,
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
    const { state } = take(waiting, looked(DAY_MS, WALL_MS + 60_000), {
      policy: hour,
      afterMs: 60_000,
    });
    expect(dueMs(state)).toBe(1_800_000);
  });

  it('is for a bootstrap as well, whose handover brings certificates along', () => {
    const other = desiredOf('certificates-1', { bootstrap: digestOf('bootstrap-2') });
    const events: readonly Event[] = [
      looked(1_500_000),
      { type: 'desiredChanged', desired: other },
    ];
    expect(dueMs(takeAll(serving, events, hour).state)).toBe(450_000);
  });
});
