/** The words of the fault matrix: when a fault comes, what comes of it, and what is lost. */

/** The moments of a handover, in their order. */
export const MOMENTS = {
  beforeSpawn: 'before spawn',
  beforeShutdownAdmin: 'before ShutdownAdmin',
  beforeLive: 'between it and LIVE',
  justLive: 'just after LIVE',
  duringDrain: 'during drain',
  afterParentEnd: "after the parent's end",
} as const;
export type Moment = keyof typeof MOMENTS;

/** What each moment is, exactly. */
export const MOMENT_MEANINGS: Readonly<Record<Moment, string>> = {
  beforeSpawn: "Envoy's validation of the change has begun; there is no new process yet",
  beforeShutdownAdmin: 'the new Envoy is there and has not spoken to its parent',
  beforeLive: "the old one's admin is closed, the new one's answers INITIALIZING",
  justLive: 'the agent has just seen LIVE; the new one listens, the old one drains',
  duringDrain: "the old one's connections have been counted twice since",
  afterParentEnd: 'the old one has ended by itself, the new one serves alone',
};

/** All that can come of a fault. The test of a cell holds it to what is said here. */
export const OUTCOMES = {
  goesThrough: {
    name: 'goes through',
    meaning: 'the handover ends hot and committed, as if nothing had happened',
  },
  triedAgain: {
    name: 'served on, tried again',
    meaning:
      'the serving Envoy is not touched and no token is spent; the same epoch is tried again and committed hot',
  },
  refused: {
    name: 'served on, refused',
    meaning: 'the change is refused before anything is started; what serves goes on',
  },
  heldBack: {
    name: 'served on, held back',
    meaning: 'the last good content stays in use, and no handover is begun for the broken one',
  },
  takenAlong: {
    name: 'taken along',
    meaning: 'the handover in progress does it: there is no other after it',
  },
  doneNext: {
    name: 'done next',
    meaning: 'one more handover does it as soon as no other is in progress, hot and committed',
  },
  rescued: {
    name: 'rescued side by side',
    meaning: 'a new lineage is LIVE on the same ports before what is in trouble is ended',
  },
  sideBySide: {
    name: 'replaced side by side',
    meaning: 'the handover, or the next one, starts a new lineage beside the one that is not sound',
  },
  back: {
    name: "back after the token's delay",
    meaning: 'a crash: one token is spent, and what last was LIVE is started after its delay',
  },
  stopped: {
    name: 'stopped by the plan',
    meaning: 'what is not LIVE is killed, the rest drained; exit 0, nothing is left behind',
  },
  startedAnew: {
    name: 'clean at the next start',
    meaning: 'no Envoy outlives the agent; the next start serves, and nothing stale is in its way',
  },
  cannotHappen: { name: 'cannot happen', meaning: 'the cell says why' },
} as const;
export type Outcome = keyof typeof OUTCOMES;

/** The most that traffic may notice, and what helps against it. */
export const LOSSES = {
  none: { name: '0', meaning: 'no request is lost', remedy: '-' },
  queued: {
    name: 'accept queue',
    meaning: 'what waits in the accept queue of a listener at the moment it closes',
    remedy: 'net.ipv4.tcp_migrate_req=1, with which it is 0; Baton sets it where it may',
  },
  inFlight: {
    name: 'in flight',
    meaning: 'the requests under way on the Envoy that died; nobody is refused',
    remedy: 'a client that tries again',
  },
  delay: {
    name: "outage of a token's delay",
    meaning: 'no new connection is taken from the death until the next start is LIVE',
    remedy: 'BATON_STANDBY=on: the other Envoy takes them',
  },
  silence: {
    name: 'outage until noticed',
    meaning:
      'a stopped process takes connections and answers none until BATON_HANG_DEADLINE (30 s by default) has it replaced; most are then answered late, what was in flight is lost',
    remedy: 'a shorter BATON_HANG_DEADLINE',
  },
  start: {
    name: 'outage until started',
    meaning: 'nothing serves until whoever started the agent starts it again',
    remedy: 'another replica',
  },
} as const;
export type Loss = keyof typeof LOSSES;

/** A fault that can come at this moment. */
export interface PossibleCell {
  readonly outcome: Exclude<Outcome, 'cannotHappen'>;
  readonly lost: Loss;
  /** Why the real Envoy can't be made to show it; absent when it is shown on it, too. */
  readonly notOnReal?: string;
  /** One more sentence. */
  readonly note?: string;
}

export interface ImpossibleCell {
  readonly outcome: 'cannotHappen';
  readonly why: string;
}

export type Cell = PossibleCell | ImpossibleCell;

export interface Row {
  readonly title: string;
  /** What Baton does about it and what traffic feels, for whoever is woken up by it. */
  readonly about: string;
  readonly cells: Readonly<Record<Moment, Cell>>;
}

type More = Partial<Pick<PossibleCell, 'note' | 'notOnReal'>>;

/** On the fake Envoy and on the real one. */
export function shown(outcome: PossibleCell['outcome'], lost: Loss, note?: string): PossibleCell {
  return cell(outcome, lost, note === undefined ? {} : { note });
}

/** On the fake Envoy alone, for this reason. */
export function faked(
  outcome: PossibleCell['outcome'],
  lost: Loss,
  notOnReal: string,
): PossibleCell {
  return cell(outcome, lost, { notOnReal });
}

export function cannot(why: string): ImpossibleCell {
  return { outcome: 'cannotHappen', why };
}

/** The same cell at several moments. */
export function at(
  moments: readonly Moment[],
  same: Cell,
): Readonly<Partial<Record<Moment, Cell>>> {
  return Object.fromEntries(moments.map((moment) => [moment, same]));
}

function cell(outcome: PossibleCell['outcome'], lost: Loss, more: More): PossibleCell {
  return { outcome, lost, ...more };
}
