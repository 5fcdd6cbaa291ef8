/**
 * What may happen to the core in a simulated world, as commands that fast-check puts in any order,
 * and what each of them does.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import {
  handoverIdOf,
  launchIdOf,
  lineageIdOf,
  type Mode,
  type Outcome,
  type Policy,
  requestIdOf,
} from '../../src/core/model.ts';
import { createRules, type Rules } from './lifecycle-rules.ts';
import {
  canBecomeLive,
  createWorld,
  type Fate,
  isCounted,
  isLiving,
  type SimulatedWorld,
} from './simulated-world.ts';
import { desiredOf, policy } from './states.ts';

export type Command =
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'desire'; readonly content: number }
  | { readonly kind: 'miss' | 'answer' | 'live' | 'hangUp' }
  | { readonly kind: 'ask'; readonly mode: 'auto' | Mode }
  | { readonly kind: 'check' | 'repair'; readonly succeeds: boolean }
  | { readonly kind: 'count' | 'die'; readonly pick: number; readonly value: number }
  | { readonly kind: 'late'; readonly pick: number }
  | { readonly kind: 'stop'; readonly how: 'graceful' | 'now' };

export interface Plan {
  readonly policy: Policy;
  readonly fates: readonly Fate[];
  readonly commands: readonly Command[];
}

export const HEALTHY: Fate = {
  ignoresSigterm: false,
  ignoresSigkill: false,
  overstays: false,
  killedAfterMs: 5,
};

const policies: fc.Arbitrary<Policy> = fc.record({
  ...Object.fromEntries(Object.entries(policy).map(([name, value]) => [name, fc.constant(value)])),
  handover: fc.constantFrom('auto', 'auto', 'hot', 'side-by-side', 'cold'),
  jitterMs: fc.constantFrom(0, 1_000),
  certificateWaitMs: fc.constantFrom(60_000, 0),
  restartTokens: fc.constantFrom(10, 3, 1, 0),
  restartRefillTimeMs: fc.constantFrom(600_000, 20_000, 0),
  terminationDelayMs: fc.constantFrom(0, 2_000),
}) as fc.Arbitrary<Policy>;

const rarely = fc.integer({ min: 0, max: 9 }).map((value) => value === 9);

const fates: fc.Arbitrary<Fate> = fc.record({
  ignoresSigterm: rarely,
  ignoresSigkill: fc.integer({ min: 0, max: 39 }).map((value) => value === 39),
  overstays: rarely,
  killedAfterMs: fc.constantFrom(0, 5, 500),
});

const waitsMs = fc.constantFrom(1, 50, 150, 200, 500, 1_000, 3_000, 15_000, 60_000, 120_000);
const picks = fc.nat({ max: 7 });

/** Everything but a stop. */
export const living = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('pass'), ms: waitsMs }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('desire'), content: fc.nat({ max: 3 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('check'), succeeds: rarely.map((fails) => !fails) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('repair'), succeeds: rarely.map((fails) => !fails) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('live') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('miss', 'answer', 'hangUp') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('ask'),
      mode: fc.constantFrom('auto', 'hot', 'side-by-side', 'cold'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('count', 'die'),
      pick: picks,
      value: fc.nat({ max: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('late'), pick: picks }) },
) as fc.Arbitrary<Command>;

/** A stop too. */
export const anything = fc.oneof(
  { weight: 30, arbitrary: living },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('stop'),
      how: fc.constantFrom('graceful', 'now'),
    }) as fc.Arbitrary<Command>,
  },
);

/** A policy, how each process takes what is done to it, and what happens. */
export function plansOf(commands: fc.Arbitrary<Command>): fc.Arbitrary<Plan> {
  return fc.record({
    policy: policies,
    fates: fc.array(fates, { maxLength: 12 }),
    commands: fc.array(commands, { size: 'max', maxLength: 150 }),
  });
}

/** Runs the commands; every rule is checked on the way. */
export function runPlan({ policy: own, fates: given, commands }: Plan): {
  world: SimulatedWorld;
  rules: Rules;
} {
  const rules = createRules(own, () => world);
  const world: SimulatedWorld = createWorld({
    policy: own,
    fateOf: (count) => given[count - 1] ?? HEALTHY,
    observe: rules.check,
  });
  commands.forEach((command, index) => {
    if (world.state().phase !== 'stopped') runCommand(world, command, index);
  });
  return { world, rules };
}

type Run<Kind> = (
  world: SimulatedWorld,
  command: Extract<Command, { readonly kind: Kind }>,
  index: number,
) => unknown;

const RUNS: { readonly [Kind in Command['kind']]: Run<Kind> } = {
  pass: (world, { ms }) => world.pass(ms),
  desire: (world, { content }) =>
    world.take({ type: 'desiredChanged', desired: desiredOf(`c${content}`) }),
  miss: (world) =>
    world.take({
      type: 'desiredMissing',
      lacks: 'certificates',
      problems: ['Cannot read the pair.'],
    }),
  hangUp: (world) => world.take({ type: 'restartRequested', trigger: 'signal', mode: 'auto' }),
  ask: (world, { mode }, index) =>
    world.take({
      type: 'restartRequested',
      trigger: 'request',
      mode,
      request: requestIdOf(`R${index}`),
    }),
  check: (world, { succeeds }) => world.settleChecks(succeeds),
  repair: (world, { succeeds }) => world.settleRepairs(succeeds),
  live: (world) => {
    const ripe = world.envoys.findLast(canBecomeLive);
    if (ripe) world.becomeLive(ripe);
  },
  answer: (world) => {
    const young = world.envoys.findLast(canBecomeLive);
    if (young) {
      world.take({ type: 'launchAnswered', launch: young.id, envoyState: 'INITIALIZING' });
    }
  },
  count: (world, { pick, value }) => {
    const envoy = picked(world.envoys.filter(isCounted), pick);
    if (envoy) world.take({ type: 'connectionsCounted', launch: envoy.id, count: value });
  },
  die: (world, { pick, value }) => {
    const victim = picked(world.envoys.filter(isLiving), pick);
    if (victim) world.end(victim, picked(ENDINGS, value) ?? CLEAN);
  },
  late: (world, { pick }) => beLate(world, pick),
  stop: (world, { how }) => world.take({ type: 'stopRequested', how, reason: 'asked' }),
};

function runCommand(world: SimulatedWorld, command: Command, index: number): void {
  (RUNS[command.kind] as Run<Command['kind']>)(world, command, index);
}

function picked<Item>(items: readonly Item[], pick: number): Item | undefined {
  return items[pick % Math.max(1, items.length)];
}

const CLEAN: Outcome = { kind: 'exited', code: 0 };
const ENDINGS: readonly Outcome[] = [
  CLEAN,
  { kind: 'exited', code: 1 },
  { kind: 'killed', signal: 'SIGSEGV' },
];

/** Tells the core something about what is over or never was: nothing may come of it. */
function beLate(world: SimulatedWorld, which: number): void {
  const before = world.state();
  const launch = world.envoys.find(({ id }) => before.launches.every((one) => one.id !== id))?.id;
  const gone = launch ?? launchIdOf(99);
  const nobody = handoverIdOf(99);
  const events: readonly Event[] = [
    { type: 'launchLive', launch: gone },
    { type: 'launchExited', launch: gone, outcome: CLEAN, lastLines: [] },
    { type: 'launchAnswered', launch: gone, envoyState: 'INITIALIZING' },
    { type: 'launchSpawned', launch: gone, pid: 7 },
    { type: 'connectionsCounted', launch: gone, count: 0 },
    { type: 'checksPassed', handover: nobody, speaksSameVersion: true },
    { type: 'checksFailed', handover: nobody, problems: ['late'], exitCode: 78 },
    { type: 'lineageRepaired', lineage: lineageIdOf(99), isSound: true, reason: 'late' },
    { type: 'timerFired', timer: `kill:${gone}` },
    ...(before.desired ? [{ type: 'desiredChanged', desired: before.desired } as const] : []),
  ];
  for (const event of [events[which % events.length], events.at(-1 - which)]) {
    if (event === undefined) continue;
    const effects = world.take(event);
    expect(effects, `effects of a late ${event.type}`).toEqual([]);
    expect(isDeepStrictEqual(world.state(), before), `a late ${event.type} changes nothing`).toBe(
      true,
    );
  }
}
