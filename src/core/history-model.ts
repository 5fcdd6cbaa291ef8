/** What is remembered of handovers and launches. */
import type { Effect, Event } from './events.ts';
import type {
  Epoch,
  HandoverId,
  HandoverMode,
  LaunchId,
  LineageId,
  Mode,
  Policy,
  Stage,
  Trigger,
} from './model.ts';
import type { Handover, HandoverResult, HandoverStep, State } from './state.ts';

/** Both lists have the oldest first. */
export interface History {
  /** The last 50; one that is under way comes last. */
  readonly handovers: readonly PastHandover[];
  /** Those alive, and the last 50 that are not. */
  readonly launches: readonly Lane[];
}

/** Begins at its moment and ends where the next one begins. */
export interface Span<Name> {
  readonly name: Name;
  readonly fromMs: number;
}

/** A stretch of spans; in one that is too long the middle is left out. */
export interface Spans<Name> {
  readonly kept: readonly Span<Name>[];
  readonly omittedCount: number;
}

export interface PastHandover {
  readonly id: HandoverId;
  readonly aim?: Handover['aim'];
  readonly triggers: readonly Trigger[];
  /** What the crash was that it answers. */
  readonly crash?: string;
  readonly askedMode?: 'auto' | Mode;
  readonly mode?: HandoverMode;
  readonly modeReason?: string;
  readonly startedAtMs: number;
  /** Milliseconds since 1970. */
  readonly startedAtWallMs: number;
  readonly steps: Spans<HandoverStep>;
  readonly launch?: LaunchId;
  /** The last 20 of them. */
  readonly failures: readonly FailedAttempt[];
  readonly failureCount: number;
  /** Absent as long as nobody knows. */
  readonly result?: HandoverResult;
  readonly reason?: string;
  /** When the result came. */
  readonly endedAtMs?: number;
  /** When its last step was over: the old launch is gone by then. */
  readonly leftAtMs?: number;
  /** Of the old launches, at the last count before each of them ended. */
  readonly connectionsLeft?: number;
}

export interface FailedAttempt {
  readonly launch?: LaunchId;
  /** One line. */
  readonly reason: string;
  readonly atMs: number;
}

/** One launch from its start to its end. */
export interface Lane {
  readonly id: LaunchId;
  readonly epoch: Epoch;
  readonly lineage: LineageId;
  readonly startedAtMs: number;
  /** Milliseconds since 1970. */
  readonly startedAtWallMs: number;
  /** The handover it was started by. */
  readonly handover?: HandoverId;
  readonly mode?: HandoverMode;
  readonly pid?: number;
  readonly stages: Spans<Stage>;
  /** The last count. */
  readonly connections?: number;
  /** The handover that took it out of service. */
  readonly replacedBy?: HandoverId;
  readonly end?: LaneEnd;
}

export interface LaneEnd {
  readonly atMs: number;
  /** In words that follow its name. */
  readonly outcome: string;
  /** It was not asked to end, or not yet. */
  readonly isUnexpected: boolean;
}

/** A transition of the agent, with the time of day. */
export interface Happened {
  readonly event: Event;
  readonly moment: { readonly atMs: number; readonly wallMs: number };
  readonly before: State;
  readonly after: State;
  readonly effects: readonly Effect[];
  readonly policy: Policy;
}
