/** How a handover ends, and what is remembered of one that was given up. */
import { type Digest, sameDesired } from './model.ts';
import type { Handover, HandoverEnd, HandoverResult, State } from './state.ts';
import { arm, disarm, emit, findLaunch, needsRescue, setState, type Turn } from './turn.ts';

/** How long after it was given up something is tried again that the surroundings kept from being. */
export const RECONSIDER_MS = 60_000;
/** One whose parent died aborts 10-15 s later (measured). */
const DOOMED_AGAIN_MS = 2_000;

/** Ends the handover in progress without a new serving launch, if there is one in progress. */
export function endHandover(turn: Turn, result: HandoverResult, reason: string): Turn {
  if (turn.state.handover === undefined) return turn;
  const reported = turn.state.handover.step === 'retiring' ? turn : reportEnd(turn, result, reason);
  const { aim, target } = turn.state.handover;
  const isChange = aim === 'change' && !sameDesired(target, turn.state.committed);
  const isGivenUp = result === 'refused' || result === 'rolledBack';
  const secondThought =
    turn.state.handover.scope === undefined ? 'reconsider' : 'reconsiderCertificates';
  const settled = isGivenUp && isChange ? disarm(reported, secondThought) : reported;
  const again = isGivenUp ? replaceLater(settled, turn.state.handover) : settled;
  return setState(disarm(again, 'retry', 'headroom'), {
    handover: undefined,
    ...(isGivenUp && isChange ? givenUp(turn.state.handover, { reason, atMs: turn.atMs }) : {}),
    ...(isGivenUp && aim === 'standby' ? { standbyGivenUp: turn.state.generation } : {}),
  });
}

function givenUp(
  { id: handover, scope, target }: Handover,
  why: { readonly reason: string; readonly atMs: number },
): Pick<State, 'refused' | 'refusedCertificates'> {
  if (scope === undefined) return { refused: { what: target, handover, ...why } };
  const { certificates } = target;
  return certificates === undefined
    ? {}
    : { refusedCertificates: { what: certificates, handover, ...why } };
}

/** Until its replacement is tried again a failing one still serves by its workers. */
function replaceLater(turn: Turn, { aim, replaces }: Handover): Turn {
  const failing = replaces && findLaunch(turn.state, replaces);
  if (aim !== 'restore' || !failing || !needsRescue(turn.state, failing)) return turn;
  const afterMs = failing.isDoomed ? DOOMED_AGAIN_MS : RECONSIDER_MS;
  return arm(turn, `replace:${failing.id}`, afterMs);
}

/** Says how the handover ended, to the log and to whoever asked; nobody is told twice. */
export function reportEnd(turn: Turn, result: HandoverResult, reason?: string): Turn {
  const { handover } = turn.state;
  if (handover === undefined) return turn;
  const end = endOf(handover, result, turn.atMs, reason);
  const told = setState(turn, { lastEnd: end, handover: { ...handover, requests: [] } });
  return emit(told, { type: 'reportHandover', end, requests: handover.requests });
}

/** What is told of the handover when it ends at this moment. */
export function endOf(
  handover: Handover,
  result: HandoverResult,
  endedAtMs: number,
  reason?: string,
): HandoverEnd {
  const modeReason = handover.modeReason ?? handover.notInPlace;
  return {
    id: handover.id,
    triggers: handover.triggers,
    ...(handover.mode === undefined ? {} : { mode: handover.mode }),
    ...(modeReason === undefined ? {} : { modeReason }),
    result,
    ...(reason === undefined ? {} : { reason }),
    ...(handover.launch === undefined ? {} : { launch: handover.launch }),
    attemptCount: handover.attempts.length,
    startedAtMs: handover.startedAtMs,
    endedAtMs,
  };
}

/** Certificates that are served were not given up, whatever was before. */
export function withoutRefusal(turn: Turn, certificates: Digest | undefined): Turn {
  const { refusedCertificates } = turn.state;
  if (certificates === undefined || refusedCertificates?.what !== certificates) return turn;
  return setState(disarm(turn, 'reconsiderCertificates'), { refusedCertificates: undefined });
}
