/** Tells a launch's clients to go, and counts its connections until it is gone. */
import { CONNECTIONS_PATH, countConnections } from '../core/connections.ts';
import type { Effect, Event } from '../core/events.ts';
import type { AdminChannel, Clock } from '../ports.ts';
import type { Launches, LivingLaunch } from './launches.ts';

type Draining = Effect & { readonly type: 'drainLaunch' };

const COUNT_EVERY_MS = 500;

export interface DrainWorld {
  readonly clock: Clock;
  readonly launches: Launches;
  readonly ignoredListeners: readonly string[];
  readonly post: (event: Event) => void;
  /** Told what the admin would not do. A drain goes on all the same: time bounds it, not answers. */
  readonly onTrouble: (message: string) => void;
}

/**
 * What each purpose asks of Envoy's admin. `skip_exit` keeps the listeners open at the end of the
 * drain time: a stop decides its end itself (measured on Envoy 1.40).
 */
const ORDERS: Readonly<Record<Draining['purpose'], readonly string[]>> = {
  stop: ['/healthcheck/fail', '/drain_listeners?graceful&skip_exit'],
  handover: ['/drain_listeners?graceful'],
  count: [],
};

/** Begins at once and goes on by itself; a second call only adds its orders. Never rejects. */
export async function drainLaunch(effect: Draining, world: DrainWorld): Promise<void> {
  const living = world.launches.get(effect.launch);
  if (living === undefined) return;
  for (const path of ORDERS[effect.purpose]) {
    const trouble = await order(living.admin, path);
    if (trouble !== undefined) world.onTrouble(trouble);
  }
  const isGone = world.launches.get(effect.launch) !== living;
  if (!isGone && living.stopCounting === undefined) countOnAndOn(living, world);
}

async function order(admin: AdminChannel, path: string): Promise<string | undefined> {
  try {
    const { status } = await admin.request('POST', path);
    return status === 200 ? undefined : `Envoy answered ${path} with status ${status}.`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function countOnAndOn(living: LivingLaunch, world: DrainWorld): void {
  let isOver = false;
  let cancelWait = () => {};
  living.stopCounting = () => {
    isOver = true;
    cancelWait();
  };
  const countOnce = async () => {
    const count = await connectionsOf(living.admin, world.ignoredListeners);
    if (isOver) return;
    if (count !== undefined) world.post({ type: 'connectionsCounted', launch: living.id, count });
    cancelWait = world.clock.after(COUNT_EVERY_MS, () => void countOnce());
  };
  void countOnce();
}

/** Undefined when Envoy did not say: the last known count stays. */
async function connectionsOf(admin: AdminChannel, ignored: readonly string[]) {
  try {
    const { body } = await admin.request('GET', CONNECTIONS_PATH);
    return countConnections(body.toString('utf8'), ignored);
  } catch {
    return undefined;
  }
}
