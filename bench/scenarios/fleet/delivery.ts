/** From the write of a shared bundle to the look of one agent that finds it. */
import { type SettleTimes, type Settling, settle } from '../../../src/core/settle.ts';
import { type Dice, type Range, within } from './dice.ts';

/**
 * How a bundle reaches the agents. `kubelet`: as a mounted Kubernetes secret, to each at its own
 * time. `shared volume`: all of them see the write at once.
 */
export type Delivery = 'kubelet' | 'shared volume';

export interface LookTimes {
  readonly settle: SettleTimes;
  readonly pollIntervalMs: number;
}

/** Milliseconds from the write of the bundle to the look, for one agent. */
export function lookAfterMs(delivery: Delivery, times: LookTimes, dice: Dice): number {
  const arrivedAtMs = delivery === 'kubelet' ? kubeletDelayMs(dice) : 0;
  const polledAtMs = nextPollAfter(arrivedAtMs, times.pollIntervalMs, dice);
  return Math.min(polledAtMs, settledAtMs(arrivedAtMs, times.settle, dice));
}

/**
 * A mounted secret is renewed when the kubelet next syncs the pod, with what its cache has by then:
 * sync period + cache propagation delay at most (Kubernetes: concepts/configuration/secret, "Using
 * Secrets as files from a Pod"). The period is a minute (kubelet-config.v1beta1, syncFrequency) and
 * each pause between two syncs of a pod is up to half a period longer at random
 * (pkg/kubelet/pod_workers.go, workerResyncIntervalJitterFactor), so that no two pods keep step.
 */
const SYNC_PAUSE: Range = { leastMs: 60_000, mostMs: 90_000 };
/** The watch that fills the cache (configMapAndSecretChangeDetectionStrategy: Watch, the default). */
const WATCH_DELAY: Range = { leastMs: 20, mostMs: 500 };
/**
 * The kubelet takes due pods from its queue once a second (pkg/kubelet/kubelet.go, syncTicker), and
 * two loops of 100 ms each then find and renew the volume (pkg/kubelet/volumemanager).
 */
const SYNC_LOOPS: Range = { leastMs: 0, mostMs: 1_200 };

function kubeletDelayMs(dice: Dice): number {
  return within(dice, WATCH_DELAY) + restOfPauseMs(dice) + within(dice, SYNC_LOOPS);
}

/** What is left of the pause that a given moment falls into: long pauses catch more moments. */
function restOfPauseMs(dice: Dice): number {
  for (;;) {
    const pauseMs = within(dice, SYNC_PAUSE);
    if (dice() * SYNC_PAUSE.mostMs < pauseMs) return dice() * pauseMs;
  }
}

/** Agents were started at different times: any phase is as likely as any other. */
function nextPollAfter(atMs: number, intervalMs: number, dice: Dice): number {
  const phaseMs = dice() * intervalMs;
  return phaseMs + Math.ceil(Math.max(0, atMs - phaseMs) / intervalMs) * intervalMs;
}

/** A new folder, a new link, its rename over `..data`, the old folder's end: within this time. */
const WRITE_BURST: Range = { leastMs: 1, mostMs: 20 };
const HINT_COUNT = 4;

function settledAtMs(arrivedAtMs: number, times: SettleTimes, dice: Dice): number {
  const burstMs = within(dice, WRITE_BURST);
  let settling: Settling | undefined;
  for (let hint = 0; hint < HINT_COUNT; hint += 1) {
    settling = settle(settling, arrivedAtMs + (burstMs * hint) / (HINT_COUNT - 1), times);
  }
  return settling?.dueAtMs ?? arrivedAtMs;
}
