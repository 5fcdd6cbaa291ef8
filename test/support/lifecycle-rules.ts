/** What must be true after every event, whatever happened: the promises of the core, in words. */
import { expect } from 'vitest';
import type { Effect } from '../../src/core/events.ts';
import { PENDING_REPLY_MS } from '../../src/core/failures.ts';
import type { HandoverId, LaunchId, Policy, RequestId } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import {
  isLiving,
  type SimulatedEnvoy,
  type SimulatedWorld,
  type Transition,
} from './simulated-world.ts';

export interface Rules {
  readonly check: (transition: Transition) => void;
  /** Requests that nobody has answered. */
  readonly unanswered: () => readonly RequestId[];
  readonly exits: () => number;
}

type Of<Type extends Effect['type']> = Effect & { readonly type: Type };

/** Nobody is launched before all but one are gone, so there is never a third process to count. */
const MOST_LIVING = 2;

export function createRules(policy: Policy, worldOf: () => SimulatedWorld): Rules {
  const asked: RequestId[] = [];
  const answered: RequestId[] = [];
  const ended: HandoverId[] = [];
  let exitCount = 0;

  function check(transition: Transition): void {
    const { event, effects, after } = transition;
    freeze(after);
    if (event.type === 'restartRequested' && event.request) asked.push(event.request);
    holdsTogether(after);
    phaseIsTrue(transition);
    timersBelong(after);
    delaysAreExact(transition, policy);
    effects.forEach((effect) => {
      if (effect.type === 'launchEnvoy') launchIsAllowed(effect, transition);
      if (effect.type === 'signalLaunch') signalIsAllowed(effect, transition);
      if (effect.type === 'reportHandover') isReportedOnce(effect);
      if (effect.type === 'exitAgent') exitIsAllowed(after);
    });
  }

  /** Every handover ends once, every request is answered once. */
  function isReportedOnce({ end, requests }: Of<'reportHandover'>): void {
    if (end.id !== undefined) {
      expect(ended, 'handovers end once').not.toContain(end.id);
      ended.push(end.id);
    }
    for (const request of requests) {
      expect(asked, 'only who asked is answered').toContain(request);
      expect(answered, 'requests are answered once').not.toContain(request);
      answered.push(request);
    }
  }

  /** The agent leaves once, with nobody behind and nothing armed. */
  function exitIsAllowed(after: State): void {
    exitCount += 1;
    expect(exitCount, 'the agent exits once').toBe(1);
    expect(after.launches, 'nobody is left behind').toEqual([]);
    const alive = worldOf().envoys.filter((envoy) => isLiving(envoy) && !envoy.fate.ignoresSigkill);
    expect(
      alive.map(({ id }) => id),
      'only what the kernel keeps outlives the agent',
    ).toEqual([]);
    expect(after.timers.size, 'no timer is left').toBe(0);
  }

  function launchIsAllowed(effect: Of<'launchEnvoy'>, { before, after, event }: Transition): void {
    const world = worldOf();
    const relatives = after.launches.filter(
      ({ lineage, id }) => lineage === effect.lineage && id !== effect.launch,
    );
    const highest = Math.max(-1, ...relatives.map(({ epoch }) => epoch));
    expect(effect.epoch, 'an epoch is the highest living one of its lineage + 1').toBe(highest + 1);
    const isReused = world.envoys.some(({ id }) => id === effect.launch);
    expect(isReused, 'launch ids never repeat').toBe(false);
    expect(after.stop, 'nothing is launched while stopping').toBeUndefined();
    expect(after.timers.has('retry'), 'nothing is launched during a delay').toBe(false);
    const isRestart = after.handover?.aim === 'restore' && after.phase !== 'running';
    const most = isRestart ? policy.restartTokens : Number.POSITIVE_INFINITY;
    expect(after.crashes.length, 'tokens are not overspent').toBeLessThanOrEqual(most);
    expect(event.type, 'only whole checks or an exit lead to a launch').toMatch(
      /checksPassed|launchExited|timerFired/,
    );
    expect(before.launches.filter(({ stage }) => stage === 'starting')).toEqual([]);
    if (after.handover?.mode === 'cold') expect(after.launches, 'cold means alone').toHaveLength(1);
    if (relatives.length === 0) {
      const isNew = world.envoys.every(({ lineage }) => lineage !== effect.lineage);
      expect(isNew, 'a lineage of which nobody lives is not used again').toBe(true);
      return;
    }
    const isClean = !world.initializing.has(effect.lineage);
    expect(isClean, 'nothing is launched into a poisoned lineage').toBe(true);
    const parent = relatives.findLast(({ epoch }) => epoch === highest);
    expect(['live', 'retiring'], 'a parent is LIVE and was not told to go').toContain(
      parent?.stage,
    );
  }

  function signalIsAllowed(effect: Of<'signalLaunch'>, transition: Transition): void {
    const { before, event, after } = transition;
    const envoy = worldOf().envoys.find(({ id }) => id === effect.launch);
    const known = before.launches.find(({ id }) => id === effect.launch);
    if (envoy === undefined || known === undefined) throw new Error('signal to a stranger');
    expect(known.isKilled, 'nothing is sent after SIGKILL').toBeUndefined();
    if (effect.signal === 'SIGTERM') {
      expect(known.stage, 'only what was LIVE is told to go').toMatch(/live|retiring/);
    }
    if (isThirdAsk(transition)) return;
    const child = childIn(before, known.id);
    if (child !== undefined && after.launches.some(({ id }) => id === child.id)) {
      const isDeadlocked = event.type === 'timerFired' && /^(retire|kill):/.test(event.timer);
      expect(isDeadlocked, 'a parent is not signalled while its child lives').toBe(true);
      expect(effect.signal).toBe('SIGKILL');
    }
    serviceIsKept(envoy, known.id, transition);
  }

  /** What serves is let alone until its successor is LIVE, but for a stop and a cold handover. */
  function serviceIsKept(envoy: SimulatedEnvoy, id: LaunchId, { before, after }: Transition): void {
    if (after.stop !== undefined || envoy.condition !== 'live') return;
    const isCold = after.handover?.mode === 'cold' || before.handover?.mode === 'cold';
    const was = before.launches.find((launch) => launch.id === id);
    if (!isCold) expect(was?.stage, 'what serves is not signalled').not.toBe('live');
  }

  return {
    check,
    unanswered: () => asked.filter((request) => !answered.includes(request)),
    exits: () => exitCount,
  };
}

function isThirdAsk({ event, after }: Transition): boolean {
  return event.type === 'stopRequested' && (after.stop?.askedCount ?? 0) >= 3;
}

function childIn(state: State, id: LaunchId) {
  const parent = state.launches.find((launch) => launch.id === id);
  return state.launches.find(
    ({ lineage, epoch }) => lineage === parent?.lineage && epoch > parent.epoch,
  );
}

/** One handover, one launch that is starting and belongs to it, one that serves. */
function holdsTogether({ launches, handover, stop, pending }: State): void {
  expect(launches.length, 'no more than two live').toBeLessThanOrEqual(MOST_LIVING);
  const starting = launches.filter(({ stage }) => stage === 'starting');
  expect(starting.length, 'one starts at a time').toBeLessThanOrEqual(1);
  if (stop === undefined) {
    expect(starting.map(({ id }) => id)).toEqual(
      handover?.step === 'starting' ? [handover.launch] : [],
    );
  } else {
    expect(handover, 'a stop ends the handover').toBeUndefined();
    expect(pending, 'a stop refuses what was asked for').toEqual([]);
  }
  const live = launches.filter(({ stage, isKilled }) => stage === 'live' && !isKilled);
  if (stop === undefined) expect(live.length, 'one serves').toBeLessThanOrEqual(1);
}

function phaseIsTrue({ after, effects }: Transition): void {
  const hasExited = effects.some(({ type }) => type === 'exitAgent');
  if (hasExited || after.phase === 'stopped') {
    expect(after.phase).toBe('stopped');
    return;
  }
  const isServed = after.launches.some(({ stage }) => stage === 'live');
  const hasServedOrTried = after.committed !== undefined || after.crashes.length > 0;
  const unserved = hasServedOrTried ? 'backoff' : 'waiting';
  const running = isServed ? 'running' : unserved;
  expect(after.phase).toBe(after.stop === undefined ? running : 'draining');
}

/** A timer belongs to something that is there and still waits for it. */
function timersBelong(state: State): void {
  const { timers, launches, handover } = state;
  for (const timer of timers.keys()) {
    const [name = '', id] = timer.split(':');
    const owner = launches.find((launch) => launch.id === id);
    if (id !== undefined) expect(owner, `${timer} has an owner`).toBeDefined();
    if (/^(silence|initialize):/.test(timer)) expect(owner?.liveAtMs, timer).toBeUndefined();
    expect(WAITS[name]?.(state) ?? true, `${name} is waited for`).toBe(true);
  }
  expect(handover?.step === 'backoff', 'backoff has its timer').toBe(timers.has('retry'));
}

const WAITS: Readonly<Record<string, (state: State) => boolean>> = {
  retry: ({ handover }) => handover?.step === 'backoff',
  jitter: ({ handover, stop, phase }) => !(handover || stop) && phase === 'running',
  certificateWait: ({ desired, stop }) => !(desired || stop),
  stopDelay: ({ stop }) => stop?.step === 'delay',
  drainMin: ({ stop }) => stop?.step === 'draining',
  drainMax: ({ stop }) => stop?.step === 'draining',
  refill: ({ phase }) => phase === 'running',
};

/** The n-th failure since the last refill waits 200 ms x 2^(n-1); a silent one a little longer. */
function delaysAreExact({ before, after, atMs }: Transition, policy: Policy): void {
  const dueMs = after.timers.get('retry');
  if (dueMs === undefined || dueMs === before.timers.get('retry')) return;
  const isServed = after.launches.some(({ stage }) => stage === 'live');
  const failures = isServed ? (after.handover?.attempts ?? []) : after.crashes;
  const exactMs = policy.restartBackoffMs * 2 ** (Math.max(1, failures.length) - 1);
  const isSilent = isServed && failures.at(-1)?.wasSilent === true;
  expect(dueMs - atMs).toBeCloseTo(isSilent ? Math.max(exactMs, PENDING_REPLY_MS) : exactMs, 3);
  expect(failures.length).toBeLessThanOrEqual(policy.restartTokens);
}

/** So that a step that changes what it was given fails at once. */
function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  if (value instanceof Map) {
    const refuse = () => {
      throw new Error('a state was changed');
    };
    Object.assign(value, { set: refuse, delete: refuse, clear: refuse });
    for (const member of value.values()) freeze(member);
  }
  Object.freeze(value);
  for (const member of Object.values(value)) freeze(member);
}
