/**
 * Agents in virtual time: each is a state of the real core, taken from event to event by `step`. No
 * process, no clock, no file; what the world would do about an effect comes back as later events.
 */
import type { Effect, Event } from '../../../src/core/events.ts';
import { step } from '../../../src/core/lifecycle.ts';
import type { Policy } from '../../../src/core/model.ts';
import type { State } from '../../../src/core/state.ts';
import { type Agenda, createAgenda } from './agenda.ts';
import type { Dice } from './dice.ts';
import { answersTo } from './world.ts';

/** What comes to one agent. */
export interface Arrival {
  /** Its place in the fleet. */
  readonly agent: number;
  readonly atMs: number;
  readonly event: Event;
}

/** One event that an agent took. */
export interface Taken extends Arrival {
  readonly before: State;
  readonly after: State;
}

export interface Play {
  /** One for each agent, to begin with. */
  readonly states: readonly State[];
  readonly arrivals: readonly Arrival[];
  readonly policy: Policy;
  readonly dice: Dice;
  /** Told of every event; ends the play by saying so. */
  readonly observe?: (taken: Taken) => 'over' | undefined;
}

type Pending = Agenda<Omit<Arrival, 'atMs'>>;

/**
 * Goes on until it is said to be over or nothing is left to happen, and returns the states then.
 * @throws Error when an agent wants something that a rotation without faults never needs.
 */
export function play({ states, arrivals, policy, dice, observe }: Play): readonly State[] {
  const now = [...states];
  const pending: Pending = createAgenda();
  for (const { agent, atMs, event } of arrivals) pending.add(atMs, { agent, event });
  for (let next = pending.take(); next !== undefined; next = pending.take()) {
    const { atMs, item } = next;
    const before = now[item.agent];
    if (before === undefined || isStale(item.event, before, atMs)) continue;
    const { state: after, effects } = step(before, item.event, { atMs, chance: dice() }, policy);
    now[item.agent] = after;
    addDeadlines(pending, item.agent, before, after);
    addAnswers(pending, { ...item, atMs, effects, policy, dice });
    if (observe?.({ ...item, atMs, before, after }) === 'over') break;
  }
  return now;
}

/** A deadline that has been moved or disarmed since it was put on the agenda. */
function isStale(event: Event, { timers }: State, atMs: number): boolean {
  return event.type === 'timerFired' && timers.get(event.timer) !== atMs;
}

function addDeadlines(pending: Pending, agent: number, before: State, after: State): void {
  if (before.timers === after.timers) return;
  for (const [timer, atMs] of after.timers) {
    if (before.timers.get(timer) === atMs) continue;
    pending.add(atMs, { agent, event: { type: 'timerFired', timer } });
  }
}

interface Asked extends Pick<Play, 'policy' | 'dice'> {
  readonly agent: number;
  readonly atMs: number;
  readonly effects: readonly Effect[];
}

function addAnswers(pending: Pending, { agent, atMs, effects, policy, dice }: Asked): void {
  for (const effect of effects) {
    for (const { afterMs, event } of answersTo(effect, policy, dice)) {
      pending.add(atMs + afterMs, { agent, event });
    }
  }
}
