/** An Envoy of the simulated world: what is known of it, and what it can still do. */
import type { Digest, Epoch, LaunchId, LineageId } from '../../src/core/model.ts';

/** How a process takes what is done to it. */
export interface Fate {
  readonly ignoresSigterm: boolean;
  /** The kernel does not give it up. */
  readonly ignoresSigkill: boolean;
  /** As a parent it never obeys its child. */
  readonly overstays: boolean;
  readonly killedAfterMs: number;
  /** From LIVE to what it shows of its certificates. */
  readonly provesAfterMs: number;
  /** It shows others than it was given. */
  readonly isUnproved: boolean;
}

export const HEALTHY: Fate = {
  ignoresSigterm: false,
  ignoresSigkill: false,
  overstays: false,
  killedAfterMs: 5,
  provesAfterMs: 0,
  isUnproved: false,
};

export interface SimulatedEnvoy {
  readonly id: LaunchId;
  readonly epoch: Epoch;
  readonly lineage: LineageId;
  readonly fate: Fate;
  /** The one it inherits from; it may be gone. */
  readonly parent: SimulatedEnvoy | undefined;
  /** What it has loaded. */
  certificates: Digest | undefined;
  condition: 'initializing' | 'live' | 'gone';
  /** Its child or a signal told it to go, so that its end is no surprise to its child. */
  wasToldToGo: boolean;
  /** Its child took over from it: it accepts nothing any more. */
  isDrained: boolean;
  hasCounting: boolean;
  /** It is stopped: it answers nobody, and obeys SIGKILL alone. */
  isFrozen: boolean;
  /** It was killed, and the kernel does not let go of it. */
  isKept: boolean;
  /** Told to go while it was frozen: it goes when it wakes up. */
  goesLater: boolean;
  /** Since when its admin has answered nothing, as the agent sees it. */
  silentSinceMs: number | undefined;
}

export function isLiving(envoy: SimulatedEnvoy): boolean {
  return envoy.condition !== 'gone';
}

/** Whether nothing keeps it from becoming LIVE: a child needs its parent's answers until then. */
export function canBecomeLive(envoy: SimulatedEnvoy): boolean {
  const { parent } = envoy;
  const isAnswered = parent === undefined || (parent.condition !== 'gone' && !isStuck(parent));
  return envoy.condition === 'initializing' && !isStuck(envoy) && isAnswered;
}

export function isCounted(envoy: SimulatedEnvoy): boolean {
  return isLiving(envoy) && envoy.hasCounting && !isStuck(envoy);
}

/** Its parent died under it, so that it will abort. */
export function isOrphan(envoy: SimulatedEnvoy): boolean {
  return envoy.parent?.condition === 'gone' && !envoy.parent.wasToldToGo;
}

/** Its main thread does nothing: it is stopped, or waits for the answer of a parent that is stuck or dead. */
export function isStuck(envoy: SimulatedEnvoy): boolean {
  if (envoy.isFrozen || envoy.isKept) return true;
  const { parent } = envoy;
  if (parent === undefined || envoy.condition !== 'live') return false;
  return isLiving(parent) ? isStuck(parent) : isOrphan(envoy);
}
