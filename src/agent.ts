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
  /** Log, metrics, history. */
  readonly observe: (transition: Transition) => void;
  /** Does an effect, or begins it: what comes of it is posted as an event. */
  readonly perform: (effect: Effect) => void;
  /**
   * Told of what core, observer or effect have thrown, which can only be a bug.
   * @default it is thrown once more, where nobody but the process's own hook catches it
   */
  readonly onBug?: (error: unknown) => void;
}

export interface Agent {
  /**
   * Takes effect before it returns, except when posted from within an effect: then right after.
   * Never throws: who posts has work of its own to go on with. An event that the core fails at is
   * lost and changes nothing; whatever else fails keeps neither effects nor events from their turn.
   */
  post(event: Event): void;
  state(): State;
}

export function createAgent(parts: AgentParts): Agent {
  const { policy, clock, onBug = throwOnItsOwn } = parts;
  const inbox: Event[] = [];
  const deadlines = createDeadlines(clock, (timer) => post({ type: 'timerFired', timer }));
  let state = initialState;
  let isTaking = false;

  function post(event: Event): void {
    inbox.push(event);
    if (isTaking) return;
    isTaking = true;
    for (let next = inbox.shift(); next !== undefined; next = inbox.shift()) {
      const taken = next;
      attempt(() => take(taken));
    }
    isTaking = false;
  }

  function take(event: Event): void {
    const moment = clock.moment();
    const before = state;
    const { state: after, effects } = step(before, event, moment, policy);
    state = after;
    attempt(() => deadlines.follow(after.timers, moment));
    attempt(() => parts.observe({ event, moment, before, after, effects }));
    for (const effect of effects) attempt(() => parts.perform(effect));
  }

  function attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      onBug(error);
    }
  }

  return { post, state: () => state };
}

function throwOnItsOwn(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

const ENVOYS_TIMES: readonly string[] = ['silence', 'initialize', 'retire'];

/**
 * An Envoy is not to blame for what it said or did while the agent could not take notice. What ends
 * one has to come in time all the same: the stop plan is a promise.
 */
function isEnvoysTime(timer: TimerName): boolean {
  return ENVOYS_TIMES.includes(timer.split(':')[0] ?? '');
}

/** Arms a timer for each deadline, moves those that moved, ends those that are gone. */
function createDeadlines(clock: Clock, fire: (timer: TimerName) => void) {
  const armed = new Map<TimerName, { readonly atMs: number; readonly cancel: Cancel }>();
  const end = (name: TimerName) => {
    armed.get(name)?.cancel();
    armed.delete(name);
  };
  const start = (name: TimerName, atMs: number, moment: Moment) => {
    const after = isEnvoysTime(name) ? clock.afterRunning : clock.after;
    const cancel = after(atMs - moment.atMs, () => {
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
