/**
 * Out of rotation without leaving: readiness is off and clients are told to go, while everything
 * else goes on: crashes are mended and changes are handed over, and whoever is LIVE then is told the
 * same. Envoy does not take a drain back, so the way back is a handover to one that was never told.
 */
import type { Event } from './events.ts';
import type { RequestId } from './model.ts';
import type { Launch, State } from './state.ts';
import { refuseRequests } from './stopping.ts';
import { emit, patchLaunch, servingLaunch, setHandover, setState, type Turn } from './turn.ts';

export interface Drained {
  readonly sinceMs: number;
  readonly reason: string;
  /** Who asked for the way back, if anyone did: the next launch to be LIVE is not told to go. */
  readonly returning?: readonly RequestId[];
}

/** Begins the drain, keeps the one there is, or takes the way back back. */
export function onDrainRequested(turn: Turn, { reason }: Event & { type: 'drainRequested' }): Turn {
  const { drained, stop, launches } = turn.state;
  if (stop !== undefined) return turn;
  const sinceMs = drained?.sinceMs ?? turn.atMs;
  const told = { sinceMs, reason: drained?.reason ?? reason };
  const begun = setState(refuseReturn(turn), { drained: told });
  return launches.filter(({ stage }) => stage === 'live').reduce(tellToGo, begun);
}

/** Nobody is replaced for a way back that leads nowhere any more. */
function refuseReturn(turn: Turn): Turn {
  const { waiting, others } = waitingReturn(turn.state);
  const cleared = setState(turn, { pending: others });
  return waiting.length === 0 ? cleared : refuseRequests(cleared, waiting, DRAINED_AGAIN);
}

const DRAINED_AGAIN = 'someone asked for a drain again';

/** Of those who asked for the way back: who waits for a handover that has not begun. */
function waitingReturn({ drained, pending }: State) {
  const { returning = [] } = drained ?? {};
  const isWaiting = (id: RequestId) => pending.some((one) => one.id === id);
  const others = pending.filter(({ id }) => id === undefined || !returning.includes(id));
  return { waiting: returning.filter(isWaiting), others };
}

function tellToGo(turn: Turn, { id, drainedAtMs }: Launch): Turn {
  if (drainedAtMs !== undefined) return turn;
  return emit(patchLaunch(turn, id, { drainedAtMs: turn.atMs }), {
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
  const returning = [...(drained.returning ?? []), request];
  return setState(turn, { drained: isServed ? { ...drained, returning } : undefined });
}

/** What is LIVE now belongs out of rotation as well, or is the way back. */
export function tellNewcomer(turn: Turn, live: Launch): Turn {
  const { drained, stop } = turn.state;
  if (drained === undefined || stop !== undefined) return turn;
  if (drained.returning === undefined) return tellToGo(turn, live);
  return setState(withReturn(turn, live), { drained: undefined });
}

/** Whoever waits for a way back has it now, without one more handover. */
function withReturn(turn: Turn, live: Launch): Turn {
  const { handover, launches } = turn.state;
  if (handover === undefined) return turn;
  const { aim, replaces } = handover;
  const stays = ({ id, stage }: Launch) => stage === 'live' && id !== live.id && id !== replaces;
  // Of two the other one was told to go: a change alone is followed by its replacement.
  if (aim !== 'change' && launches.some(stays)) return turn;
  const { waiting, others } = waitingReturn(turn.state);
  const joined = { ...handover, requests: [...handover.requests, ...waiting] };
  return setHandover(setState(turn, { pending: others }), joined);
}

/** Who asked for the way back was told how that ended: when it failed, all is as it was before. */
export function settleReturn(turn: Turn): Turn {
  const { drained } = turn.state;
  if (drained?.returning === undefined) return turn;
  const { returning, ...told } = drained;
  const answered = turn.effects.flatMap((effect) => {
    return effect.type === 'reportHandover' ? effect.requests : [];
  });
  const left = returning.filter((request) => !answered.includes(request));
  if (left.length === returning.length) return turn;
  return setState(turn, { drained: left.length === 0 ? told : { ...told, returning: left } });
}
