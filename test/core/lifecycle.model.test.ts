/**
 * The core in a simulated world, through random runs: whatever happens in whatever order, the rules
 * of support/lifecycle-rules.ts hold after every single event. What one event should do is said in
 * the other tests.
 */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { must } from '../support/broken-rule.ts';
import { anything, living, plansOf, type RunOfPlan, runPlan } from '../support/lifecycle-plans.ts';
import { holdsFor, LONG_MS } from '../support/lifecycle-runs.ts';
import { HEALTHY } from '../support/simulated-envoy.ts';

describe('the lifecycle in any order of events', () => {
  it('keeps every rule, stops included', { timeout: LONG_MS }, () => {
    holdsFor(
      0.7,
      fc.property(plansOf(anything), (plan) => runPlan(plan)),
    );
  });

  it('never changes a state that it was given', { timeout: LONG_MS }, () => {
    holdsFor(
      0.01,
      fc.property(plansOf(anything), (plan) => runPlan(plan, { isFrozen: true })),
    );
  });

  it('stops in bounded time, even when Envoy ignores every signal', { timeout: LONG_MS }, () => {
    const plans = plansOf(living).map((plan) => ({ ...plan, fates: [...plan.fates, ...DEAF] }));
    const hows = fc.constantFrom('graceful', 'now');
    holdsFor(
      0.09,
      fc.property(plans, hows, (plan, how) =>
        runPlan(plan, { afterwards: (run) => stop(run, how) }),
      ),
    );
  });
});

const DEAF = Array.from({ length: 100 }, () => {
  return { ...HEALTHY, ignoresSigterm: true, ignoresSigkill: true };
});

/** SIGTERM, SIGKILL and the cap on waiting for what the kernel keeps, for a child and its parent. */
const ENDING_MS = 2 * (3_000 + 5_000);

function stop({ world, rules }: RunOfPlan, how: 'graceful' | 'now'): void {
  if (world.state().phase === 'stopped') return;
  world.take({ type: 'stopRequested', how, reason: 'asked' });
  const { terminationDelayMs, terminationDrainMaxMs } = world.policy;
  const drainMs = how === 'now' ? 0 : terminationDelayMs + terminationDrainMaxMs;
  world.pass(drainMs + ENDING_MS);
  must('a stop is over in time', world.state().phase === 'stopped');
  must('the agent has exited', rules.exits() === 1);
  must('everybody was answered', rules.unanswered().length === 0);
}
