/** Tells a launch's clients to go, and counts its connections until it is gone. */
import { messageOf } from '../core/agent-error.ts';
import { CONNECTIONS_PATH, countConnections } from '../core/connections.ts';
import type { Effect, Event } from '../core/events.ts';
import type { AdminChannel, Clock } from '../ports.ts';
import type { Launches, LivingLaunch } from './launches.ts';

type Draining = Effect & { readonly type: 'drainLaunch' };

const COUNT_EVERY_MS = 500;
/** What was accepted last, before the order to stop accepting, is not in the first figures. */
const FIRST_COUNT_MS = { stop: 0, handover: 100, count: 0 } as const;
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
 * drain time: a stop decides its end itself (measured on Envoy 1.40). At a handover another Envoy
 * accepts already: graceful tells the clients to go little by little, and the second order stops
 * accepting at once, so that zero connections stay zero (tried on 1.40: with the first order alone
 * 3 of 29,000 new connections were cut, with both 0 of 30,392).
 */
const ORDERS: Readonly<Record<Draining['purpose'], readonly string[]>> = {
  stop: ['/healthcheck/fail', '/drain_listeners?graceful&skip_exit'],
  handover: ['/drain_listeners?graceful', '/drain_listeners'],
  count: [],
};

/** Begins at once and goes on by itself; a second call only adds its orders. Never rejects. */
export async function drainLaunch(effect: Draining, world: DrainWorld): Promise<void> {
  const living = world.launches.get(effect.launch);
  if (living === undefined) return;
  const orders = ORDERS[effect.purpose].map((path) => insist({ path, living, world }));
  // The one connection answers in turn: the first count comes after the orders.
  if (living.stopCounting === undefined)
    countOnAndOn(living, world, FIRST_COUNT_MS[effect.purpose]);
  await Promise.all(orders);
}

interface Order {
  readonly path: string;
  readonly living: LivingLaunch;
  readonly world: DrainWorld;
}

/**
 * Once at least; where no answer came, again behind the caller's back until one does. One that hangs
 * may be asked for minutes, so only the first failure is told, and what came of it in the end.
 */
async function insist(order: Order, tryCount = 1): Promise<void> {
  const { path, living, world } = order;
  const failure = await give(order);
  const tellLater = (ending: string) => {
    if (tryCount > 1) world.onTrouble(`${living.id} ${ending} ${path} (${tryCount} tries).`);
  };
  if (failure === undefined) return tellLater('has answered');
  if (tryCount === 1) world.onTrouble(failure);
  if (!isThere(living, world)) return tellLater('ended without an answer to');
  world.clock.after(ORDER_AGAIN_MS, () => {
    if (isThere(living, world)) void insist(order, tryCount + 1);
    else tellLater('ended without an answer to');
  });
}

/** Why there was no answer; a refusal is told and is one. */
async function give({ path, living, world }: Order): Promise<string | undefined> {
  try {
    const { status } = await living.admin.request('POST', path);
    if (status !== 200) world.onTrouble(`Envoy answered ${path} with status ${status}.`);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function isThere(living: LivingLaunch, { launches }: DrainWorld): boolean {
  return launches.get(living.id) === living;
}

function countOnAndOn(living: LivingLaunch, world: DrainWorld, firstAfterMs: number): void {
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
  if (firstAfterMs === 0) void countOnce();
  else cancelWait = world.clock.after(firstAfterMs, () => void countOnce());
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
