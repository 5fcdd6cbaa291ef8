/** What is desired and not LIVE, and was not given up. */
import { type Desired, type Policy, sameDesired, type Trigger } from './model.ts';
import type { State } from './state.ts';
import { servingLaunch, type Turn } from './turn.ts';

/**
 * Which watched parts of the desired state differ from what is LIVE and were not given up. Beside a
 * part that was, new certificates are a change of their own.
 */
export function changesOf(state: State, policy: Policy): readonly Trigger[] {
  const { desired, committed } = state;
  if (desired === undefined || committed === undefined) return [];
  const parts = sameDesired(desired, state.refused?.what) ? partsBesideRefused(state) : PARTS;
  return parts.filter((part) => policy.triggers.has(part) && desired[part] !== committed[part]);
}

const PARTS = ['certificates', 'bootstrap', 'binary'] as const;

function partsBesideRefused(state: State): readonly 'certificates'[] {
  const { desired, refusedCertificates } = state;
  const alone = certificatesAlone(state);
  const isUntried =
    alone?.certificates !== refusedCertificates?.what && !sameDesired(alone, desired);
  return alone !== undefined && isUntried ? ['certificates'] : [];
}

/** The desired certificates on what else is LIVE; undefined where that is no other thing. */
export function certificatesAlone({ desired, committed }: State): Desired | undefined {
  const certificates = desired?.certificates;
  const isOne = certificates !== undefined && desired?.binary === committed?.binary;
  return committed !== undefined && isOne ? { ...committed, certificates } : undefined;
}

/** Whether a handover to another content would begin if nothing were in its way. */
export function isChangeWaiting({ state, policy }: Turn): boolean {
  return state.pending.length > 0 || changesOf(state, policy).length > 0;
}

/** Nobody asked for the handover but changes that are no more: what serves is what is wanted. */
export function isTakenBack({ state, policy }: Turn): boolean {
  const { handover } = state;
  const isOfChanges =
    handover?.aim === 'change' && handover.triggers.every((one) => CHANGES.has(one));
  const isServed = servingLaunch(state) !== undefined;
  return isOfChanges && isServed && changesOf(state, policy).length === 0;
}

const CHANGES: ReadonlySet<Trigger> = new Set(PARTS);
