/**
 * Tells the pages that are open what has changed, as server-sent events. Who reads slowly misses
 * what was over before it could be read, and so holds no memory.
 */
import type { Cancel, Clock } from '../ports.ts';
import { createFollower, type Follower } from './page-follower.ts';

export interface PageEventsParts {
  readonly clock: Clock;
  /** The page's regions by name; what is equal to the last one is not sent again. */
  readonly regions: () => ReadonlyMap<string, string>;
  /** Told of what `regions` has thrown; nobody follows any more then. */
  readonly report: (error: unknown) => void;
}

export interface PageEvents {
  /** Something may have changed. */
  changed(): void;
  /** The events for one page, without end: everything first, then what changes. */
  follow(): AsyncIterable<string>;
}

const SOONEST_MS = 250;
/** Regions change without an event as well: some texts count seconds. */
const REFRESH_MS = 1_000;
/** A connection that is silent for 5 s is closed. */
const HEARTBEAT_MS = 3_000;
/** One more takes the place of the oldest. */
const MOST_FOLLOWERS = 16;

export function createPageEvents({ clock, regions, report }: PageEventsParts): PageEvents {
  const nowMs = () => clock.moment().atMs;
  const followers = new Set<Follower>();
  const timer = createTimer(clock, refresh);
  let sent: ReadonlyMap<string, string> = new Map();
  let refreshedAtMs = Number.NEGATIVE_INFINITY;

  function refresh(): void {
    if (followers.size === 0) return;
    refreshedAtMs = nowMs();
    try {
      tellChanges(regions());
      timer.arm(refreshedAtMs + REFRESH_MS);
    } catch (error) {
      report(error);
      for (const follower of followers) dismiss(follower);
    }
  }

  function tellChanges(all: ReadonlyMap<string, string>): void {
    const changed = [...all].filter(([id, markup]) => sent.get(id) !== markup);
    sent = all;
    for (const follower of followers) {
      follower.tell(changed);
      follower.tellAfter(HEARTBEAT_MS);
    }
  }

  function dismiss(follower: Follower): void {
    followers.delete(follower);
    follower.end();
  }

  async function* follow(): AsyncGenerator<string> {
    const [oldest] = followers;
    if (oldest !== undefined && followers.size >= MOST_FOLLOWERS) dismiss(oldest);
    const follower = createFollower(nowMs);
    followers.add(follower);
    if (followers.size === 1) refresh();
    follower.tell(sent);
    try {
      yield* follower.events();
    } finally {
      followers.delete(follower);
    }
  }

  return {
    changed: () => {
      if (followers.size > 0) timer.arm(refreshedAtMs + SOONEST_MS);
    },
    follow,
  };
}

/** Fires once at the soonest of the times it was armed for. */
function createTimer(clock: Clock, fire: () => void) {
  let due: { readonly atMs: number; readonly cancel: Cancel } | undefined;
  return {
    arm(atMs: number): void {
      if (due !== undefined && due.atMs <= atMs) return;
      due?.cancel();
      const cancel = clock.after(Math.max(0, atMs - clock.moment().atMs), () => {
        due = undefined;
        fire();
      });
      due = { atMs, cancel };
    },
  };
}
