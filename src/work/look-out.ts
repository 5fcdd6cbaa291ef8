/** When to look: after hints have settled, and every now and then in case hints were lost. */
import { type SettleTimes, type Settling, settle } from '../core/settle.ts';
import type { Cancel, Clock } from '../ports.ts';

export interface LookOutOptions {
  readonly clock: Clock;
  readonly times: SettleTimes;
  readonly pollIntervalMs: number;
  /** Reads everything; never rejects. */
  readonly look: () => Promise<void>;
  /** Before each look that no hint asked for: are the right folders still watched? */
  readonly rearm: () => void;
}

export interface LookOut {
  hint(): void;
  close(): void;
}

/** Starts polling at once; a hint during a look leads to another look. */
export function createLookOut({
  clock,
  times,
  pollIntervalMs,
  look,
  rearm,
}: LookOutOptions): LookOut {
  let settling: Settling | undefined;
  let cancelLook: Cancel = () => {};
  let cancelPoll: Cancel = () => {};
  const poll = () => {
    cancelPoll = clock.after(pollIntervalMs, () => {
      rearm();
      void look();
      poll();
    });
  };
  poll();
  return {
    hint: () => {
      const { atMs } = clock.moment();
      settling = settle(settling, atMs, times);
      cancelLook();
      cancelLook = clock.after(settling.dueAtMs - atMs, () => {
        settling = undefined;
        void look();
      });
    },
    close: () => {
      cancelLook();
      cancelPoll();
    },
  };
}
