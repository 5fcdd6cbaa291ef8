/** Plans of what happens to the core, in an order of fast-check's choice, and how one is run. */
import fc from 'fast-check';
import type { Policy } from '../../src/core/model.ts';
import { BrokenRule } from './broken-rule.ts';
import { freeze } from './frozen.ts';
import {
  CONTENT_COUNT,
  type Command,
  type CommandFacts,
  LATE_COUNT,
  runCommand,
} from './lifecycle-commands.ts';
import { createRules, type Rules } from './lifecycle-rules.ts';
import { type Fate, HEALTHY } from './simulated-envoy.ts';
import { createWorld, type SimulatedWorld, type Transition } from './simulated-world.ts';
import { policy } from './states.ts';
import { toldOf } from './transition-wording.ts';

export interface Plan {
  /** What differs from the defaults. */
  readonly settings: Partial<Policy>;
  readonly fates: readonly Fate[];
  /** Whether it begins with an Envoy that serves. */
  readonly isServing: boolean;
  readonly commands: readonly Command[];
}

const settings: fc.Arbitrary<Partial<Policy>> = fc.record({
  handover: fc.constantFrom('auto', 'auto', 'auto', 'hot', 'side-by-side', 'cold'),
  standby: fc.constantFrom(false, false, true),
  memory: fc.constantFrom('warn', 'wait', 'side-step'),
  delivery: fc.constantFrom('restart', 'sds'),
  jitterMs: fc.constantFrom(0, 1_000),
  hangDeadlineMs: fc.constantFrom(30_000, 10_000, 0),
  certificateWaitMs: fc.constantFrom(60_000, 0),
  restartTokens: fc.constantFrom(10, 10, 3, 1, 0),
  restartRefillTimeMs: fc.constantFrom(600_000, 20_000, 0),
  terminationDelayMs: fc.constantFrom(0, 2_000),
});

/** True once in so many. */
function onceIn(times: number): fc.Arbitrary<boolean> {
  return fc.integer({ min: 1, max: times }).map((value) => value === times);
}

const fates: fc.Arbitrary<Fate> = fc.record({
  ignoresSigterm: onceIn(10),
  ignoresSigkill: onceIn(40),
  overstays: onceIn(10),
  killedAfterMs: fc.constantFrom(5, 0, 500),
  provesAfterMs: fc.constantFrom(0, 0, 5, 5_000),
  isUnproved: onceIn(10),
});

const waitsMs = fc.constantFrom(1, 50, 150, 200, 500, 1_000, 3_000, 15_000, 60_000, 120_000);
const picks = fc.nat({ max: 7 });
const values = fc.nat({ max: 2 });
const contents = fc.nat({ max: CONTENT_COUNT - 1 });

const verdicts = fc.constantFrom(
  ...Array.from({ length: 12 }, () => 'passes' as const),
  'otherVersion',
  'obstacle',
  'unshareable',
  'short',
  'shortAndUnshareable',
  'fails',
  'cannotTell',
);

type Facts<Kind extends Command['kind']> = {
  readonly [Name in keyof CommandFacts[Kind]]: fc.Arbitrary<CommandFacts[Kind][Name]>;
};

function often<Kind extends Command['kind']>(weight: number, kind: Kind, facts: Facts<Kind>) {
  const arbitrary = fc.record({ kind: fc.constant(kind), ...facts });
  return { weight, arbitrary: arbitrary as unknown as fc.Arbitrary<Command> };
}

const LIVING = [
  often(12, 'pass', { ms: waitsMs }),
  often(4, 'desire', { content: contents }),
  often(5, 'handOver', { content: contents }),
  often(5, 'recover', { ms: waitsMs }),
  often(11, 'check', { verdict: verdicts }),
  often(3, 'deliver', { succeeds: onceIn(4).map((fails) => !fails) }),
  often(4, 'repair', { succeeds: onceIn(4).map((fails) => !fails) }),
  often(11, 'live', {}),
  often(1, 'miss', {}),
  often(1, 'answer', {}),
  often(1, 'hangUp', {}),
  often(2, 'ask', { mode: fc.constantFrom('auto', 'hot', 'side-by-side', 'cold') }),
  often(3, 'count', { pick: picks, value: values }),
  often(3, 'die', { pick: picks, value: values }),
  often(1, 'vanish', { value: values }),
  often(2, 'freeze', { pick: picks }),
  often(1, 'wake', { pick: picks }),
  often(1, 'drain', {}),
  often(1, 'undrain', {}),
  often(1, 'late', { pick: fc.nat({ max: LATE_COUNT - 1 }) }),
];

/** Everything but a stop. */
export const living: fc.Arbitrary<Command> = fc.oneof(...LIVING);

/** A stop too. */
export const anything: fc.Arbitrary<Command> = fc.oneof(
  ...LIVING,
  often(1, 'stop', { how: fc.constantFrom('graceful', 'now') }),
);

/** Most of them short, one in twenty long. */
export function plansOf(commands: fc.Arbitrary<Command>): fc.Arbitrary<Plan> {
  return fc.record({
    settings,
    fates: fc.array(fates, { maxLength: 8 }),
    isServing: fc.constantFrom(false, true, true, true),
    commands: fc.oneof(
      { weight: 19, arbitrary: fc.array(commands, { size: 'max', maxLength: 45 }) },
      { weight: 1, arbitrary: fc.array(commands, { size: 'max', maxLength: 200 }) },
    ),
  });
}

const PASSES = { kind: 'check', verdict: 'passes' } as const;
/** To an Envoy that serves, or two of them. */
const PRELUDE: readonly Command[] = [
  { kind: 'desire', content: 0 },
  PASSES,
  { kind: 'live' },
  PASSES,
  { kind: 'live' },
];

export interface RunOfPlan {
  readonly world: SimulatedWorld;
  readonly rules: Rules;
}

export interface RunOptions {
  /** What follows the commands. */
  readonly afterwards?: (run: RunOfPlan) => void;
  /** Whether a state can't be changed once it was given. */
  readonly isFrozen?: boolean;
  /** Looks at each transition, and says what rule it breaks by a BrokenRule. */
  readonly observe?: (transition: Transition, run: RunOfPlan) => void;
}

/**
 * Runs the commands; every rule is checked on the way.
 *
 * @throws BrokenRule that tells what happened up to there
 */
export function runPlan(plan: Plan, options: RunOptions = {}): void {
  const { afterwards, observe, isFrozen = false } = options;
  const journal: Transition[] = [];
  const own = { ...policy, ...plan.settings };
  const rules = createRules(own, () => world);
  const world: SimulatedWorld = createWorld({
    policy: own,
    fateOf: (count) => plan.fates[count - 1] ?? HEALTHY,
    observe: (transition) => {
      if (isFrozen) freeze(transition.after);
      journal.push(transition);
      rules.check(transition);
      observe?.(transition, { world, rules });
    },
  });
  const commands = plan.isServing ? [...PRELUDE, ...plan.commands] : plan.commands;
  try {
    for (const [index, command] of commands.entries()) runCommand(world, command, index);
    afterwards?.({ world, rules });
  } catch (error) {
    if (!(error instanceof BrokenRule)) throw error;
    throw new BrokenRule(`${error.message}\n${toldOf(journal)}`);
  }
}
