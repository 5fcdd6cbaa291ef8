/** The history as it is told to people and scripts: plain JSON, times in seconds. */
import type { FailedAttempt, History, Lane, PastHandover, Spans } from './history-model.ts';
import { isoTime } from './iso-time.ts';
import type { HandoverMode, Mode, Stage, Trigger } from './model.ts';
import { secondsOf } from './seconds.ts';
import { closedSpans } from './spans.ts';
import type { Handover, HandoverResult, HandoverStep } from './state.ts';

/** What `/history` and `baton history --json` answer, the oldest first. An absent member is not known or not so. */
export interface HistoryStatus {
  readonly handovers: readonly PastHandoverStatus[];
  readonly launches: readonly LaneStatus[];
}

export interface PastHandoverStatus {
  readonly id: string;
  readonly triggers: readonly Trigger[];
  /** `change`: to what is desired; `restore`: back to what was LIVE; `standby`: a second Envoy. */
  readonly aim?: Handover['aim'] | undefined;
  /** The crash that it answers, in one line. */
  readonly crash?: string | undefined;
  readonly askedMode?: 'auto' | Mode | undefined;
  readonly mode?: HandoverMode | undefined;
  /** Why it is not hot though nobody asked for another mode, or why it waits. */
  readonly modeReason?: string | undefined;
  /** Wall-clock time. */
  readonly startedAt: string;
  readonly agoSeconds: number;
  readonly steps: readonly StepStatus[];
  /** Left out of the middle of the steps. */
  readonly omittedSteps: number;
  readonly launch?: string | undefined;
  /** Failed attempts. */
  readonly attempts: number;
  /** The last 20 of them. */
  readonly failures: readonly FailureStatus[];
  /** Absent while it is under way. */
  readonly result?: HandoverResult | undefined;
  readonly reason?: string | undefined;
  /** From its start to its result. */
  readonly durationSeconds?: number | undefined;
  /** Connections that the old launches had when they ended. */
  readonly connectionsLeft?: number | undefined;
}

export interface StepStatus {
  readonly step: HandoverStep;
  /** Since the handover was begun, to a millisecond. */
  readonly afterSeconds: number;
  /** How long it took, or has taken so far, to a millisecond. */
  readonly seconds: number;
}

export interface FailureStatus {
  readonly launch?: string | undefined;
  readonly reason: string;
  readonly afterSeconds: number;
}

export interface LaneStatus {
  readonly id: string;
  readonly epoch: number;
  readonly lineage: string;
  readonly handover?: string | undefined;
  readonly mode?: HandoverMode | undefined;
  readonly pid?: number | undefined;
  /** Wall-clock time. */
  readonly startedAt: string;
  readonly agoSeconds: number;
  readonly stages: readonly StageStatus[];
  /** The last count. */
  readonly connections?: number | undefined;
  /** The handover that took it out of service. */
  readonly replacedBy?: string | undefined;
  /** Absent while it lives. */
  readonly ended?: LaneEndStatus | undefined;
}

export interface StageStatus {
  readonly stage: Stage;
  /** Since the launch was started, to a millisecond. */
  readonly afterSeconds: number;
  readonly seconds: number;
}

export interface LaneEndStatus {
  readonly agoSeconds: number;
  /** In words that follow the launch's name. */
  readonly outcome: string;
  readonly isUnexpected: boolean;
}

/** The whole history at one moment, in monotonic milliseconds. */
export function historyStatus(history: History, atMs: number): HistoryStatus {
  return {
    handovers: history.handovers.map((handover) => handoverStatus(handover, atMs)),
    launches: history.launches.map((lane) => laneStatus(lane, atMs)),
  };
}

function handoverStatus(handover: PastHandover, atMs: number): PastHandoverStatus {
  const { id, triggers, aim, crash, askedMode, mode, modeReason, launch, startedAtMs } = handover;
  const { failures, failureCount, result, reason, endedAtMs, connectionsLeft } = handover;
  return {
    id,
    triggers,
    aim,
    crash,
    askedMode,
    mode,
    modeReason,
    startedAt: isoTime(handover.startedAtWallMs),
    agoSeconds: secondsOf(atMs - startedAtMs),
    steps: spansIn(handover.steps, startedAtMs, handover.leftAtMs ?? atMs).map(
      ({ name: step, ...times }) => ({ step, ...times }),
    ),
    omittedSteps: handover.steps.omittedCount,
    launch,
    attempts: failureCount,
    failures: failures.map((failure) => failureStatus(failure, startedAtMs)),
    result,
    reason,
    durationSeconds: endedAtMs === undefined ? undefined : exactSeconds(endedAtMs - startedAtMs),
    connectionsLeft,
  };
}

function failureStatus({ launch, reason, atMs }: FailedAttempt, startedAtMs: number) {
  return { launch, reason, afterSeconds: exactSeconds(atMs - startedAtMs) };
}

function laneStatus(lane: Lane, atMs: number): LaneStatus {
  const { id, epoch, lineage, handover, mode, pid, connections, replacedBy, end } = lane;
  const { startedAtMs, startedAtWallMs } = lane;
  return {
    id,
    epoch,
    lineage,
    handover,
    mode,
    pid,
    startedAt: isoTime(startedAtWallMs),
    agoSeconds: secondsOf(atMs - startedAtMs),
    stages: spansIn(lane.stages, startedAtMs, end?.atMs ?? atMs).map(
      ({ name: stage, ...times }) => ({ stage, ...times }),
    ),
    connections,
    replacedBy,
    ended: end && {
      agoSeconds: secondsOf(atMs - end.atMs),
      outcome: end.outcome,
      isUnexpected: end.isUnexpected,
    },
  };
}

function spansIn<Name>(spans: Spans<Name>, startedAtMs: number, untilMs: number) {
  return closedSpans(spans, untilMs).map(({ name, fromMs, toMs }) => ({
    name,
    afterSeconds: exactSeconds(fromMs - startedAtMs),
    seconds: exactSeconds(toMs - fromMs),
  }));
}

/** To a millisecond: a step may take no longer. */
function exactSeconds(ms: number): number {
  return Math.max(0, Math.round(ms)) / 1_000;
}
