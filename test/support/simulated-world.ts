/**
 * The world as the core sees it, made of a few numbers: Envoys that behave as measured, checks and
 * repairs that somebody answers, and time that passes only when told to.
 */
import type { Effect, Event } from '../../src/core/events.ts';
import { initialState, step } from '../../src/core/lifecycle.ts';
import type { HandoverId, LineageId, Policy, TimerName } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import { answerOf, type Verdict } from './simulated-checks.ts';
import { type Fate, isLiving, isStuck } from './simulated-envoy.ts';
import { createProcesses, type SimulatedProcesses } from './simulated-processes.ts';

/** One event with all that came of it, as it is before the effects are done. */
export interface Transition {
  readonly before: State;
  readonly event: Event;
  readonly after: State;
  readonly effects: readonly Effect[];
  readonly atMs: number;
}

export interface SimulatedWorld
  extends Pick<
    SimulatedProcesses,
    'envoys' | 'initializing' | 'takeOver' | 'becomeLive' | 'end' | 'freeze' | 'wake'
  > {
  readonly policy: Policy;
  readonly state: () => State;
  readonly nowMs: () => number;
  take(event: Event): readonly Effect[];
  /** Fires what is due, deadlines of the core and fates of processes, in order. */
  pass(ms: number): void;
  settleChecks(verdict: Verdict): void;
  settleRepairs(isSound: boolean): void;
  /** Only an Envoy that answers can show that it has loaded something. */
  settleDeliveries(succeeds: boolean): void;
  /** Whether a repair waits to be settled. */
  isRepairing(): boolean;
}

export interface WorldPlan {
  readonly policy: Policy;
  readonly fateOf: (launchCount: number) => Fate;
  readonly observe: (transition: Transition) => void;
}

export function createWorld({ policy, fateOf, observe }: WorldPlan): SimulatedWorld {
  const openChecks = new Set<HandoverId>();
  const openRepairs = new Set<LineageId>();
  let openDeliveries: readonly (Effect & { readonly type: 'deliverCertificates' })[] = [];
  let scheduled: { readonly atMs: number; readonly run: () => void }[] = [];
  let state = initialState;
  let nowMs = 0;
  const processes = createProcesses({
    parentShutdownTimeMs: policy.parentShutdownTimeMs,
    fateOf,
    take,
    nowMs: () => nowMs,
    later: (afterMs, run) => scheduled.push({ atMs: nowMs + afterMs, run }),
  });

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
        processes.launch(effect);
        return;
      case 'signalLaunch':
        processes.signal(processes.envoyOf(effect.launch), effect.signal);
        return;
      case 'drainLaunch':
        processes.envoyOf(effect.launch).hasCounting = true;
        return;
      case 'deliverCertificates':
        openDeliveries = [...openDeliveries, effect];
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

  function pass(ms: number): void {
    const untilMs = nowMs + ms;
    for (;;) {
      const [timer, dueMs] = earliest(state.timers);
      const fateMs = scheduled.reduce((soonest, { atMs }) => Math.min(soonest, atMs), NEVER_MS);
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

  function settleChecks(verdict: Verdict): void {
    const open = [...openChecks];
    openChecks.clear();
    for (const handover of open) take(answerOf(handover, verdict));
  }

  function settleRepairs(isSound: boolean): void {
    const open = [...openRepairs];
    openRepairs.clear();
    for (const lineage of open) {
      if (isSound) processes.initializing.delete(lineage);
      const isDrained = processes.envoys.some(
        (envoy) => envoy.lineage === lineage && envoy.condition === 'live' && envoy.isDrained,
      );
      const seen = isDrained ? ({ hasTakenOver: true } as const) : {};
      take({ type: 'lineageRepaired', lineage, isSound, reason: 'repaired', ...seen });
    }
  }

  function settleDeliveries(succeeds: boolean): void {
    const open = openDeliveries;
    openDeliveries = [];
    for (const { handover, recipients } of open) {
      const envoys = recipients.map(({ launch }) => processes.envoyOf(launch));
      if (!succeeds || !envoys.every((envoy) => isLiving(envoy) && !isStuck(envoy))) {
        take({ type: 'deliveryFailed', handover, problems: ['It has not loaded them.'] });
        continue;
      }
      for (const [at, envoy] of envoys.entries()) {
        envoy.certificates = recipients[at]?.target.certificates;
      }
      take({ type: 'certificatesDelivered', handover });
    }
  }

  return {
    policy,
    state: () => state,
    nowMs: () => nowMs,
    ...processes,
    take,
    pass,
    settleChecks,
    settleRepairs,
    settleDeliveries,
    isRepairing: () => openRepairs.size > 0,
  };
}

const NEVER_MS = Number.POSITIVE_INFINITY;

/** The deadline that is due first. */
function earliest(timers: State['timers']): readonly [TimerName | undefined, number] {
  let first: TimerName | undefined;
  let firstMs = NEVER_MS;
  for (const [timer, atMs] of timers) {
    if (atMs >= firstMs) continue;
    first = timer;
    firstMs = atMs;
  }
  return [first, firstMs];
}
