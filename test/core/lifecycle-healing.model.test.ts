/** The core in a simulated world where nothing goes wrong any more after a random run. */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { sameDesired } from '../../src/core/model.ts';
import { must } from '../support/broken-rule.ts';
import { letItHeal, mustBeQuiet, outlivesAHang } from '../support/lifecycle-healing.ts';
import { living, plansOf, type RunOfPlan, runPlan } from '../support/lifecycle-plans.ts';
import { holdsFor, LONG_MS } from '../support/lifecycle-runs.ts';
import { desiredOf } from '../support/states.ts';

describe('the lifecycle once nothing goes wrong any more', () => {
  it('serves what is desired, and has answered everybody', { timeout: LONG_MS }, () => {
    const plans = plansOf(living);
    holdsFor(
      0.2,
      fc.property(plans, (plan) => runPlan(plan, { afterwards: isWell })),
    );
  });
});

/** What was wrong before may have cost the last token; then it has stopped. */
function isWell(run: RunOfPlan): void {
  const { world } = run;
  letItHeal(world);
  mustBeQuiet(run);
  outlivesAHang(run);
  world.take({ type: 'desiredChanged', desired: desiredOf('last') });
  letItHeal(world);
  mustBeQuiet(run);
  servesWhatIsDesired(run);
}

function servesWhatIsDesired({ world }: RunOfPlan): void {
  const { desired, committed, refused, unsound, phase } = world.state();
  if (phase === 'stopped') return;
  const isLatest = sameDesired(committed, desired);
  const isHotImpossible = world.policy.handover === 'hot' && unsound.size > 0;
  must('what was desired last is served', isLatest || isHotImpossible);
  must('what is served is not refused', !isLatest || refused === undefined);
}
