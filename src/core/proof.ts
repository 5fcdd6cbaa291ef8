/**
 * A handover that brought new certificates has succeeded once Envoy is known to have loaded them;
 * LIVE alone does not say so.
 */
import type { Event } from './events.ts';
import { endOf, reportEnd } from './handover-end.ts';
import type { Proving } from './state.ts';
import { emit, patchLaunch, setHandover, setState, type Turn } from './turn.ts';

/** Says how the handover of a launch that is LIVE now ended, or waits for the proof to say it. */
export function reportLive(turn: Turn, event: Event & { type: 'launchLive' }): Turn {
  const settled = settleProof(turn, `${event.launch} took over before`);
  const { handover } = settled.state;
  if (handover === undefined || !event.awaitsProof) return reportEnd(settled, 'committed');
  const { launch } = event;
  const proving: Proving = {
    launch,
    end: endOf(handover, 'committed', turn.atMs),
    requests: handover.requests,
  };
  return setHandover(setState(settled, { proving }), { ...handover, requests: [] });
}

export function onCertificatesProved(
  turn: Turn,
  { launch, problem }: Event & { type: 'certificatesProved' },
): Turn {
  const { proving, handover } = turn.state;
  // While others are put under it, it shows these or those.
  const isOvertaken = problem !== undefined && handover?.step === 'delivering';
  if (proving?.launch !== launch || isOvertaken) return turn;
  return settleProof(patchLaunch(turn, launch, { unproved: problem }), problem);
}

/** Its answer will not come any more. */
export function onProvingExited(turn: Turn, launch: Proving['launch']): Turn {
  if (turn.state.proving?.launch !== launch) return turn;
  return settleProof(turn, `${launch} ended before it could be asked for its certificates`);
}

/** Ends the wait, if there is one: proved when there is no problem. */
export function settleProof(turn: Turn, problem: string | undefined): Turn {
  const { proving } = turn.state;
  if (proving === undefined) return turn;
  const { requests } = proving;
  const end =
    problem === undefined
      ? proving.end
      : { ...proving.end, result: 'unproved' as const, reason: problem };
  const { lastEnd } = turn.state;
  const isNewest = lastEnd === undefined || lastEnd.endedAtMs <= end.endedAtMs;
  const told = setState(turn, { proving: undefined, lastEnd: isNewest ? end : lastEnd });
  return emit(told, { type: 'reportHandover', end, requests });
}
