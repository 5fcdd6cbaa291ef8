/** Everything the agent knows and decides from, as one readonly value. */
import type { CertificatesKnown } from './certificates-seen.ts';
import type { Drained } from './drained.ts';
import type {
  Desired,
  Digest,
  Epoch,
  ExitCode,
  FailureCause,
  HandoverId,
  HandoverMode,
  LaunchId,
  LineageId,
  Mode,
  Outcome,
  Part,
  Phase,
  RequestId,
  Stage,
  TimerName,
  Trigger,
} from './model.ts';

/** One living Envoy process, or one about to be. */
export interface Launch {
  readonly id: LaunchId;
  readonly epoch: Epoch;
  readonly lineage: LineageId;
  readonly stage: Stage;
  readonly target: Desired;
  /** Which of the run's changes it serves: what is behind `State.generation` is to be replaced. */
  readonly generation: number;
  readonly startedAtMs: number;
  readonly pid?: number;
  /** What its admin last said before LIVE: PRE_INITIALIZING or INITIALIZING. */
  readonly envoyState?: string;
  readonly liveAtMs?: number;
  /** Since when it may have been retiring: not before its successor was started. */
  readonly retiringAtMs?: number;
  /** SIGKILL was sent to it. */
  readonly isKilled?: true;
  /** Downstream connections at the last count; absent until counted. */
  readonly connections?: number;
  /** Its parent died under it: it will abort by itself within 15 s (measured). */
  readonly isDoomed?: true;
  /** For how long its admin has left a question unanswered since it was LIVE; absent: it answers. */
  readonly silentMs?: number;
  /** Why it is not known to serve with the certificates it was given. */
  readonly unproved?: string;
  /** It was silent for too long while it served: it is replaced and then killed. */
  readonly isHung?: true;
  /** When its clients were told to go because the agent was taken out of rotation, if they were. */
  readonly drainedAtMs?: number;
}

/** One failed start or one crash, kept for the report when the tokens are spent. */
export interface Attempt {
  readonly launch: LaunchId;
  readonly epoch: Epoch;
  readonly outcome: Outcome;
  readonly cause?: FailureCause;
  readonly uptimeMs: number;
  readonly wasLive: boolean;
  /** It was killed because its admin did not answer, or no longer. */
  readonly wasSilent: boolean;
  /** What its admin said to the end, of one that was killed for not getting LIVE. */
  readonly stuckAs?: string;
  readonly lastLines: readonly string[];
}

/**
 * What a handover is doing. `checking`: everything that can be tried without touching the serving
 * launch. `clearing`: a cold handover takes the old one out of service first. `starting`: the new
 * launch is not LIVE yet. `repairing`: its lineage is being repaired after it failed. `backoff`:
 * waiting for a token's delay. `headroom`: waiting until one more Envoy fits: memory, or the number
 * of those that live. `delivering`: in place, what serves is to load the new certificates.
 * `retiring`: committed, the old launch drains.
 */
export type HandoverStep =
  | 'checking'
  | 'clearing'
  | 'starting'
  | 'repairing'
  | 'backoff'
  | 'headroom'
  | 'delivering'
  | 'retiring';

/** From the serving launch to a new one. At most one exists at a time. */
export interface Handover {
  readonly id: HandoverId;
  readonly triggers: readonly Trigger[];
  readonly askedMode: 'auto' | Mode;
  readonly mode?: HandoverMode;
  /** Why it is not `hot` though nobody asked for another. */
  readonly modeReason?: string;
  /** Why it is not `in-place` though it could be: what serves did not load the certificates. */
  readonly notInPlace?: string;
  /**
   * `change`: to the desired state. `restore`: back to what last was LIVE, after a crash. `standby`:
   * the second lineage is brought to what last was LIVE.
   */
  readonly aim: 'change' | 'restore' | 'standby';
  /**
   * A change of the certificates alone, on what else is LIVE: the rest of what is desired was given
   * up, and certificates expire. Absent for all of it.
   */
  readonly scope?: 'certificates';
  /** The launch it was begun to replace; it may be gone by now. */
  readonly replaces?: LaunchId;
  readonly target: Desired;
  readonly step: HandoverStep;
  readonly launch?: LaunchId;
  readonly requests: readonly RequestId[];
  readonly attempts: readonly Attempt[];
  readonly startedAtMs: number;
}

/**
 * How a handover ended. `unproved`: the new launch serves, and nothing shows that it does so with
 * the certificates it was given.
 */
export type HandoverResult = 'committed' | 'unproved' | 'refused' | 'rolledBack' | 'abandoned';

export interface HandoverEnd {
  /** Absent when a request was refused without a handover of its own. */
  readonly id?: HandoverId;
  readonly triggers: readonly Trigger[];
  readonly mode?: HandoverMode;
  /** Why it was not `hot` though nobody had asked for another. */
  readonly modeReason?: string;
  readonly result: HandoverResult;
  /** Why, in one line; absent when committed. */
  readonly reason?: string;
  readonly launch?: LaunchId;
  readonly attemptCount: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** A launch is LIVE; how its handover ended is told once its certificates are known to be loaded. */
export interface Proving {
  readonly launch: LaunchId;
  readonly end: HandoverEnd;
  readonly requests: readonly RequestId[];
}

/** Certificates that are being put under launches; it lasts until its answer, whatever comes meanwhile. */
export interface OpenDelivery {
  readonly handover: HandoverId;
  readonly certificates: Digest;
  readonly launches: readonly LaunchId[];
}

/** Someone asked for a handover and it has not begun. */
export interface PendingRequest {
  readonly id?: RequestId;
  readonly trigger: 'signal' | 'request';
  readonly mode: 'auto' | Mode;
}

/** The stop in progress. */
export interface Stop {
  readonly how: 'graceful' | 'now';
  readonly step: 'delay' | 'draining' | 'terminating';
  readonly exitCode: ExitCode;
  readonly reason: string;
  /** How many times someone asked; asks in quick succession count as one. */
  readonly askedCount: number;
  readonly lastAskedAtMs: number;
  readonly startedAtMs: number;
  readonly minReached: boolean;
}

/** Why no launch can be added to a lineage: one failed before LIVE and was not repaired, or never can be. */
export type Unsoundness = 'poisoned' | 'beyondRepair';

/** What was not to be brought to serve, and what its handover failed of. */
export interface GivenUp<What> {
  readonly what: What;
  readonly handover: HandoverId;
  /** One line. */
  readonly reason: string;
  readonly atMs: number;
}

export interface State {
  readonly phase: Phase;
  readonly desired?: Desired;
  /** Why there is no desired state yet, one line per problem. */
  readonly missing: readonly string[];
  /** Parts that are not whole on disk, and why: their last good state stays in use. */
  readonly held: ReadonlyMap<Part, readonly string[]>;
  /** What the last look at the certificate folders found; absent before it, and without folders. */
  readonly certificates?: CertificatesKnown;
  /** What last went LIVE: a crash restart goes back to it. */
  readonly committed?: Desired;
  /** A change that was given up; it is not tried again until something changes or someone asks. */
  readonly refused?: GivenUp<Desired>;
  /** Certificates that were given up as well, when they were tried on what else was committed. */
  readonly refusedCertificates?: GivenUp<Digest>;
  /** How many changes were committed: what serves an older one is to be replaced. */
  readonly generation: number;
  /** The generation for which the standby was given up; it is tried again when that changes. */
  readonly standbyGivenUp?: number;
  /** Alive ones, oldest first. */
  readonly launches: readonly Launch[];
  /** Lineages that no launch can be added to; one that is not named here is sound. */
  readonly unsound: ReadonlyMap<LineageId, Unsoundness>;
  readonly handover?: Handover;
  readonly pending: readonly PendingRequest[];
  readonly lastEnd?: HandoverEnd;
  /** The newest launch whose certificates are not proved yet. */
  readonly proving?: Proving;
  readonly delivery?: OpenDelivery;
  /** Crashes since the last refill, oldest first; their number is the tokens spent. */
  readonly crashes: readonly Attempt[];
  /** Out of rotation by someone's wish. */
  readonly drained?: Drained;
  readonly stop?: Stop;
  /** Armed deadlines: name to monotonic milliseconds. The runner keeps the clock in step with it. */
  readonly timers: ReadonlyMap<TimerName, number>;
  readonly launchCount: number;
  readonly handoverCount: number;
  readonly lineageCount: number;
}
