/** Tells a launch's clients to go, and counts its connections until it is gone. */
import { CONNECTIONS_PATH, countConnections } from '../core/connections.ts';
import type { Effect, Event } from '../core/events.ts';
import type { AdminChannel, Clock } from '../ports.ts';
import type { Launches, LivingLaunch } from './launches.ts';

type Draining = Effect & { readonly type: 'drainLaunch' };

const COUNT_EVERY_MS = 500;
/** From an order that was not answered to the next try. */
const ORDER_AGAIN_MS = 1_000;

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
  const orders = ORDERS[effect.purpose].map((path) => insist(path, living, world));
  // The one connection answers in turn: the first count comes after the orders.
  if (living.stopCounting === undefined) countOnAndOn(living, world);
  await Promise.all(orders);
}

/** Once at least; where no answer came, again behind the caller's back until one does. */
async function insist(path: string, living: LivingLaunch, world: DrainWorld): Promise<void> {
  try {
    const { status } = await living.admin.request('POST', path);
    if (status !== 200) world.onTrouble(`Envoy answered ${path} with status ${status}.`);
  } catch (error) {
    world.onTrouble(error instanceof Error ? error.message : String(error));
    if (!isThere(living, world)) return;
    world.clock.after(ORDER_AGAIN_MS, () => {
      if (isThere(living, world)) void insist(path, living, world);
    });
  }
}

function isThere(living: LivingLaunch, { launches }: DrainWorld): boolean {
  return launches.get(living.id) === living;
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
