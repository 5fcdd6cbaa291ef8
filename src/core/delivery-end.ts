/** What came of a delivery in place: the commit, or the same change by a restart. */
import type { Event } from './events.ts';
import { startChecks } from './handover.ts';
import { reportEnd } from './handover-end.ts';
import { sameDesired } from './model.ts';
import { disarm, patchLaunch, setHandover, setState, type Turn } from './turn.ts';

type Delivered = Event & { readonly type: 'certificatesDelivered' };
type Failed = Event & { readonly type: 'deliveryFailed' };

/** The commit: a crash restart goes back to these certificates from here on. */
export function onCertificatesDelivered(turn: Turn, event: Delivered): Turn {
  const { handover, launches, refused } = turn.state;
  if (handover?.id !== event.handover || handover.step !== 'delivering') return turn;
  const { certificates } = handover.target;
  const delivered = launches
    .filter(({ stage }) => stage === 'live')
    .reduce(
      (sofar, { id, target }) =>
        patchLaunch(sofar, id, {
          unproved: undefined,
          target: certificates === undefined ? target : { ...target, certificates },
        }),
      turn,
    );
  const isAccepted = sameDesired(handover.target, refused);
  const committed = setState(isAccepted ? disarm(delivered, 'reconsider') : delivered, {
    committed: handover.target,
    refused: isAccepted ? undefined : refused,
  });
  return setState(reportEnd(committed, 'committed'), { handover: undefined });
}

/** A new launch reads them from the start. What serves was left as it was. */
export function onDeliveryFailed(turn: Turn, event: Failed): Turn {
  const { handover } = turn.state;
  if (handover?.id !== event.handover || handover.step !== 'delivering') return turn;
  const { mode: _, ...open } = handover;
  return startChecks(setHandover(turn, { ...open, notInPlace: event.problems.join(' ') }));
}
