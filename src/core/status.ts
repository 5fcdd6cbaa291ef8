/** The state as it is told to people, the page and scripts: plain JSON, times in seconds. */
import { reasonOf } from './attempts.ts';
import { type CertificatesStatus, certificatesStatus } from './certificate-status.ts';
import { type DrainedStatus, drainedStatus } from './drained-status.ts';
import {
  type Desired,
  type HandoverMode,
  type Mode,
  type Part,
  type Phase,
  type Stage,
  shortDigest,
  type TimerName,
  type Trigger,
} from './model.ts';
import { type Outlook, readiness } from './readiness.ts';
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

/** What `/status` and `baton status --json` answer. An absent member is not known or not so. */
export interface Status {
  readonly phase: Phase;
  readonly ready: boolean;
  readonly reason?: string | undefined;
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
  readonly refused?: DigestStatus | undefined;
  /** What a SIGTERM would do now, line by line. */
  readonly onSigterm: readonly string[];
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

export interface WaitStatus {
  readonly timer: TimerName;
  /** "waits for ..." in words. */
  readonly what: string;
  readonly leftSeconds: number;
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

/** The whole status at one moment. */
export function statusOf(state: State, outlook: Outlook): Status {
  const { atMs } = outlook.moment;
  const answer = readiness(state, outlook);
  return {
    phase: state.phase,
    ready: answer.ready,
    reason: answer.ready ? undefined : answer.reason,
    launches: state.launches.map((launch) => launchStatus(launch, atMs)),
    handover: state.handover && handoverStatus(state.handover, atMs),
    lastHandover: state.lastEnd && endStatus(state.lastEnd, atMs),
    drained: drainedStatus(state, outlook),
    standby: standbyStatus(state, outlook),
    tokens: tokenStatus(state, outlook),
    waits: waitsOf(state, atMs),
    certificates: certificatesStatus(state, outlook),
    held: [...state.held].map(([part, problems]) => ({ part, problems })),
    desired: state.desired && digestStatus(state.desired),
    committed: state.committed && digestStatus(state.committed),
    refused: state.refused && digestStatus(state.refused),
    onSigterm: describeNextSigterm(state, outlook.policy, outlook.moment.atMs),
  };
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

function handoverStatus(handover: Handover, atMs: number): HandoverStatus {
  const { id, triggers, askedMode, mode, step, launch, attempts } = handover;
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

function waitsOf(state: State, atMs: number): readonly WaitStatus[] {
  return [...state.timers]
    .sort(([, oneMs], [, otherMs]) => oneMs - otherMs)
    .map(([timer, dueMs]) => ({
      timer,
      what: waitText(timer),
      leftSeconds: secondsOf(dueMs - atMs),
    }));
}

function waitText(timer: TimerName): string {
  const [kind, launch] = timer.split(':') as [WaitKind<TimerName>, string | undefined];
  return waitTexts[kind](launch ?? '');
}

/** A timer's name without its launch. */
type WaitKind<Name> = Name extends `${infer Kind}:${string}` ? Kind : Name;

const waitTexts: Readonly<Record<WaitKind<TimerName>, (launch: string) => string>> = {
  certificateWait: () => 'the certificates to be complete',
  jitter: () => 'the random delay before a handover',
  retry: () => 'the delay before the next start',
  headroom: () => 'the next look whether memory suffices for two Envoys',
  reconsider: () => 'the next try of the change that could not be started',
  reconsiderCertificates: () => 'the next try of the certificates that could not be started with',
  standby: () => 'the next try of a second Envoy',
  refill: () => 'all restart tokens to be given back',
  stopDelay: () => 'the delay before the drain',
  drainMin: () => 'the shortest time of the drain',
  drainMax: () => 'the last connection, or the longest time of the drain',
  silence: (launch) => `${launch} to answer`,
  initialize: (launch) => `${launch} to be initialized`,
  retire: (launch) => `${launch} to have drained and ended`,
  replace: (launch) => `the next try to replace ${launch}`,
  kill: (launch) => `${launch} to end`,
};

function digestStatus(desired: Desired): DigestStatus {
  return {
    certificates: desired.certificates && shortDigest(desired.certificates),
    bootstrap: shortDigest(desired.bootstrap),
    binary: shortDigest(desired.binary),
  };
}
