/**
 * Out of rotation without leaving: readiness is off and clients are told to go, while everything
 * else goes on: crashes are mended and changes are handed over, and whoever is LIVE then is told the
 * same. Envoy does not take a drain back, so the way back is a handover to one that was never told.
 */
import type { Event } from './events.ts';
import type { RequestId } from './model.ts';
import type { Launch } from './state.ts';
import { emit, patchLaunch, servingLaunch, setState, type Turn } from './turn.ts';

export interface Drained {
  readonly sinceMs: number;
  readonly reason: string;
  /** Who asked for the way back: the next launch to be LIVE is not told to go. */
  readonly returning?: RequestId;
}

/** Begins the drain, keeps the one there is, or takes the way back back. */
export function onDrainRequested(turn: Turn, { reason }: Event & { type: 'drainRequested' }): Turn {
  const { drained, stop, launches } = turn.state;
  if (stop !== undefined) return turn;
  const sinceMs = drained?.sinceMs ?? turn.atMs;
  const begun = setState(turn, { drained: { sinceMs, reason: drained?.reason ?? reason } });
  return launches.filter(({ stage }) => stage === 'live').reduce(tellToGo, begun);
}

function tellToGo(turn: Turn, { id, isDrained }: Launch): Turn {
  if (isDrained) return turn;
  return emit(patchLaunch(turn, id, { isDrained: true }), {
    type: 'drainLaunch',
    launch: id,
    purpose: 'stop',
  });
}

/** With nobody LIVE there is nothing to replace; whoever is LIVE next was not told to go. */
export function beginReturn(turn: Turn, request: RequestId): Turn {
  const { drained } = turn.state;
  if (drained === undefined) return turn;
  const isServed = servingLaunch(turn.state) !== undefined;
  return setState(turn, { drained: isServed ? { ...drained, returning: request } : undefined });
}

/** What is LIVE now belongs out of rotation as well, or is the way back. */
export function tellNewcomer(turn: Turn, live: Launch): Turn {
  const { drained, stop } = turn.state;
  if (drained === undefined || stop !== undefined) return turn;
  if (drained.returning === undefined) return tellToGo(turn, live);
  return setState(turn, { drained: undefined });
}

/** Who asked for the way back was told how that ended: when it failed, all is as it was before. */
export function settleReturn(turn: Turn): Turn {
  const { returning, ...drained } = turn.state.drained ?? {};
  if (returning === undefined) return turn;
  const isAnswered = turn.effects.some((effect) => {
    return effect.type === 'reportHandover' && effect.requests.includes(returning);
  });
  return isAnswered ? setState(turn, { drained: drained as Drained }) : turn;
}
