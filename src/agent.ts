/**
 * The runner: takes events one at a time, stamps the moment on each, lets the core decide, keeps
 * the clock in step with the deadlines that came out, and has the effects done. It decides nothing.
 */
import type { Effect, Event } from './core/events.ts';
import { initialState, step } from './core/lifecycle.ts';
import type { Moment, Policy, TimerName } from './core/model.ts';
import type { State } from './core/state.ts';
import type { Cancel, Clock } from './ports.ts';

/** One event with all that came of it; whoever observes gets each exactly once, in order. */
export interface Transition {
  readonly event: Event;
  readonly moment: Moment;
  readonly before: State;
  readonly after: State;
  readonly effects: readonly Effect[];
}

export interface AgentParts {
  readonly policy: Policy;
  readonly clock: Clock;
  /** Log, metrics, history. Must not throw. */
  readonly observe: (transition: Transition) => void;
  /** Does an effect, or begins it: what comes of it is posted as an event. Must not throw. */
  readonly perform: (effect: Effect) => void;
}

export interface Agent {
  /** Takes effect before it returns, except when posted from within an effect: then right after. */
  post(event: Event): void;
  state(): State;
}

export function createAgent(parts: AgentParts): Agent {
  const { policy, clock } = parts;
  const inbox: Event[] = [];
  const deadlines = createDeadlines(clock, (timer) => post({ type: 'timerFired', timer }));
  let state = initialState;
  let isTaking = false;

  function post(event: Event): void {
    inbox.push(event);
    if (isTaking) return;
    isTaking = true;
    try {
      for (let next = inbox.shift(); next !== undefined; next = inbox.shift()) take(next);
    } finally {
      isTaking = false;
    }
  }

  function take(event: Event): void {
    const moment = clock.moment();
    const before = state;
    const { state: after, effects } = step(before, event, moment, policy);
    state = after;
    deadlines.follow(after.timers, moment);
    parts.observe({ event, moment, before, after, effects });
    for (const effect of effects) parts.perform(effect);
  }

  return { post, state: () => state };
}

/** Arms a timer for each deadline, moves those that moved, ends those that are gone. */
function createDeadlines(clock: Clock, fire: (timer: TimerName) => void) {
  const armed = new Map<TimerName, { readonly atMs: number; readonly cancel: Cancel }>();
  const end = (name: TimerName) => {
    armed.get(name)?.cancel();
    armed.delete(name);
  };
  const start = (name: TimerName, atMs: number, moment: Moment) => {
    const cancel = clock.after(atMs - moment.atMs, () => {
      armed.delete(name);
      fire(name);
    });
    armed.set(name, { atMs, cancel });
  };
  return {
    follow(timers: ReadonlyMap<TimerName, number>, moment: Moment): void {
      for (const name of [...armed.keys()]) if (!timers.has(name)) end(name);
      for (const [name, atMs] of timers) {
        if (armed.get(name)?.atMs === atMs) continue;
        end(name);
        start(name, atMs, moment);
      }
    },
  };
}
