import { performance } from 'node:perf_hooks';
import type { Clock } from '../ports.ts';

/** Node fires a longer timer after 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The real clock. Its timers keep the process alive: a supervisor with a deadline is not done. */
export const systemClock: Clock = {
  moment: () => ({ atMs: performance.now(), chance: Math.random() }),
  wallMs: () => Date.now(),
  after,
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
