/** A clock that stands still until it is told to go on. */
import type { Moment } from '../../src/core/model.ts';
import type { Clock } from '../../src/ports.ts';

export interface FakeClock extends Clock {
  /** Lets time pass, and fires what is due on the way, in order. */
  pass(ms: number): void;
  /** The same, and lets every promise settle that this sets free, again and again. */
  passSlowly(ms: number, stepMs?: number): Promise<void>;
  /** When what is armed is due, soonest first. */
  armedAtMs(): readonly number[];
}

interface Armed {
  readonly atMs: number;
  readonly fire: () => void;
}

/** Starts at 1,000,000 ms, so that nobody takes "since 0" for a moment. */
export function createFakeClock(chance = 0.5): FakeClock {
  let nowMs = 1_000_000;
  const armed = new Set<Armed>();
  const soonest = () => [...armed].sort((a, b) => a.atMs - b.atMs)[0];

  const pass = (ms: number) => {
    const untilMs = nowMs + ms;
    for (let next = soonest(); next && next.atMs <= untilMs; next = soonest()) {
      armed.delete(next);
      nowMs = Math.max(nowMs, next.atMs);
      next.fire();
    }
    nowMs = untilMs;
  };
  const after: Clock['after'] = (ms, fire) => {
    if (!Number.isFinite(ms)) throw new Error(`Expected a time in milliseconds, got ${ms}.`);
    const one = { atMs: nowMs + Math.max(0, ms), fire };
    armed.add(one);
    return () => void armed.delete(one);
  };
  return {
    moment: (): Moment => ({ atMs: nowMs, chance }),
    wallMs: () => 1_700_000_000_000 + nowMs,
    after,
    afterRunning: after,
    pass,
    passSlowly: async (ms, stepMs = 100) => {
      for (let leftMs = ms; leftMs > 0; leftMs -= stepMs) {
        pass(Math.min(stepMs, leftMs));
        await promisesSettled();
      }
    },
    armedAtMs: () => [...armed].map(({ atMs }) => atMs).sort((a, b) => a - b),
  };
}

/** After every promise that can settle without the outside world. */
export function promisesSettled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
