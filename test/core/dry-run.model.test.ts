/** In random runs a restart does what a dry run right before it has told. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { concludeDryRun, planDryRun } from '../../src/core/dry-run.ts';
import type { Effect } from '../../src/core/events.ts';
import { type HandoverId, type Mode, requestIdOf } from '../../src/core/model.ts';
import { must } from '../support/broken-rule.ts';
import { succeed } from '../support/lifecycle-commands.ts';
import { living, plansOf, type RunOfPlan, runPlan } from '../support/lifecycle-plans.ts';
import { holdsFor, LONG_MS } from '../support/lifecycle-runs.ts';
import { answerOf, type Verdict } from '../support/simulated-checks.ts';
import { isLiving, isStuck } from '../support/simulated-envoy.ts';
import type { SimulatedWorld } from '../support/simulated-world.ts';

const ASKED = requestIdOf('asked');
const verdicts = fc.constantFrom<Verdict>(
  'passes',
  'otherVersion',
  'obstacle',
  'unshareable',
  'short',
  'shortAndUnshareable',
);
const modes = fc.constantFrom<'auto' | Mode>('auto', 'auto', 'hot', 'side-by-side', 'cold');
/** One handover after the other, each with its old Envoy's time. */
const MOST_ROUNDS = 30;
const ROUND_MS = 15_000;

it('a restart does what a dry run has told', { timeout: LONG_MS }, () => {
  let comparedCount = 0;
  const compare = (run: RunOfPlan, verdict: Verdict, mode: 'auto' | Mode) => {
    const told = toldFor(run.world, verdict, mode);
    const done = told && doneFor(run.world, verdict, mode);
    if (done === undefined) return;
    comparedCount += 1;
    must(`it was told as ${told} and was ${done}`, told === done);
  };
  holdsFor(
    0.03,
    fc.property(plansOf(living), verdicts, modes, (plan, verdict, mode) =>
      runPlan(plan, { afterwards: (run) => compare(run, verdict, mode) }),
    ),
  );
  expect(comparedCount).toBeGreaterThan(0);
});

/** Undefined where it can't come to a good end: nothing is known, or one that serves is in trouble. */
function toldFor(world: SimulatedWorld, verdict: Verdict, mode: 'auto' | Mode) {
  const { policy } = world;
  const state = world.state();
  const isWell = world.envoys.every((envoy) => !isLiving(envoy) || !isStuck(envoy));
  const isKept = state.launches.every(({ stage, isKilled }) => stage !== 'live' || !isKilled);
  if (!isWell || !isKept || state.desired === undefined || state.phase === 'stopped') {
    return undefined;
  }
  const moment = { atMs: world.nowMs(), chance: 0.5 };
  const plan = planDryRun(state, { target: state.desired, mode, policy, moment });
  if (plan === undefined) return 'nothing to do';
  const passed = answerOf(plan.handover.id, verdict);
  if (passed.type !== 'checksPassed') return undefined;
  const told = concludeDryRun(plan, passed, policy);
  const [problem] = told.problems;
  return problem?.replace(/, \d+ MiB .*/, '.') ?? `${told.mode} because of ${told.modeReason}`;
}

/** Undefined when what came in between did not end well. */
function doneFor(world: SimulatedWorld, verdict: Verdict, mode: 'auto' | Mode) {
  world.take({ type: 'restartRequested', trigger: 'request', mode, request: ASKED });
  for (let round = 0; round < MOST_ROUNDS && !isItsTurn(world); round += 1) {
    succeed(world);
    if (!isItsTurn(world)) world.pass(world.state().handover?.step === 'checking' ? 0 : ROUND_MS);
  }
  const { handover } = world.state();
  return handover !== undefined && isItsTurn(world)
    ? outcomeOf(world, handover.id, verdict)
    : undefined;
}

function isItsTurn(world: SimulatedWorld): boolean {
  const { handover } = world.state();
  return handover?.step === 'checking' && handover.requests.includes(ASKED);
}

function outcomeOf(world: SimulatedWorld, id: HandoverId, verdict: Verdict): string {
  const effects: Effect[] = [];
  // What changed meanwhile is checked once more.
  while (isItsTurn(world)) effects.push(...world.take(answerOf(id, verdict)));
  const report = effects.find((effect) => effect.type === 'reportHandover');
  const { handover } = world.state();
  if (report?.type === 'reportHandover' && report.end.result === 'refused') {
    return `A restart would be refused: ${report.end.reason}.`;
  }
  const { step, mode, modeReason } = handover ?? {};
  return step === 'headroom'
    ? `A restart would wait: ${modeReason}.`
    : `${mode} because of ${modeReason}`;
}
