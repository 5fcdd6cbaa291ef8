/** Finds out that an Envoy hangs: by the silence in which it leaves a question it had answered before. */
import type { Event } from '../core/events.ts';
import type { Cancel, Clock } from '../ports.ts';
import type { LivingLaunch } from './launches.ts';

/**
 * From question to question: a third of the deadline, but no longer than this. A question costs an
 * idle agent 1 to 3 ms of processor time (measured); while answers come nothing else wakes it.
 */
const ASK_EVERY_MS = 10_000;
const TICK_MS = 1_000;
/** A shorter silence is nothing to speak of: Envoy's main thread may well be busy for so long. */
const REPORT_FROM_MS = 2_000;
/** The least it can be asked: it is answered by the main thread, and any status will do. */
const QUESTION = { method: 'GET', path: '/ready' } as const;
/** It must not time out before the core has decided, and a late answer is an answer. */
const LIMITS = { timeoutMs: Number.POSITIVE_INFINITY };

export interface WatchWorld {
  readonly clock: Clock;
  readonly post: (event: Event) => void;
  /** How long a launch may be silent, which is for others to decide on; 0: for ever. */
  readonly hangDeadlineMs: number;
}

/**
 * Reports silence and its end until cancelled. A question that cannot be asked (nobody listens any
 * more, the connection breaks) says nothing of a hang: it is asked again, and no silence is counted.
 */
export function watchLaunch({ id: launch, admin }: LivingLaunch, world: WatchWorld): Cancel {
  const { clock, post } = world;
  const everyMs = askEveryMs(world);
  let isOver = false;
  let isSilent = false;
  let cancelWait: Cancel = () => {};

  const askLater = () => {
    cancelWait = clock.after(untilNextMs(clock, everyMs), () => void ask());
  };
  const ask = async () => {
    cancelWait = countSilence(clock, (silentMs) => {
      isSilent = true;
      post({ type: 'launchSilent', launch, silentMs });
    });
    const isHeard = await admin.request(QUESTION.method, QUESTION.path, LIMITS).then(
      () => true,
      () => false,
    );
    if (isOver) return;
    cancelWait();
    if (isHeard && isSilent) post({ type: 'launchHeard', launch });
    if (isHeard) isSilent = false;
    askLater();
  };

  askLater();
  return () => {
    isOver = true;
    cancelWait();
  };
}

function askEveryMs({ hangDeadlineMs }: WatchWorld): number {
  if (hangDeadlineMs === 0) return ASK_EVERY_MS;
  return Math.min(Math.max(hangDeadlineMs / 3, TICK_MS), ASK_EVERY_MS);
}

/**
 * All launches are asked at the same moments: a child that waits for a parent which hangs is not
 * found to be silent before its parent is.
 */
function untilNextMs(clock: Clock, everyMs: number): number {
  const leftMs = everyMs - (clock.moment().atMs % everyMs);
  return leftMs < everyMs / 2 ? leftMs + everyMs : leftMs;
}

/**
 * Counts in ticks, each for a second however late it comes: what the agent itself was kept from
 * (throttled, stopped, suspended with the machine) is one tick and not so many seconds of silence.
 * After such a time the tick comes first and what had arrived is read next, so that a tick speaks
 * only of the silence up to the one before it.
 */
function countSilence(clock: Clock, report: (silentMs: number) => void): Cancel {
  let silentMs = 0;
  let cancelTick: Cancel = () => {};
  const tickLater = () => {
    cancelTick = clock.after(TICK_MS, () => {
      tickLater();
      const untilLastTickMs = silentMs;
      silentMs += TICK_MS;
      if (untilLastTickMs >= REPORT_FROM_MS) report(untilLastTickMs);
    });
  };
  tickLater();
  return () => cancelTick();
}
