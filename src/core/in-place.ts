/**
 * New certificates without a new launch: they are delivered to what serves by file SDS. Only where
 * nothing else has changed and nobody asked for a restart; what does not load them is replaced.
 */
import { sameDesired } from './model.ts';
import type { Handover, Launch, State } from './state.ts';
import { emit, isFailing, setState, type Turn } from './turn.ts';

/** Whether the handover, whose target was checked, is to be done in place. */
export function goesInPlace({ state, policy }: Turn, handover: Handover): boolean {
  const { triggers, notInPlace } = handover;
  const isByItself = triggers.every((trigger) => trigger === 'certificates');
  const isMeant = policy.delivery === 'sds' && isByItself && notInPlace === undefined;
  const isFree = state.delivery === undefined;
  return isMeant && isFree && isOfCertificates(state, handover) && isCalm(state);
}

/** A bootstrap that has changed since the handover began is no trigger of it. */
function isOfCertificates({ committed }: State, { target }: Handover): boolean {
  if (committed?.certificates === undefined || target.certificates === undefined) return false;
  return sameDesired({ ...committed, certificates: target.certificates }, target);
}

/** Everyone who lives serves, and will go on serving. */
function isCalm({ launches }: State): boolean {
  const servesOn = (launch: Launch) =>
    launch.stage === 'live' && !launch.isKilled && !isFailing(launch);
  return launches.length > 0 && launches.every(servesOn);
}

/** Each goes on with the bootstrap it has: of two one may be behind. */
export function deliver(turn: Turn, handover: Handover): Turn {
  const { certificates } = handover.target;
  if (certificates === undefined) return turn;
  const recipients = turn.state.launches.map(({ id, target }) => {
    return { launch: id, target: { ...target, certificates } };
  });
  const { launch: _, ...open } = handover;
  const delivering = { ...open, mode: 'in-place', step: 'delivering' } as const;
  const launches = recipients.map(({ launch }) => launch);
  const delivery = { handover: handover.id, certificates, launches };
  return emit(setState(turn, { handover: delivering, delivery }), {
    type: 'deliverCertificates',
    handover: handover.id,
    recipients,
  });
}
