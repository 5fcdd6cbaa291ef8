/** What may happen to the core in a simulated world, and what each of it does. */
import { isDeepStrictEqual } from 'node:util';
import type { Event } from '../../src/core/events.ts';
import {
  type Desired,
  digestOf,
  handoverIdOf,
  launchIdOf,
  lineageIdOf,
  type Mode,
  type Outcome,
  requestIdOf,
} from '../../src/core/model.ts';
import { must } from './broken-rule.ts';
import type { Verdict } from './simulated-checks.ts';
import { canBecomeLive, isCounted, isLiving } from './simulated-envoy.ts';
import type { SimulatedWorld } from './simulated-world.ts';
import { desiredOf } from './states.ts';

/** What is to be known for each kind of command; `pick` and `value` choose one of what there is. */
export interface CommandFacts {
  readonly pass: { readonly ms: number };
  readonly desire: { readonly content: number };
  /** A change that nothing keeps from going LIVE. */
  readonly handOver: { readonly content: number };
  /** Some time, and then everything succeeds that can. */
  readonly recover: { readonly ms: number };
  readonly miss: object;
  readonly hangUp: object;
  readonly ask: { readonly mode: 'auto' | Mode };
  readonly check: { readonly verdict: Verdict };
  readonly deliver: { readonly succeeds: boolean };
  readonly repair: { readonly succeeds: boolean };
  readonly live: object;
  readonly answer: object;
  readonly count: { readonly pick: number; readonly value: number };
  /** It dies before anyone has seen that it was LIVE. */
  readonly vanish: { readonly value: number };
  readonly die: { readonly pick: number; readonly value: number };
  readonly freeze: { readonly pick: number };
  readonly wake: { readonly pick: number };
  readonly late: { readonly pick: number };
  readonly drain: object;
  readonly undrain: object;
  readonly stop: { readonly how: 'graceful' | 'now' };
}

type CommandOf<Kind extends keyof CommandFacts> = { readonly kind: Kind } & CommandFacts[Kind];
export type Command = {
  readonly [Kind in keyof CommandFacts]: CommandOf<Kind>;
}[keyof CommandFacts];

/** Does it; a command that means nothing in the world as it is does nothing. */
export function runCommand(world: SimulatedWorld, command: Command, index: number): void {
  if (world.state().phase === 'stopped') return;
  (RUNS[command.kind] as Run<Command['kind']>)(world, command, index);
}

type Run<Kind extends Command['kind']> = (
  world: SimulatedWorld,
  command: CommandOf<Kind>,
  index: number,
) => unknown;

const RUNS: { readonly [Kind in Command['kind']]: Run<Kind> } = {
  pass: (world, { ms }) => world.pass(ms),
  desire: (world, { content }) =>
    world.take({ type: 'desiredChanged', desired: contentOf(content) }),
  handOver: (world, { content }) => {
    world.take({ type: 'desiredChanged', desired: contentOf(content) });
    succeed(world);
  },
  recover: (world, { ms }) => {
    world.pass(ms);
    succeed(world);
  },
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
  check: (world, { verdict }) => world.settleChecks(verdict),
  deliver: (world, { succeeds }) => world.settleDeliveries(succeeds),
  repair: (world, { succeeds }) => world.settleRepairs(succeeds),
  live: becomeLive,
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
  vanish: (world, { value }) => {
    const ripe = world.envoys.findLast(canBecomeLive);
    if (ripe === undefined) return;
    world.takeOver(ripe);
    world.end(ripe, picked(ENDINGS, value) ?? CLEAN);
  },
  freeze: (world, { pick }) => {
    const awake = world.envoys.filter((envoy) => envoy.condition === 'live' && !envoy.isFrozen);
    const victim = picked(awake, pick);
    if (victim) world.freeze(victim);
  },
  wake: (world, { pick }) => {
    const frozen = picked(
      world.envoys.filter((envoy) => envoy.isFrozen),
      pick,
    );
    if (frozen) world.wake(frozen);
  },
  late: (world, { pick }) => beLate(world, pick),
  drain: (world) => world.take({ type: 'drainRequested', reason: 'asked' }),
  undrain: (world, _, index) =>
    world.take({ type: 'undrainRequested', request: requestIdOf(`R${index}`) }),
  stop: (world, { how }) => world.take({ type: 'stopRequested', how, reason: 'asked' }),
};

/** How many contents there are to be desired. */
export const CONTENT_COUNT = 5;

/** The last two with a bootstrap of their own. */
function contentOf(content: number): Desired {
  const certificates = `c${content % 3}`;
  return content < 3
    ? desiredOf(certificates)
    : desiredOf(certificates, { bootstrap: digestOf('bootstrap-2') });
}

function becomeLive(world: SimulatedWorld): void {
  const ripe = world.envoys.findLast(canBecomeLive);
  if (ripe) world.becomeLive(ripe);
}

/** Checks pass, repairs and deliveries succeed, the newest Envoy becomes LIVE. */
export function succeed(world: SimulatedWorld): void {
  world.settleRepairs(true);
  world.settleChecks('passes');
  world.settleDeliveries(true);
  becomeLive(world);
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
  const event = lateEvents(world)[which];
  if (event === undefined) return;
  const effects = world.take(event);
  must('a late event has no effects', effects.length === 0);
  must('a late event changes nothing', isDeepStrictEqual(world.state(), before));
}

/** How many kinds of late events there are. */
export const LATE_COUNT = 15;

function lateEvents(world: SimulatedWorld): readonly Event[] {
  const { launches, desired } = world.state();
  const ended = world.envoys.find(({ id }) => launches.every((launch) => launch.id !== id));
  const launch = ended?.id ?? launchIdOf(99);
  const handover = handoverIdOf(99);
  const events: readonly Event[] = [
    { type: 'launchLive', launch },
    { type: 'launchExited', launch, outcome: CLEAN, lastLines: [] },
    { type: 'launchAnswered', launch, envoyState: 'INITIALIZING' },
    { type: 'launchSpawned', launch, pid: 7 },
    { type: 'launchSilent', launch, silentMs: 60_000 },
    { type: 'launchHeard', launch },
    { type: 'connectionsCounted', launch, count: 0 },
    { type: 'checksPassed', handover, speaksSameVersion: true },
    { type: 'checksFailed', handover, problems: ['late'], exitCode: 78 },
    { type: 'certificatesDelivered', handover },
    { type: 'deliveryFailed', handover, problems: ['late'] },
    { type: 'certificatesProved', launch, problem: 'late' },
    { type: 'lineageRepaired', lineage: lineageIdOf(99), isSound: true, reason: 'late' },
    { type: 'timerFired', timer: `kill:${launch}` },
  ];
  return desired === undefined ? events : [...events, { type: 'desiredChanged', desired }];
}
