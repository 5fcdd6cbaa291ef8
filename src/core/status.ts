/** The state as it is told to people, the page and scripts: plain JSON, times in seconds. */
import { reasonOf } from './attempts.ts';
import { type CertificatesStatus, certificatesStatus } from './certificate-status.ts';
import { type DrainedStatus, drainedStatus } from './drained-status.ts';
import { type GivenUpStatus, givenUpStatus } from './given-up.ts';
import {
  type Desired,
  type HandoverMode,
  type Mode,
  type Part,
  type Phase,
  type Stage,
  shortDigest,
  type Trigger,
} from './model.ts';
import { joinedReadiness, type Outlook, type Readiness, readiness } from './readiness.ts';
import { delayAfterFailure, tokensLeft } from './restart-tokens.ts';
import { secondsOf } from './seconds.ts';
import { type StandbyStatus, standbyStatus } from './standby-status.ts';
import type {
  Handover,
  HandoverEnd,
  HandoverResult,
  HandoverStep,
  Launch,
  State,
} from './state.ts';
import { describeNextSigterm } from './stop-plan.ts';
import { findLaunch } from './turn.ts';
import { type WaitStatus, waitStatus, waitsOf } from './waits.ts';

/** What `/status` and `baton status --json` answer. An absent member is not known or not so. */
export interface Status {
  readonly phase: Phase;
  /** What `/healthz/ready` says to a probe: the application's own readiness joins it. */
  readonly ready: boolean;
  readonly reason?: string | undefined;
  /** Only where it is asked for its readiness, and once it was. */
  readonly application?: ApplicationStatus | undefined;
  readonly launches: readonly LaunchStatus[];
  readonly handover?: HandoverStatus | undefined;
  readonly lastHandover?: HandoverEndStatus | undefined;
  /** Out of rotation by someone's wish. */
  readonly drained?: DrainedStatus | undefined;
  /** Only where there is to be a second Envoy all the time. */
  readonly standby?: StandbyStatus | undefined;
  readonly tokens: TokenStatus;
  /** What is waited for, the soonest first. */
  readonly waits: readonly WaitStatus[];
  /** Only where there are folders to look at. */
  readonly certificates?: CertificatesStatus | undefined;
  /** Parts on disk that are held at their last good state, and why. */
  readonly held: readonly HeldStatus[];
  /** First eight characters of each digest. */
  readonly desired?: DigestStatus | undefined;
  readonly committed?: DigestStatus | undefined;
  /** What is desired and not tried again for now, and why. */
  readonly givenUp: readonly GivenUpStatus[];
  /** What a SIGTERM would do now, line by line. */
  readonly onSigterm: readonly string[];
}

export interface ApplicationStatus {
  readonly ready: boolean;
  readonly reason?: string | undefined;
}

export interface LaunchStatus {
  readonly id: string;
  readonly epoch: number;
  readonly lineage: string;
  readonly stage: Stage;
  readonly pid?: number | undefined;
  readonly ageSeconds: number;
  /** Since it reported LIVE. */
  readonly liveSeconds?: number | undefined;
  /** What its admin last said before LIVE. */
  readonly envoyState?: string | undefined;
  readonly connections?: number | undefined;
  /** Its parent died under it; it is being replaced. */
  readonly isDoomed?: true | undefined;
  /** For how long its admin has left a question unanswered; absent when it answers. */
  readonly silentSeconds?: number | undefined;
  /** Why it is not known to serve with the certificates it was given. */
  readonly unproved?: string | undefined;
  /** It was silent for too long; it is being replaced. */
  readonly isHung?: true | undefined;
}

export interface HandoverStatus {
  readonly id: string;
  readonly triggers: readonly Trigger[];
  readonly askedMode: 'auto' | Mode;
  readonly mode?: HandoverMode | undefined;
  /** Why it is not hot though nobody asked for another mode, or why it waits. */
  readonly modeReason?: string | undefined;
  readonly step: HandoverStep;
  /** What it started, as long as that is there. */
  readonly launch?: string | undefined;
  /** Failed ones so far. */
  readonly attempts: number;
  /** Why the last of them failed, in one line. */
  readonly lastFailure?: string | undefined;
  readonly ageSeconds: number;
}

export interface HandoverEndStatus {
  readonly id?: string | undefined;
  readonly triggers: readonly Trigger[];
  readonly mode?: HandoverMode | undefined;
  /** Why it was not hot though nobody had asked for another mode. */
  readonly modeReason?: string | undefined;
  readonly result: HandoverResult;
  readonly reason?: string | undefined;
  readonly launch?: string | undefined;
  /** Failed ones. */
  readonly attempts: number;
  readonly durationSeconds: number;
  readonly agoSeconds: number;
}

export interface TokenStatus {
  readonly total: number;
  readonly left: number;
  /** What the next crash would cost; absent when it would end the agent. */
  readonly nextDelaySeconds?: number | undefined;
}

export interface HeldStatus {
  readonly part: Part;
  readonly problems: readonly string[];
}

export interface DigestStatus {
  readonly certificates?: string | undefined;
  readonly bootstrap: string;
  readonly binary: string;
}

/** The whole status at one moment, with what the application last said of itself if it is asked. */
export function statusOf(state: State, outlook: Outlook, application?: Readiness): Status {
  const { atMs } = outlook.moment;
  const answer = joinedReadiness(readiness(state, outlook), application);
  return {
    phase: state.phase,
    ready: answer.ready,
    reason: answer.ready ? undefined : answer.reason,
    application: application && applicationStatus(application),
    launches: state.launches.map((launch) => launchStatus(launch, atMs)),
    handover: state.handover && handoverStatus(state, state.handover, atMs),
    lastHandover: state.lastEnd && endStatus(state.lastEnd, atMs),
    drained: drainedStatus(state, outlook),
    standby: standbyStatus(state, outlook),
    tokens: tokenStatus(state, outlook),
    waits: waitsOf(state).map((wait) => waitStatus(wait, atMs)),
    certificates: certificatesStatus(state, outlook),
    held: [...state.held].map(([part, problems]) => ({ part, problems })),
    desired: state.desired && digestStatus(state.desired),
    committed: state.committed && digestStatus(state.committed),
    givenUp: givenUpStatus(state, atMs),
    onSigterm: describeNextSigterm(state, outlook.policy, outlook.moment.atMs),
  };
}

/** Parts that are held, but for certificates whose problems are told beside their verdict. */
export function untoldHolds({ held, certificates }: Status): readonly HeldStatus[] {
  const isTold = (certificates?.problems ?? []).length > 0;
  return held.filter(({ part }) => part !== 'certificates' || !isTold);
}

function applicationStatus(application: Readiness): ApplicationStatus {
  return application.ready ? { ready: true } : { ready: false, reason: application.reason };
}

function launchStatus(launch: Launch, atMs: number): LaunchStatus {
  const { id, epoch, lineage, stage, pid, envoyState, connections, liveAtMs, silentMs } = launch;
  const { isDoomed, isHung, unproved } = launch;
  return {
    id,
    epoch,
    lineage,
    stage,
    pid,
    ageSeconds: secondsOf(atMs - launch.startedAtMs),
    liveSeconds: liveAtMs === undefined ? undefined : secondsOf(atMs - liveAtMs),
    envoyState,
    connections,
    isDoomed,
    silentSeconds: silentMs === undefined ? undefined : secondsOf(silentMs),
    unproved,
    isHung,
  };
}

function handoverStatus(state: State, handover: Handover, atMs: number): HandoverStatus {
  const { id, triggers, askedMode, mode, step, attempts } = handover;
  const launch = handover.launch && findLaunch(state, handover.launch)?.id;
  const modeReason = handover.modeReason ?? handover.notInPlace;
  const ageSeconds = secondsOf(atMs - handover.startedAtMs);
  const failed = attempts.at(-1);
  const lastFailure = failed && reasonOf(failed);
  const counts = { attempts: attempts.length, lastFailure, ageSeconds };
  return { id, triggers, askedMode, mode, modeReason, step, launch, ...counts };
}

function endStatus(end: HandoverEnd, atMs: number): HandoverEndStatus {
  const { id, triggers, mode, modeReason, result, reason, launch } = end;
  return {
    id,
    triggers,
    mode,
    modeReason,
    result,
    reason,
    launch,
    attempts: end.attemptCount,
    durationSeconds: secondsOf(end.endedAtMs - end.startedAtMs),
    agoSeconds: secondsOf(atMs - end.endedAtMs),
  };
}

function tokenStatus(state: State, { policy }: Outlook): TokenStatus {
  const delayMs = delayAfterFailure(state.crashes.length + 1, policy);
  return {
    total: policy.restartTokens,
    left: tokensLeft(state.crashes.length, policy),
    nextDelaySeconds: delayMs === undefined ? undefined : secondsOf(delayMs),
  };
}

function digestStatus(desired: Desired): DigestStatus {
  return {
    certificates: desired.certificates && shortDigest(desired.certificates),
    bootstrap: shortDigest(desired.bootstrap),
    binary: shortDigest(desired.binary),
  };
}
