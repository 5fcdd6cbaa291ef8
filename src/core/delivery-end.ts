/** What came of a delivery in place: the commit, or the same change by a restart. */
import type { Event } from './events.ts';
import { isOutdated, startChecks } from './handover.ts';
import { reportEnd, withoutRefusal } from './handover-end.ts';
import { settleProof } from './proof.ts';
import { joinedBy } from './redirect.ts';
import type { OpenDelivery } from './state.ts';
import { patchLaunch, servingLaunch, setHandover, setState, type Turn } from './turn.ts';

type Delivered = Event & { readonly type: 'certificatesDelivered' };
type Failed = Event & { readonly type: 'deliveryFailed' };

/**
 * The commit: a crash restart goes back to these certificates from here on. Where its handover was
 * overtaken meanwhile they are loaded all the same, and what is wanted by now is another change.
 */
export function onCertificatesDelivered(turn: Turn, event: Delivered): Turn {
  const { delivery, handover } = turn.state;
  if (delivery?.handover !== event.handover) return turn;
  const loaded = withLoaded(setState(turn, { delivery: undefined }), delivery);
  if (handover?.id !== event.handover) return withTruth(loaded, delivery);
  // What was to be proved before is not what they show by now.
  const proved = withoutRefusal(settleProof(loaded, undefined), handover.target.certificates);
  const committed = setState(proved, { committed: handover.target });
  return setState(reportEnd(committed, 'committed'), { handover: undefined });
}

function withLoaded(turn: Turn, { certificates, launches }: OpenDelivery): Turn {
  return turn.state.launches
    .filter(({ id }) => launches.includes(id))
    .reduce((sofar, { id, target }) => {
      return patchLaunch(sofar, id, { unproved: undefined, target: { ...target, certificates } });
    }, turn);
}

/** Nobody waits for it any more; who serves with it does so. */
function withTruth(turn: Turn, { certificates, launches }: OpenDelivery): Turn {
  const { committed } = turn.state;
  const serving = servingLaunch(turn.state);
  const isServed = serving !== undefined && launches.includes(serving.id);
  if (!isServed || committed === undefined) return turn;
  return setState(turn, { committed: { ...committed, certificates } });
}

/** A new launch reads them from the start. What serves was left as it was. */
export function onDeliveryFailed(turn: Turn, event: Failed): Turn {
  const { delivery, handover } = turn.state;
  if (delivery?.handover !== event.handover) return turn;
  const settled = settleProof(setState(turn, { delivery: undefined }), OVERTAKEN);
  if (handover?.id !== event.handover) return settled;
  const { mode: _, ...open } = handover;
  // Newer ones may well be loaded.
  const why = isOutdated(settled) ? {} : { notInPlace: event.problems.join(' ') };
  return startChecks(withPending(setHandover(settled, { ...open, ...why })));
}

const OVERTAKEN = 'newer certificates were delivered before that was proved';

/** Who asked for a restart meanwhile is answered by this one. */
function withPending(turn: Turn): Turn {
  const { handover, pending } = turn.state;
  if (handover === undefined || handover.scope !== undefined) return turn;
  const joining = pending.filter(({ mode }) => mode === 'auto');
  return setState(turn, {
    handover: joinedBy(handover, joining),
    pending: pending.filter((one) => !joining.includes(one)),
  });
}
