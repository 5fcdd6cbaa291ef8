/** Triggers that began no handover of their own, and why. */
import type { Effect, Event } from './events.ts';
import { type Policy, sameDesired } from './model.ts';
import type { State } from './state.ts';

/**
 * `held`: what is on disk is not whole, and its last good state stays in use. `ignored`: a part has
 * changed that `BATON_TRIGGERS` leaves out. `takenBack`: what is on disk is what serves again.
 * `joined`: a handover that was under way or waited for serves it as well. `tooMany`: as many
 * requests as there may be were waiting. `stopping`: the agent stops.
 */
export const SUPPRESSIONS = [
  'held',
  'ignored',
  'takenBack',
  'joined',
  'tooMany',
  'stopping',
] as const;
export type Suppression = (typeof SUPPRESSIONS)[number];

/** One event as the core took it. */
export interface TakenEvent {
  readonly event: Event;
  readonly before: State;
  readonly after: State;
  readonly effects: readonly Effect[];
}

/** Why the event, if it was a trigger, began nothing; undefined for every other. */
export function suppressionOf(
  taken: TakenEvent,
  policy: Pick<Policy, 'triggers'>,
): Suppression | undefined {
  const { event } = taken;
  switch (event.type) {
    case 'partHeld':
      return event.problems.length > 0 ? 'held' : undefined;
    case 'restartRequested':
      return suppressionOfRequest(taken);
    case 'desiredChanged':
      return suppressionOfChange(taken, event.desired, policy);
    default:
      return undefined;
  }
}

function suppressionOfRequest({ before, after, effects }: TakenEvent): Suppression | undefined {
  if (before.stop !== undefined) return 'stopping';
  if (effects.some(({ type }) => type === 'reportHandover')) return 'tooMany';
  const isLater = after.pending.length > before.pending.length;
  if (isLater) return before.pending.length > 0 ? 'joined' : undefined;
  return isSameHandover(before, after) ? 'joined' : undefined;
}

const PARTS = ['certificates', 'bootstrap', 'binary'] as const;

function suppressionOfChange(
  { before, after }: TakenEvent,
  desired: NonNullable<State['desired']>,
  { triggers }: Pick<Policy, 'triggers'>,
): Suppression | undefined {
  const { desired: last, committed, stop } = before;
  if (last === undefined || sameDesired(last, desired)) return undefined;
  if (stop !== undefined) return 'stopping';
  if (sameDesired(desired, committed)) return 'takenBack';
  const changed = PARTS.filter((part) => desired[part] !== last[part]);
  if (!changed.some((part) => triggers.has(part))) return 'ignored';
  const isAwaited = before.timers.has('jitter') && after.timers.has('jitter');
  return isAwaited || isSameHandover(before, after) ? 'joined' : undefined;
}

function isSameHandover(before: State, after: State): boolean {
  return before.handover !== undefined && before.handover.id === after.handover?.id;
}
