/**
 * The world as the core sees it, made of a few numbers: Envoys that behave as measured
 * (LIVE, told to go, killed, abandoned by their parent), checks and repairs that somebody answers,
 * and time that passes only when told to.
 */
import type { Effect, Event } from '../../src/core/events.ts';
import { initialState, step } from '../../src/core/lifecycle.ts';
import type {
  Epoch,
  HandoverId,
  LaunchId,
  LineageId,
  Outcome,
  Policy,
  TimerName,
} from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';

/** How a process takes what is done to it. */
export interface Fate {
  readonly ignoresSigterm: boolean;
  /** The kernel does not give it up. */
  readonly ignoresSigkill: boolean;
  /** As a parent it never obeys its child. */
  readonly overstays: boolean;
  readonly killedAfterMs: number;
}

export interface SimulatedEnvoy {
  readonly id: LaunchId;
  readonly epoch: Epoch;
  readonly lineage: LineageId;
  readonly fate: Fate;
  /** The one it inherits from; it may be gone. */
  readonly parent: SimulatedEnvoy | undefined;
  condition: 'initializing' | 'live' | 'gone';
  /** Its child or a signal told it to go, so that its end is no surprise to its child. */
  wasToldToGo: boolean;
  hasCounting: boolean;
}

/** One event with all that came of it, as it is before the effects are done. */
export interface Transition {
  readonly before: State;
  readonly event: Event;
  readonly after: State;
  readonly effects: readonly Effect[];
  readonly atMs: number;
}

export interface SimulatedWorld {
  readonly policy: Policy;
  readonly state: () => State;
  readonly nowMs: () => number;
  /** Everything that ever was launched, oldest first. */
  readonly envoys: readonly SimulatedEnvoy[];
  /** Lineages whose shared memory says that someone is initializing. */
  readonly initializing: ReadonlySet<LineageId>;
  readonly openChecks: ReadonlySet<HandoverId>;
  readonly openRepairs: ReadonlySet<LineageId>;
  take(event: Event): readonly Effect[];
  /** Fires what is due, deadlines of the core and fates of processes, in order. */
  pass(ms: number): void;
  becomeLive(envoy: SimulatedEnvoy): void;
  end(envoy: SimulatedEnvoy, outcome: Outcome): void;
  settleChecks(passed: boolean): void;
  settleRepairs(isSound: boolean): void;
}

const ABORT: Outcome = { kind: 'killed', signal: 'SIGABRT' };
const CLEAN: Outcome = { kind: 'exited', code: 0 };
/** From SIGTERM to the end of an idle Envoy. */
const OBEYS_AFTER_MS = 30;
/** A child whose parent is gone tries to reach it for ten seconds before it aborts. */
const ABORTS_AFTER_MS = 10_000;

export function isLiving(envoy: SimulatedEnvoy): boolean {
  return envoy.condition !== 'gone';
}

/** Whether nothing keeps it from becoming LIVE: a child needs its parent until then. */
export function canBecomeLive(envoy: SimulatedEnvoy): boolean {
  return envoy.condition === 'initializing' && envoy.parent?.condition !== 'gone';
}

export function isCounted(envoy: SimulatedEnvoy): boolean {
  return isLiving(envoy) && envoy.hasCounting;
}

export function isOrphan(envoy: SimulatedEnvoy): boolean {
  return envoy.parent?.condition === 'gone' && !envoy.parent.wasToldToGo;
}

export interface WorldPlan {
  readonly policy: Policy;
  readonly fateOf: (launchCount: number) => Fate;
  readonly observe: (transition: Transition) => void;
}

export function createWorld({ policy, fateOf, observe }: WorldPlan): SimulatedWorld {
  const envoys: SimulatedEnvoy[] = [];
  const initializing = new Set<LineageId>();
  const openChecks = new Set<HandoverId>();
  const openRepairs = new Set<LineageId>();
  let scheduled: { readonly atMs: number; readonly run: () => void }[] = [];
  let state = initialState;
  let nowMs = 0;

  function take(event: Event): readonly Effect[] {
    const before = state;
    const taken = step(before, event, { atMs: nowMs, chance: 0.5 }, policy);
    state = taken.state;
    observe({ before, event, after: state, effects: taken.effects, atMs: nowMs });
    for (const effect of taken.effects) perform(effect);
    return taken.effects;
  }

  function perform(effect: Effect): void {
    switch (effect.type) {
      case 'checkDesired':
        openChecks.add(effect.handover);
        return;
      case 'launchEnvoy':
        launch(effect);
        return;
      case 'signalLaunch':
        signal(envoyOf(effect.launch), effect.signal);
        return;
      case 'drainLaunch':
        envoyOf(effect.launch).hasCounting = true;
        return;
      case 'repairLineage':
        openRepairs.add(effect.lineage);
        return;
      case 'forgetLaunch':
      case 'reportHandover':
      case 'exitAgent':
        return;
    }
  }

  function launch({ launch: id, epoch, lineage }: Effect & { type: 'launchEnvoy' }): void {
    const parent = envoys.findLast((envoy) => envoy.lineage === lineage && isLiving(envoy));
    const fate = fateOf(envoys.length + 1);
    const condition = 'initializing';
    initializing.add(lineage);
    const flags = { condition, wasToldToGo: false, hasCounting: false } as const;
    envoys.push({ id, epoch, lineage, fate, parent, ...flags });
  }

  function envoyOf(id: LaunchId): SimulatedEnvoy {
    const envoy = envoys.find((candidate) => candidate.id === id);
    if (envoy === undefined) throw new Error(`${id} was never launched`);
    return envoy;
  }

  function signal(envoy: SimulatedEnvoy, name: 'SIGTERM' | 'SIGKILL'): void {
    if (name === 'SIGKILL') {
      const outcome: Outcome = { kind: 'killed', signal: 'SIGKILL' };
      if (!envoy.fate.ignoresSigkill) endLater(envoy, outcome, envoy.fate.killedAfterMs);
      return;
    }
    if (envoy.fate.ignoresSigterm) return;
    if (isOrphan(envoy)) {
      endLater(envoy, ABORT, ABORTS_AFTER_MS);
      return;
    }
    envoy.wasToldToGo = true;
    endLater(envoy, CLEAN, OBEYS_AFTER_MS);
    if (envoy.parent !== undefined) tellToGo(envoy.parent);
  }

  function tellToGo(parent: SimulatedEnvoy): void {
    if (parent.fate.overstays) return;
    parent.wasToldToGo = true;
    endLater(parent, CLEAN, OBEYS_AFTER_MS);
  }

  function endLater(envoy: SimulatedEnvoy, outcome: Outcome, afterMs: number): void {
    scheduled.push({ atMs: nowMs + afterMs, run: () => end(envoy, outcome) });
  }

  function becomeLive(envoy: SimulatedEnvoy): void {
    const { parent } = envoy;
    envoy.condition = 'live';
    initializing.delete(envoy.lineage);
    if (parent !== undefined) {
      const atMs = nowMs + policy.parentShutdownTimeMs;
      scheduled.push({ atMs, run: () => isLiving(envoy) && tellToGo(parent) });
    }
    take({ type: 'launchLive', launch: envoy.id });
  }

  function end(envoy: SimulatedEnvoy, outcome: Outcome): void {
    if (!isLiving(envoy)) return;
    envoy.condition = 'gone';
    const child = envoys.find((candidate) => candidate.parent === envoy && isLiving(candidate));
    if (child !== undefined && !envoy.wasToldToGo) endLater(child, ABORT, ABORTS_AFTER_MS + 3_000);
    take({ type: 'launchExited', launch: envoy.id, outcome, lastLines: [] });
  }

  function pass(ms: number): void {
    const untilMs = nowMs + ms;
    for (;;) {
      const [timer, dueMs] = [...state.timers].reduce<Due>(sooner, NEVER);
      const fateMs = Math.min(Number.POSITIVE_INFINITY, ...scheduled.map(({ atMs }) => atMs));
      if (Math.min(dueMs, fateMs) > untilMs) break;
      nowMs = Math.max(nowMs, Math.min(dueMs, fateMs));
      if (fateMs <= dueMs) runScheduled(fateMs);
      else if (timer !== undefined) take({ type: 'timerFired', timer });
    }
    nowMs = untilMs;
  }

  function runScheduled(atMs: number): void {
    const due = scheduled.filter((entry) => entry.atMs === atMs);
    scheduled = scheduled.filter((entry) => entry.atMs !== atMs);
    for (const { run } of due) run();
  }

  function settleChecks(passed: boolean): void {
    const open = [...openChecks];
    openChecks.clear();
    for (const handover of open) {
      take(
        passed
          ? { type: 'checksPassed', handover, speaksSameVersion: true }
          : { type: 'checksFailed', handover, problems: ['Cannot do it.'], exitCode: 78 },
      );
    }
  }

  function settleRepairs(isSound: boolean): void {
    const open = [...openRepairs];
    openRepairs.clear();
    for (const lineage of open) {
      if (isSound) initializing.delete(lineage);
      take({ type: 'lineageRepaired', lineage, isSound, reason: 'repaired' });
    }
  }

  return {
    policy,
    state: () => state,
    nowMs: () => nowMs,
    envoys,
    initializing,
    openChecks,
    openRepairs,
    take,
    pass,
    becomeLive,
    end,
    settleChecks,
    settleRepairs,
  };
}

type Due = readonly [TimerName | undefined, number];

const NEVER: Due = [undefined, Number.POSITIVE_INFINITY];

function sooner(one: Due, other: Due): Due {
  return other[1] < one[1] ? other : one;
}
