/**
 * The vocabulary of the agent. The words of these types are those of the log, the metrics, the
 * status and the documentation.
 *
 * The epoch protocol, which every decision in this folder serves (Envoy: operations/hot_restart):
 * - A launch is one start of Envoy and has an id that is never used again. An epoch is the number
 *   Envoy is told by `--restart-epoch`. A lineage is the launches that share a base id; its first
 *   launch has epoch 0 and the next one is always "highest living epoch + 1", so a launch that
 *   failed leaves no hole.
 * - Until a new launch reports LIVE at its own epoch the serving one is not touched. At LIVE the
 *   new one has taken the listen sockets over and the old one drains by itself, until the new
 *   one's parent-shutdown timer tells it to go.
 * - A launch that has not reported LIVE is only ever ended by SIGKILL: told to terminate it would
 *   pass that on to its parent, and both would be gone.
 * - A launch that failed before LIVE leaves its lineage poisoned (the INITIALIZING bit in shared
 *   memory). The lineage is repaired before the same epoch is tried again.
 */

declare const brand: unique symbol;
type Branded<Value, Name> = Value & { readonly [brand]: Name };

/** The number behind `--restart-epoch`. */
export type Epoch = Branded<number, 'Epoch'>;
/** `L1`, `L2`, ...: never used twice in a run. */
export type LaunchId = Branded<string, 'LaunchId'>;
/** `H1`, `H2`, ...: one attempt to get a configuration to serve, with all its retries. */
export type HandoverId = Branded<string, 'HandoverId'>;
/** `G1`, `G2`, ...: launches that share a base id. */
export type LineageId = Branded<string, 'LineageId'>;
/** Names who asked by `baton restart`, so that the answer finds its way back. */
export type RequestId = Branded<string, 'RequestId'>;
/** SHA-256 in hexadecimal. */
export type Digest = Branded<string, 'Digest'>;

export const epochOf = (value: number) => value as Epoch;
export const launchIdOf = (count: number) => `L${count}` as LaunchId;
export const handoverIdOf = (count: number) => `H${count}` as HandoverId;
export const lineageIdOf = (count: number) => `G${count}` as LineageId;
export const requestIdOf = (value: string) => value as RequestId;
export const digestOf = (hex: string) => hex as Digest;

/** As much of a digest as people are shown: the first eight characters. */
export const shortDigest = (digest: Digest) => digest.slice(0, 8);

/** What Envoy is to run with. Two are equal when all three parts are. */
export interface Desired {
  /** Digest of the certificate snapshot; absent when there are no certificates. */
  readonly certificates?: Digest;
  /** Digest of the bootstrap's sources and of every value filled into them. */
  readonly bootstrap: Digest;
  /** Digest of the binary's identity (path, inode, size, change time). */
  readonly binary: Digest;
}

/** What the desired state is read from, part by part. */
export type Part = 'certificates' | 'bootstrap' | 'binary';

/**
 * What made a handover start. `start` is the first launch of a run; `standby` brings the second
 * lineage to what the first one serves.
 */
export type Trigger =
  | 'start'
  | 'certificates'
  | 'bootstrap'
  | 'binary'
  | 'signal'
  | 'request'
  | 'crash'
  | 'standby';

/**
 * How the serving launch is replaced. `hot`: Envoy's own protocol. `side-by-side`: a new lineage
 * binds the same ports, then the old one is drained. `cold`: nothing is serving while it starts.
 */
export type Mode = 'hot' | 'side-by-side' | 'cold';

/**
 * What a handover turned out to be. `in-place`: no new launch; those that serve were given new
 * certificates by file SDS and have loaded them.
 */
export type HandoverMode = Mode | 'in-place';

/** What a launch is in the middle of. `retiring`: draining behind a successor. */
export type Stage = 'starting' | 'live' | 'retiring' | 'stopping';

/** What the agent as a whole is in the middle of. */
export type Phase = 'waiting' | 'running' | 'backoff' | 'draining' | 'stopped';

/** How an Envoy process ended. */
export type Outcome =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'notStarted'; readonly errno: string; readonly message: string }
  /** It lives, but its admin has answered nothing for so long. */
  | { readonly kind: 'hung'; readonly silentMs: number };

/** What is known of why a launch ended before it was LIVE, from its last lines and a validation. */
export type FailureCause = 'cannotBind' | 'configurationRejected' | 'noBinary' | 'unknown';

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
/** Exit codes of `baton run`, the whole list. */
export const EXIT = {
  stopped: 0,
  bug: 70,
  runDirectory: 73,
  configuration: 78,
  portTaken: 98,
  noEnvoy: 127,
  cutShort: 137,
  tokensSpent: 255,
} as const;

/** Which wait a deadline belongs to. At most one of each name is armed. */
export type TimerName =
  | 'certificateWait'
  | 'jitter'
  | 'retry'
  | 'headroom'
  | 'reconsider'
  | 'reconsiderCertificates'
  | 'standby'
  | 'refill'
  | 'stopDelay'
  | 'drainMin'
  | 'drainMax'
  | `silence:${LaunchId}`
  | `initialize:${LaunchId}`
  | `retire:${LaunchId}`
  | `replace:${LaunchId}`
  | `kill:${LaunchId}`;

/** A moment as the runner stamps it on an event: the core has no clock and no dice. */
export interface Moment {
  /** Monotonic milliseconds. */
  readonly atMs: number;
  /** A uniformly random number in [0, 1), for jitter. */
  readonly chance: number;
}

/**
 * When two Envoys do not fit into the memory limit. `warn`: go on and say so. `wait`: until they do.
 * `side-step`: the old one goes first, so that there are never two.
 */
export type MemoryPolicy = 'warn' | 'wait' | 'side-step';

/** The settings that decisions depend on; durations in milliseconds. */
export interface Policy {
  readonly handover: 'auto' | Mode;
  readonly triggers: ReadonlySet<'certificates' | 'bootstrap' | 'binary'>;
  /** Whether a second lineage serves the same ports all the time. */
  readonly standby: boolean;
  /** What to do about a handover that memory is too small for. */
  readonly memory: MemoryPolicy;
  /** How new certificates come to an Envoy that serves: by a new launch, or in place by file SDS. */
  readonly delivery: 'restart' | 'sds';
  readonly jitterMs: number;
  /** Jitter ends at least this long before the certificates in use do. */
  readonly expiryMarginMs: number;
  readonly certificateWaitMs: number;
  readonly liveDeadlineMs: number;
  readonly initDeadlineMs: number;
  /** How long an Envoy that was LIVE may leave its admin unanswered; 0: for ever. */
  readonly hangDeadlineMs: number;
  readonly drainTimeMs: number;
  readonly parentShutdownTimeMs: number;
  readonly restartTokens: number;
  readonly restartBackoffMs: number;
  /** 0: only a changed configuration refills. */
  readonly restartRefillTimeMs: number;
  readonly terminationDelayMs: number;
  readonly terminationDrainMinMs: number;
  readonly terminationDrainMaxMs: number;
}

/** Whether both ask for the same, or both for nothing. */
export function sameDesired(a: Desired | undefined, b: Desired | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.certificates === b.certificates && a.bootstrap === b.bootstrap && a.binary === b.binary;
}
