/**
 * The core in a simulated world, through long random runs: whatever happens in whatever order, the
 * rules of support/lifecycle-rules.ts hold after every single event, and these at the end. What one
 * event should do is said in the other tests.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesOf } from '../../src/core/lifecycle.ts';
import { sameDesired } from '../../src/core/model.ts';
import { anything, HEALTHY, living, plansOf, runPlan } from '../support/lifecycle-plans.ts';
import type { Rules } from '../support/lifecycle-rules.ts';
import { canBecomeLive, isCounted, type SimulatedWorld } from '../support/simulated-world.ts';
import { desiredOf } from '../support/states.ts';

/** Nothing goes wrong any more: checks pass, repairs succeed, Envoys become LIVE and empty. */
function letItHeal(world: SimulatedWorld): void {
  for (let round = 0; round < 120 && world.state().phase !== 'stopped'; round += 1) {
    world.settleChecks(true);
    world.settleRepairs(true);
    const ripe = world.envoys.findLast(canBecomeLive);
    if (ripe) world.becomeLive(ripe);
    for (const { id } of world.envoys.filter(isCounted)) {
      world.take({ type: 'connectionsCounted', launch: id, count: 0 });
    }
    world.pass(5_000);
  }
}

/** One Envoy serves, nothing is going on, nobody waits for an answer. */
function expectQuiet(world: SimulatedWorld, rules: Rules): void {
  const { launches, handover, phase, pending } = world.state();
  if (world.state().desired === undefined) return;
  expect(phase).toBe('running');
  expect(launches.map(({ stage }) => stage)).toEqual(['live']);
  expect(handover).toBeUndefined();
  expect(pending).toEqual([]);
  expect(changesOf(world.state(), world.policy)).toEqual([]);
  expect(rules.unanswered()).toEqual([]);
}

/** All of them, however long they take: a time limit would let a slow machine pass with a few. */
const runs = { numRuns: 1_000 };

describe('the lifecycle in any order of events', () => {
  it('keeps every rule, stops included', () => {
    fc.assert(
      fc.property(plansOf(anything), (plan) => void runPlan(plan)),
      runs,
    );
  });

  it('serves what is desired, and has answered everybody, once nothing goes wrong any more', () => {
    fc.assert(
      fc.property(plansOf(living), (plan) => {
        const { world, rules } = runPlan(plan);
        letItHeal(world);
        // What was wrong before may have cost the last token.
        if (world.state().phase === 'stopped') return;
        expectQuiet(world, rules);
        world.take({ type: 'desiredChanged', desired: desiredOf('last') });
        letItHeal(world);
        expectQuiet(world, rules);
        const { desired, committed, refused, unsound } = world.state();
        const isLatest = sameDesired(committed, desired);
        expect(isLatest || (world.policy.handover === 'hot' && unsound.size > 0)).toBe(true);
        if (isLatest) expect(refused).toBeUndefined();
      }),
      runs,
    );
  });

  it('stops from any state in bounded time, even when Envoy ignores every signal', () => {
    fc.assert(
      fc.property(plansOf(living), fc.constantFrom('graceful', 'now'), (plan, how) => {
        const deaf = { ...HEALTHY, ignoresSigterm: true, ignoresSigkill: true };
        const fatesOf = plan.fates.concat(Array.from({ length: 40 }, () => deaf));
        const { world, rules } = runPlan({ ...plan, fates: fatesOf });
        if (world.state().phase === 'stopped') return;
        world.take({ type: 'stopRequested', how, reason: 'asked' });
        const { terminationDelayMs, terminationDrainMaxMs } = world.policy;
        const drainMs = how === 'now' ? 0 : terminationDelayMs + terminationDrainMaxMs;
        world.pass(drainMs + ENDING_MS);
        expect(world.state().phase).toBe('stopped');
        expect(world.state().timers.size).toBe(0);
        expect(rules.exits()).toBe(1);
        expect(rules.unanswered()).toEqual([]);
      }),
      runs,
    );
  });
});

/** SIGTERM, SIGKILL and the cap on waiting for what the kernel keeps, for a child and its parent. */
const ENDING_MS = 2 * (3_000 + 5_000);
