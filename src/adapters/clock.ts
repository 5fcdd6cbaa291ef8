import { performance } from 'node:perf_hooks';
import type { Cancel, Clock } from '../ports.ts';

/** Node fires a longer timer after 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** The longest stretch in which running time is counted. */
const STRETCH_MS = 1_000;
/** A stretch that ends later by more was not run through; throttled to 5 % it is late by 0.1 s. */
const LATE_MS = 250;

/** The real clock. Its timers keep the process alive: a supervisor with a deadline is not done. */
export const systemClock: Clock = {
  moment: () => ({ atMs: performance.now(), chance: Math.random() }),
  wallMs: () => Date.now(),
  after,
  afterRunning,
};

function after(ms: number, fire: () => void) {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number) => {
    const nowMs = Math.min(leftMs, LONGEST_TIMER_MS);
    timer = setTimeout(() => (leftMs > nowMs ? wait(leftMs - nowMs) : fire()), Math.max(0, nowMs));
  };
  wait(ms);
  return () => clearTimeout(timer);
}

/**
 * What came late is waited for once more, so that what has arrived meanwhile is read first. Never
 * twice in a row: on a machine that is slow for good the time must come to an end as well.
 */
function afterRunning(ms: number, fire: () => void): Cancel {
  const stretchCount = Math.max(1, Math.ceil(ms / STRETCH_MS));
  const stretchMs = Math.max(0, ms) / stretchCount;
  let cancel: Cancel = () => {};
  const wait = (leftCount: number, isRepeated: boolean) => {
    if (leftCount === 0) return fire();
    const endMs = performance.now() + stretchMs;
    cancel = after(stretchMs, () => {
      const isLost = !isRepeated && performance.now() - endMs > LATE_MS;
      wait(isLost ? leftCount : leftCount - 1, isLost);
    });
  };
  wait(stretchCount, false);
  return () => cancel();
}
