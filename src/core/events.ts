/** What comes in: things that happened. What goes out: verbs. */
import type { CertificatesSeen } from './certificates-seen.ts';
import type {
  Desired,
  Epoch,
  ExitCode,
  FailureCause,
  HandoverId,
  LaunchId,
  LineageId,
  Mode,
  Outcome,
  Part,
  RequestId,
  TimerName,
} from './model.ts';
import type { HandoverEnd } from './state.ts';

/** Bytes; both as estimated at the check. */
export interface MemoryShortage {
  readonly neededBytes: number;
  readonly freeBytes: number;
}

export type Event =
  /** The folders, the bootstrap's sources or the binary were looked at and make a whole. */
  | { readonly type: 'desiredChanged'; readonly desired: Desired }
  /** They were looked at and don't, before there ever was a whole one. */
  | {
      readonly type: 'desiredMissing';
      readonly problems: readonly string[];
      /** Certificates can still come and are waited for; nothing else is. */
      readonly lacks: 'certificates' | 'configuration';
    }
  /** The certificate folders were looked at. */
  | { readonly type: 'certificatesSeen'; readonly seen: CertificatesSeen }
  /** A part is held at its last good state, for these reasons; whole again when there are none. */
  | { readonly type: 'partHeld'; readonly part: Part; readonly problems: readonly string[] }
  | {
      readonly type: 'restartRequested';
      readonly trigger: 'signal' | 'request';
      readonly mode: 'auto' | Mode;
      readonly request?: RequestId;
    }
  | {
      readonly type: 'checksPassed';
      readonly handover: HandoverId;
      /** Whether the binary speaks the serving launch's hot restart version. */
      readonly speaksSameVersion: boolean;
      /** What else keeps the launch it would inherit from from being inherited from, in one line. */
      readonly obstacleToHot?: string;
      /** Whatever certificates Envoy is to show come by secrets, and nothing names the folders. */
      readonly isDeliverable?: true;
      /** Listeners that two processes cannot share: side by side the new one could not bind. */
      readonly unshareableListeners?: readonly string[];
      /** Present when a second Envoy would not fit into the memory limit. */
      readonly memoryShortage?: MemoryShortage;
    }
  | {
      readonly type: 'checksFailed';
      readonly handover: HandoverId;
      readonly problems: readonly string[];
      /** What the agent exits with when it has never served and this is why. */
      readonly exitCode: ExitCode;
      /** It says nothing against the change: a full disk, no descriptors. Trying again may help. */
      readonly isTransient?: true;
    }
  /** Every launch that serves has loaded the certificates it was given. */
  | { readonly type: 'certificatesDelivered'; readonly handover: HandoverId }
  /** One has not; all of them were given back what they had. */
  | {
      readonly type: 'deliveryFailed';
      readonly handover: HandoverId;
      readonly problems: readonly string[];
    }
  | { readonly type: 'launchSpawned'; readonly launch: LaunchId; readonly pid: number }
  /** Its admin answered, not LIVE yet; reported at most five times a second. */
  | { readonly type: 'launchAnswered'; readonly launch: LaunchId; readonly envoyState: string }
  | {
      readonly type: 'launchLive';
      readonly launch: LaunchId;
      /** `certificatesProved` follows, within seconds. */
      readonly awaitsProof?: true;
    }
  /** What it serves with was compared with what it was given; `problem`: it is not that. */
  | { readonly type: 'certificatesProved'; readonly launch: LaunchId; readonly problem?: string }
  /**
   * It was LIVE, and its admin has left a question unanswered for so long; told about once a second
   * while that lasts. Time in which the agent itself did not run does not count.
   */
  | { readonly type: 'launchSilent'; readonly launch: LaunchId; readonly silentMs: number }
  /** It answers again. */
  | { readonly type: 'launchHeard'; readonly launch: LaunchId }
  | {
      readonly type: 'launchExited';
      readonly launch: LaunchId;
      readonly outcome: Outcome;
      readonly cause?: FailureCause;
      readonly lastLines: readonly string[];
    }
  | {
      readonly type: 'lineageRepaired';
      readonly lineage: LineageId;
      readonly isSound: boolean;
      readonly reason: string;
      /** Who failed had taken over before anyone knew: its parent accepts nothing any more. */
      readonly hasTakenOver?: true;
    }
  | { readonly type: 'connectionsCounted'; readonly launch: LaunchId; readonly count: number }
  | { readonly type: 'timerFired'; readonly timer: TimerName }
  /** Out of rotation, without leaving. */
  | { readonly type: 'drainRequested'; readonly reason: string }
  /** Back again: by a handover, where one that was told to go serves. */
  | { readonly type: 'undrainRequested'; readonly request: RequestId }
  | {
      readonly type: 'stopRequested';
      /** `graceful`: SIGTERM, SIGINT. `now`: SIGQUIT, quit: no drain. */
      readonly how: 'graceful' | 'now';
      readonly reason: string;
      /** Not 0 when the agent stops because of a failure of its own surroundings. */
      readonly exitCode?: ExitCode;
    };

/** The launch a new one would be the child of, and the epoch it would have. */
export interface Inheritance {
  readonly launch: LaunchId;
  readonly lineage: LineageId;
  readonly epoch: Epoch;
}

/** A launch that serves, and what it is to serve with from now on. */
export interface Recipient {
  readonly launch: LaunchId;
  readonly target: Desired;
}

export type Effect =
  /** Try everything that can be tried beforehand. `full` includes Envoy's own validation. */
  | {
      readonly type: 'checkDesired';
      readonly handover: HandoverId;
      readonly target: Desired;
      readonly depth: 'render' | 'full';
      /** Whom a hot handover would inherit from; absent when there is nobody. */
      readonly inheritsFrom?: Inheritance;
    }
  | {
      readonly type: 'launchEnvoy';
      readonly launch: LaunchId;
      readonly epoch: Epoch;
      readonly lineage: LineageId;
      readonly target: Desired;
    }
  /** Swap the certificates of launches that serve, and make sure that they have loaded them. */
  | {
      readonly type: 'deliverCertificates';
      readonly handover: HandoverId;
      readonly recipients: readonly Recipient[];
    }
  | {
      readonly type: 'signalLaunch';
      readonly launch: LaunchId;
      readonly signal: 'SIGTERM' | 'SIGKILL';
    }
  /**
   * Count its connections from now on, until it is gone. `stop`: also fail its health checks and
   * tell its clients to go, while it goes on accepting. `handover`: tell its clients to go and stop
   * accepting after the drain time. `count`: only count, it drains by itself.
   */
  | {
      readonly type: 'drainLaunch';
      readonly launch: LaunchId;
      readonly purpose: 'stop' | 'handover' | 'count';
    }
  | { readonly type: 'repairLineage'; readonly lineage: LineageId }
  /** The process is gone: its files go. */
  | { readonly type: 'forgetLaunch'; readonly launch: LaunchId }
  | {
      readonly type: 'reportHandover';
      readonly end: HandoverEnd;
      readonly requests: readonly RequestId[];
    }
  | { readonly type: 'exitAgent'; readonly code: ExitCode; readonly reason: string };

export interface Step<State> {
  readonly state: State;
  readonly effects: readonly Effect[];
}
