/** Whether a child took over from its parent before anyone saw that it was LIVE. */
import type { LineageId } from '../core/model.ts';
import type { AdminLimits, Clock } from '../ports.ts';
import type { Launches, LivingLaunch } from './launches.ts';

/** Listeners are stopped by a child that takes over, or by a drain, and never opened again. */
const STOPPED = '/stats?filter=^listener_manager%5C.listener_stopped$';
const LIMITS: AdminLimits = { timeoutMs: 1_000, maxBytes: 4 * 1024 };

/** A parent that is busy stops its listeners up to 86 ms after it was told to (measured). */
const ASKED_FOR_MS = 500;
const ASK_EVERY_MS = 50;

export interface TakeoverWorld {
  readonly clock: Clock;
  readonly launches: Launches;
}

/**
 * Asks the launch that serves in this lineage whether it has closed its listeners (the counter
 * `listener_manager.listener_stopped`; measured on Envoy 1.40), for half a second when not at once.
 * False when it can't be asked.
 */
export async function wasTakenOver(
  lineage: LineageId,
  { clock, launches }: TakeoverWorld,
): Promise<boolean> {
  const untilMs = clock.moment().atMs + ASKED_FOR_MS;
  for (;;) {
    const serving = [...launches.values()].findLast((launch) => {
      return launch.lineage === lineage && launch.hotRestartVersion !== undefined;
    });
    if (serving === undefined) return false;
    const hasStopped = await hasStoppedListening(serving);
    if (hasStopped !== false || clock.moment().atMs >= untilMs) return hasStopped === true;
    await new Promise<void>((resume) => void clock.after(ASK_EVERY_MS, resume));
  }
}

/** Undefined when it can't be asked. */
async function hasStoppedListening({ admin }: LivingLaunch): Promise<boolean | undefined> {
  try {
    const { status, body } = await admin.request('GET', STOPPED, LIMITS);
    if (status !== 200) return undefined;
    return /listener_stopped: [1-9]/.test(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
