/** The Envoys of a simulated world: they become LIVE, go, freeze and die as it was measured. */
import type { Effect, Event } from '../../src/core/events.ts';
import type { LaunchId, LineageId, Outcome } from '../../src/core/model.ts';
import { type Fate, isLiving, isOrphan, isStuck, type SimulatedEnvoy } from './simulated-envoy.ts';

export interface SimulatedProcesses {
  /** Everything that ever was launched, oldest first. */
  readonly envoys: readonly SimulatedEnvoy[];
  /** Lineages whose shared memory says that someone is initializing. */
  readonly initializing: Set<LineageId>;
  /** @throws Error when it never was launched */
  readonly envoyOf: (id: LaunchId) => SimulatedEnvoy;
  readonly launch: (effect: Effect & { readonly type: 'launchEnvoy' }) => void;
  readonly signal: (envoy: SimulatedEnvoy, name: 'SIGTERM' | 'SIGKILL') => void;
  /** It is LIVE, and nobody has seen it yet. */
  readonly takeOver: (envoy: SimulatedEnvoy) => void;
  readonly becomeLive: (envoy: SimulatedEnvoy) => void;
  readonly end: (envoy: SimulatedEnvoy, outcome: Outcome) => void;
  /** It answers nobody from now on; neither does a child that asks it for something. */
  readonly freeze: (envoy: SimulatedEnvoy) => void;
  readonly wake: (envoy: SimulatedEnvoy) => void;
}

/** What the processes need of the world around them. */
export interface ProcessSurroundings {
  readonly parentShutdownTimeMs: number;
  readonly fateOf: (launchCount: number) => Fate;
  readonly take: (event: Event) => void;
  readonly nowMs: () => number;
  readonly later: (afterMs: number, run: () => void) => void;
}

const ABORT: Outcome = { kind: 'killed', signal: 'SIGABRT' };
const CLEAN: Outcome = { kind: 'exited', code: 0 };
const KILLED: Outcome = { kind: 'killed', signal: 'SIGKILL' };
/** From SIGTERM to the end of an idle Envoy. */
const OBEYS_AFTER_MS = 30;
/** A child whose parent is gone tries to reach it for ten seconds before it aborts. */
const ABORTS_AFTER_MS = 10_000;
/** From its parent's end to the question to it that is never answered. */
const NOTICES_AFTER_MS = 3_000;
/** How often silence is told about: less often than it really is, for the sake of speed. */
export const TOLD_EVERY_MS = 5_000;

export function createProcesses(around: ProcessSurroundings): SimulatedProcesses {
  const envoys: SimulatedEnvoy[] = [];
  const initializing = new Set<LineageId>();

  function envoyOf(id: LaunchId): SimulatedEnvoy {
    const envoy = envoys.find((candidate) => candidate.id === id);
    if (envoy === undefined) throw new Error(`${id} was never launched`);
    return envoy;
  }

  function launch({ launch: id, epoch, lineage, target }: Effect & { type: 'launchEnvoy' }): void {
    initializing.add(lineage);
    envoys.push({
      id,
      epoch,
      lineage,
      fate: around.fateOf(envoys.length + 1),
      parent: envoys.findLast((one) => {
        return one.lineage === lineage && one.epoch === epoch - 1 && isLiving(one);
      }),
      certificates: target.certificates,
      condition: 'initializing',
      wasToldToGo: false,
      isDrained: false,
      hasCounting: false,
      isFrozen: false,
      isKept: false,
      goesLater: false,
      silentSinceMs: undefined,
    });
  }

  function signal(envoy: SimulatedEnvoy, name: 'SIGTERM' | 'SIGKILL'): void {
    if (name === 'SIGKILL') {
      if (envoy.fate.ignoresSigkill) keep(envoy);
      else endLater(envoy, KILLED, envoy.fate.killedAfterMs);
      return;
    }
    if (envoy.fate.ignoresSigterm) return;
    if (isOrphan(envoy)) endLater(envoy, ABORT, ABORTS_AFTER_MS);
    else if (isStuck(envoy)) envoy.goesLater = true;
    else goWithParent(envoy);
  }

  function goWithParent(envoy: SimulatedEnvoy): void {
    go(envoy);
    if (envoy.parent !== undefined) tellToGo(envoy.parent);
  }

  function tellToGo(parent: SimulatedEnvoy): void {
    if (parent.fate.overstays) return;
    if (isStuck(parent)) parent.goesLater = true;
    else go(parent);
  }

  function go(envoy: SimulatedEnvoy): void {
    envoy.wasToldToGo = true;
    around.later(OBEYS_AFTER_MS, () => {
      if (isStuck(envoy)) envoy.goesLater = true;
      else end(envoy, CLEAN);
    });
  }

  function endLater(envoy: SimulatedEnvoy, outcome: Outcome, afterMs: number): void {
    around.later(afterMs, () => end(envoy, outcome));
  }

  function takeOver(envoy: SimulatedEnvoy): void {
    envoy.condition = 'live';
    initializing.delete(envoy.lineage);
    if (envoy.parent !== undefined) envoy.parent.isDrained = true;
  }

  function becomeLive(envoy: SimulatedEnvoy): void {
    const { parent } = envoy;
    takeOver(envoy);
    if (parent !== undefined) {
      around.later(around.parentShutdownTimeMs, () => {
        if (isLiving(envoy) && !isStuck(envoy)) tellToGo(parent);
      });
    }
    around.take({ type: 'launchLive', launch: envoy.id, awaitsProof: true });
    around.later(envoy.fate.provesAfterMs, () => prove(envoy));
  }

  function prove({ id, fate, condition }: SimulatedEnvoy): void {
    if (condition === 'gone') return;
    const problem = fate.isUnproved ? { problem: 'It shows other certificates.' } : {};
    around.take({ type: 'certificatesProved', launch: id, ...problem });
  }

  function end(envoy: SimulatedEnvoy, outcome: Outcome): void {
    if (!isLiving(envoy)) return;
    envoy.condition = 'gone';
    const child = envoys.find((candidate) => candidate.parent === envoy && isLiving(candidate));
    if (child !== undefined && !envoy.wasToldToGo) {
      endLater(child, ABORT, NOTICES_AFTER_MS + ABORTS_AFTER_MS);
      noticeSilence();
    }
    around.take({ type: 'launchExited', launch: envoy.id, outcome, lastLines: [] });
    noticeAnswers();
  }

  function keep(envoy: SimulatedEnvoy): void {
    envoy.isKept = true;
    noticeSilence();
  }

  function freeze(envoy: SimulatedEnvoy): void {
    envoy.isFrozen = true;
    noticeSilence();
  }

  function wake(envoy: SimulatedEnvoy): void {
    envoy.isFrozen = false;
    noticeAnswers();
  }

  function noticeAnswers(): void {
    for (const envoy of envoys) {
      if (envoy.silentSinceMs === undefined || !isLiving(envoy) || isStuck(envoy)) continue;
      envoy.silentSinceMs = undefined;
      around.take({ type: 'launchHeard', launch: envoy.id });
      if (envoy.goesLater) goWithParent(envoy);
    }
  }

  /** Whoever was LIVE and fell silent is told about until it is heard or gone. */
  function noticeSilence(): void {
    const sinceMs = around.nowMs();
    for (const envoy of envoys) {
      if (envoy.condition !== 'live' || envoy.silentSinceMs !== undefined) continue;
      if (!isStuck(envoy)) continue;
      envoy.silentSinceMs = sinceMs;
      around.later(TOLD_EVERY_MS, () => tellSilence(envoy, sinceMs));
    }
  }

  function tellSilence(envoy: SimulatedEnvoy, sinceMs: number): void {
    if (!isLiving(envoy) || envoy.silentSinceMs !== sinceMs) return;
    const silentMs = around.nowMs() - sinceMs;
    around.take({ type: 'launchSilent', launch: envoy.id, silentMs });
    around.later(TOLD_EVERY_MS, () => tellSilence(envoy, sinceMs));
  }

  return {
    envoys,
    initializing,
    envoyOf,
    launch,
    signal,
    takeOver,
    becomeLive,
    end,
    freeze,
    wake,
  };
}
