/** What people, signals and orchestrators ask for. */
import { beginReturn, onDrainRequested } from './drained.ts';
import type { Event } from './events.ts';
import { goesInPlace } from './in-place.ts';
import type { Mode } from './model.ts';
import { giveWay, hurry, joinedBy } from './redirect.ts';
import type { Handover } from './state.ts';
import { onStopRequested, refuseRequests } from './stopping.ts';
import { servingLaunch, setHandover, setState, type Turn } from './turn.ts';

export type Ask = Extract<
  Event,
  { type: 'restartRequested' | 'drainRequested' | 'undrainRequested' | 'stopRequested' }
>;

/** All of them wait for the same handover. */
const MOST_PENDING = 100;

export function onAsked(turn: Turn, ask: Ask): Turn {
  switch (ask.type) {
    case 'restartRequested':
      return onRestartRequested(turn, ask);
    case 'drainRequested':
      return onDrainRequested(turn, ask);
    case 'undrainRequested':
      return onUndrainRequested(turn, ask);
    case 'stopRequested':
      return onStopRequested(turn, ask);
  }
}

const OPEN_STEPS: ReadonlySet<string | undefined> = new Set(['checking', 'backoff', 'headroom']);

/** Whether who asks for a restart is answered by it. A rescue and a standby change nothing. */
function isOpenFor(turn: Turn, handover: Handover, mode: 'auto' | Mode): boolean {
  const { aim, scope, step, askedMode } = handover;
  const isRestart = aim === 'restore' && servingLaunch(turn.state) === undefined;
  const isWhole = (aim === 'change' && scope === undefined) || isRestart;
  // Who asks for a restart gets one.
  if (goesInPlace(turn, handover)) return false;
  return isWhole && OPEN_STEPS.has(step) && (mode === 'auto' || mode === askedMode);
}

/** One that waits for a token's delay is tried now; one being checked takes the asker along. */
function onRestartRequested(turn: Turn, event: Event & { type: 'restartRequested' }): Turn {
  const { trigger, mode, request: id } = event;
  const requests = id === undefined ? [] : [id];
  const { handover, stop } = turn.state;
  if (stop !== undefined) return requests.length === 0 ? turn : refuseRequests(turn, requests);
  const waitingCount = turn.state.pending.length + (handover?.requests.length ?? 0);
  if (waitingCount >= MOST_PENDING) {
    return refuseRequests(turn, requests, 'too many requests are waiting already');
  }
  const asked = { trigger, mode, ...(id === undefined ? {} : { id }) };
  if (handover !== undefined && isOpenFor(turn, handover, mode)) {
    return hurry(setHandover(turn, joinedBy(handover, [asked])));
  }
  return giveWay(setState(turn, { pending: [...turn.state.pending, asked] }));
}

/** By a restart, for one that was never told to go; a stop leads nowhere but to its end. */
function onUndrainRequested(turn: Turn, { request }: Event & { type: 'undrainRequested' }): Turn {
  if (turn.state.stop !== undefined) return refuseRequests(turn, [request]);
  const returning = beginReturn(turn, request);
  if (returning.state.drained === undefined) return returning;
  const asked = { type: 'restartRequested', trigger: 'request', mode: 'auto', request } as const;
  return onRestartRequested(returning, asked);
}
