import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAgenda } from '../../bench/scenarios/fleet/agenda.ts';
import { fleetCases, perBin, playCase } from '../../bench/scenarios/fleet/cases.ts';
import { type FleetRotation, rotateFleet } from '../../bench/scenarios/fleet/course.ts';
import { type LookTimes, lookAfterMs } from '../../bench/scenarios/fleet/delivery.ts';
import { seededDice } from '../../bench/scenarios/fleet/dice.ts';
import { histogram } from '../../bench/scenarios/fleet/histogram.ts';
import { resultRow } from '../../bench/scenarios/fleet/page.ts';

const MINUTE_MS = 60_000;

/** Two hundred agents that share a volume, a day before their certificates end. */
function courseOf(changes: Partial<FleetRotation> = {}) {
  return rotateFleet({
    agentCount: 200,
    seed: 7,
    settings: {},
    delivery: 'shared volume',
    lifetimeLeftMs: 24 * 60 * MINUTE_MS,
    knowsEnd: true,
    ...changes,
  });
}

const first = (moments: readonly number[]) => moments[0] ?? Number.NaN;
const last = (moments: readonly number[]) => moments.at(-1) ?? Number.NaN;

describe('agenda', () => {
  test('agenda gives back the earliest first, and what was added first of the same moment', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (moments) => {
        const agenda = createAgenda<number>();
        for (const [index, atMs] of moments.entries()) agenda.add(atMs, index);
        const taken = moments.map(() => agenda.take());

        const sorted = moments.map((atMs, item) => ({ atMs, item }));
        sorted.sort((a, b) => a.atMs - b.atMs || a.item - b.item);
        expect(taken.map((due) => ({ atMs: due?.atMs, item: due?.item }))).toEqual(sorted);
        expect(agenda.take()).toBeUndefined();
      }),
    );
  });

  test('agenda takes in what is added while it is being worked off', () => {
    const agenda = createAgenda<string>();
    agenda.add(2, 'second');
    agenda.add(1, 'first');

    expect(agenda.take()?.item).toBe('first');
    agenda.add(1.5, 'between');
    expect([agenda.take()?.item, agenda.take()?.item]).toEqual(['between', 'second']);
  });
});

describe('delivery', () => {
  const times: LookTimes = {
    settle: { quietMs: 1_000, maxWaitMs: 10_000 },
    pollIntervalMs: 30_000,
  };
  const looksBy = (delivery: 'kubelet' | 'shared volume') => {
    const dice = seededDice(3);
    return Array.from({ length: 2_000 }, () => lookAfterMs(delivery, times, dice));
  };

  test('the look at a shared volume comes with the settle time or with an earlier poll', () => {
    const looks = looksBy('shared volume');

    expect(Math.max(...looks)).toBeLessThanOrEqual(1_020);
    expect(looks.filter((atMs) => atMs < 1_000).length / looks.length).toBeLessThan(0.05);
  });

  test('a kubelet takes up to a pause and a half, and half of its pods not much over half of that', () => {
    const looks = looksBy('kubelet').sort((a, b) => a - b);

    expect(first(looks)).toBeGreaterThan(0);
    expect(last(looks)).toBeLessThanOrEqual(90_000 + 500 + 1_200 + 1_020);
    expect(last(looks)).toBeGreaterThan(80_000);
    expect(looks[1_000] ?? 0).toBeGreaterThan(35_000);
    expect(looks[1_000] ?? 0).toBeLessThan(45_000);
  });
});

describe('fleet', () => {
  test('fleet plays the same rotation the same way, and another seed another way', () => {
    const settings = { BATON_JITTER: '60s' };

    expect(courseOf({ settings })).toEqual(courseOf({ settings }));
    expect(courseOf({ settings, seed: 8 })).not.toEqual(courseOf({ settings }));
  });

  test.for(['kubelet', 'shared volume'] as const)(
    'fleet has one handover for each agent, and serves what was written, by %s',
    (delivery) => {
      const { begunAtMs, servedAtMs, mostDoubled } = courseOf({ delivery });

      expect(begunAtMs).toHaveLength(200);
      expect(servedAtMs).toHaveLength(200);
      expect(begunAtMs.toSorted((a, b) => a - b)).toEqual(begunAtMs);
      expect(first(servedAtMs)).toBeGreaterThan(first(begunAtMs));
      expect(mostDoubled).toBeGreaterThan(100);
    },
  );

  test('fleet begins within the settle time without jitter, and over the whole jitter with it', () => {
    const together = courseOf().begunAtMs;
    const spread = courseOf({ settings: { BATON_JITTER: '60s' } }).begunAtMs;

    expect(last(together)).toBeLessThanOrEqual(1_020);
    expect(last(spread)).toBeLessThanOrEqual(61_020);
    const perTenSeconds = perBin(spread, 10_000).slice(0, 6);
    expect(Math.min(...perTenSeconds)).toBeGreaterThan(200 / 6 / 2);
    expect(Math.max(...perTenSeconds)).toBeLessThan((200 / 6) * 2);
  });

  test.for(['0s', '30s', '60s', '5m', '1h'])(
    'fleet begins before the margin and serves nothing past its end with BATON_JITTER=%s',
    (jitter) => {
      const settings = { BATON_JITTER: jitter, BATON_CERT_EXPIRY_MARGIN: '1m' };
      const { begunAtMs, expiredCount } = courseOf({ settings, lifetimeLeftMs: 3 * MINUTE_MS });

      expect(expiredCount).toBe(0);
      // The wall clock has whole milliseconds.
      expect(last(begunAtMs)).toBeLessThanOrEqual(2 * MINUTE_MS + 1);
    },
  );

  test('fleet does not wait at all when the margin is there already', () => {
    const settings = { BATON_JITTER: '5m' };
    const { begunAtMs } = courseOf({ settings, lifetimeLeftMs: 5 * MINUTE_MS });

    expect(last(begunAtMs)).toBeLessThanOrEqual(1_020);
  });

  test('fleet counts who serves an expired certificate when agents know of no end', () => {
    const late = { lifetimeLeftMs: 3 * MINUTE_MS, settings: { BATON_JITTER: '5m' } };
    const { servedAtMs, expiredCount } = courseOf({ ...late, knowsEnd: false });

    expect(expiredCount).toBe(servedAtMs.filter((atMs) => atMs > 3 * MINUTE_MS).length);
    expect(expiredCount).toBeGreaterThan(0);
  });

  test('fleet says so when a setting is not accepted', () => {
    expect(() => courseOf({ settings: { BATON_JITTER: 'soon' } })).toThrow(/BATON_JITTER/);
  });
});

describe('fleet in docs', () => {
  test('histogram draws one row for each span, as long as its rate', () => {
    const drawn = histogram([100, 200, 300, 400, 1_500, 3_200, 3_300]);

    expect(drawn.split('\n')).toEqual([
      `0-1 s |${'#'.repeat(48)} 4`,
      `1-2 s |${'#'.repeat(12)} 1`,
      '2-3 s |',
      `3-4 s |${'#'.repeat(24)} 2`,
    ]);
  });

  test('histogram widens its spans rather than to go on for pages', () => {
    const moments = Array.from({ length: 400 }, (_, second) => second * 1_000);

    expect(histogram(moments).split('\n').length).toBeLessThanOrEqual(27);
  });

  test('docs/certificates-fleet.md has the figures of the fleet as it is (npm run fleet:docs)', () => {
    const page = readFileSync(new URL('../../docs/certificates-fleet.md', import.meta.url), 'utf8');
    const late = fleetCases().find(({ title }) => title === 'kubelet, jitter 5m, 3 min left');
    if (late === undefined) throw new Error('There is no such case.');

    expect(page).toContain(`| ${resultRow(playCase(late)).join(' | ')} |`);
  });
});
