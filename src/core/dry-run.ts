/**
 * What a restart would do: the decisions of this folder, taken on a state that nobody keeps. Nothing
 * is begun by it.
 */
import type { Effect, Event } from './events.ts';
import { onTheWay } from './good-end.ts';
import { startChecks } from './handover.ts';
import { step } from './lifecycle.ts';
import {
  type Desired,
  type Mode,
  type Moment,
  type Part,
  type Policy,
  requestIdOf,
  shortDigest,
} from './model.ts';
import { chooseMode } from './modes.ts';
import { startChange } from './reconcile.ts';
import { restartProgress } from './restart-progress.ts';
import { secondsOf } from './seconds.ts';
import type { Handover, State } from './state.ts';
import { servingLaunch } from './turn.ts';

/** What `POST /restart?dry-run=true` answers. */
export interface DryRunStatus {
  readonly passed: boolean;
  /** Everything that was found wrong, a line each; empty when passed. */
  readonly problems: readonly string[];
  /** Parts of which a restart would take the last good state. */
  readonly held: readonly Part[];
  /** What differs from what was LIVE last. */
  readonly changes: readonly ChangeStatus[];
  /** What has to be over before a restart could begin. */
  readonly first?: string | undefined;
  readonly mode?: Mode | undefined;
  /** Why it would not be hot. */
  readonly modeReason?: string | undefined;
  /** Absent where nothing serves, or nothing would be started. */
  readonly overlap?: OverlapStatus | undefined;
}

/** First eight characters of each digest; absent where there is none. */
export interface ChangeStatus {
  readonly part: Part;
  readonly live?: string | undefined;
  readonly next?: string | undefined;
}

export interface OverlapStatus {
  /** From its start until LIVE, as the one that serves took. */
  readonly startSeconds: number;
  /** From then on until the old one has ended at the latest; 0 when that has gone before. */
  readonly besideSeconds: number;
}

export interface DryRunQuestion {
  readonly target: Desired;
  readonly mode: 'auto' | Mode;
  readonly policy: Policy;
  readonly moment: Moment;
}

export interface DryRunPlan {
  readonly state: State;
  readonly handover: Handover;
  readonly check: Effect & { readonly type: 'checkDesired' };
}

const REQUEST = requestIdOf('dry-run');

/** The handover that a restart would become, once what is under way has come to its good end. */
export function planDryRun(state: State, question: DryRunQuestion): DryRunPlan | undefined {
  const { target, policy, moment } = question;
  const asked = ask(state, question).state;
  const begun = onTheWay(asked, isBegun, question) ?? alone(state, question);
  const checking = startChecks({ ...moment, policy, effects: [], state: begun });
  const check = checking.effects.find((effect) => effect.type === 'checkDesired');
  const { handover } = checking.state;
  if (handover === undefined || check === undefined) return undefined;
  return { state: checking.state, handover, check: { ...check, target, depth: 'full' } };
}

function ask(state: State, { mode, moment, policy }: Omit<DryRunQuestion, 'target'>) {
  const asked = { type: 'restartRequested', trigger: 'request', mode, request: REQUEST } as const;
  return step(state, asked, moment, policy);
}

function isBegun({ handover }: State): boolean {
  return handover?.step === 'checking' && handover.requests.includes(REQUEST);
}

/** As if nothing were under way but what serves. */
function alone(state: State, { target, mode, moment, policy }: DryRunQuestion): State {
  const asked = { id: REQUEST, trigger: 'request', mode } as const;
  const { handover: _, stop: __, ...calm } = state;
  const launches = state.launches.filter(({ stage, isKilled }) => stage === 'live' && !isKilled);
  const known = { ...calm, launches, desired: target, pending: [asked] };
  return startChange({ ...moment, policy, effects: [], state: known }).state;
}

type Facts = Omit<Event & { readonly type: 'checksPassed' }, 'type' | 'handover'>;

/** What comes of a plan whose checks found nothing wrong. */
export function concludeDryRun(
  { state, handover }: DryRunPlan,
  facts: Facts,
  policy: Policy,
): Pick<DryRunStatus, 'problems' | 'mode' | 'modeReason' | 'overlap'> {
  const { kind, mode, reason } = chooseMode(state, handover, { ...facts, policy });
  if (kind === 'refused') return { problems: [`A restart would be refused: ${reason}.`] };
  const room = facts.memoryShortage && shortageText(facts.memoryShortage);
  if (kind === 'waits') {
    return { problems: [`A restart would wait: ${[reason, room].filter(Boolean).join(', ')}.`] };
  }
  return { problems: [], mode, modeReason: reason, overlap: overlapOf(state, mode, policy) };
}

function shortageText({ neededBytes, freeBytes }: NonNullable<Facts['memoryShortage']>): string {
  return `${mebibytes(neededBytes)} needed and ${mebibytes(freeBytes)} free`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}

function overlapOf(state: State, mode: Mode, policy: Policy): OverlapStatus | undefined {
  const serving = servingLaunch(state);
  // One that is only foreseen has taken no time.
  if (serving?.liveAtMs === undefined || serving.liveAtMs === serving.startedAtMs) return undefined;
  const startSeconds = secondsOf(serving.liveAtMs - serving.startedAtMs);
  const besideMs = mode === 'cold' ? 0 : policy.parentShutdownTimeMs;
  return { startSeconds, besideSeconds: secondsOf(besideMs) };
}

/** Why nobody who asked now would get a restart; undefined when they would, sooner or later. */
export function refusalOfRestart(
  state: State,
  question: Omit<DryRunQuestion, 'target'>,
): string | undefined {
  const refusal = ask(state, question).effects.find((effect) => {
    return effect.type === 'reportHandover' && effect.requests.includes(REQUEST);
  });
  if (refusal?.type !== 'reportHandover') return undefined;
  return `A restart would be refused: ${refusal.end.reason}.`;
}

/** What a restart asked for now would wait for; undefined when it would begin at once. */
export function whatComesFirst(state: State, question: DryRunQuestion): string | undefined {
  if (state.handover === undefined && state.launches.every(({ stage }) => stage === 'live')) {
    return undefined;
  }
  const asked = ask(state, question).state;
  const { handover } = asked;
  // Unless what is under way takes the asker along.
  if (handover?.requests.includes(REQUEST)) {
    return `nothing, it would be part of ${handover.id} (${state.handover?.step ?? handover.step})`;
  }
  return restartProgress(asked, REQUEST)?.doing;
}

/** What is on disk against what was LIVE last. */
export function changesAgainst(live: Desired | undefined, next: Desired): readonly ChangeStatus[] {
  const short = (digest: Desired[Part]) => digest && shortDigest(digest);
  return PARTS.filter((part) => live?.[part] !== next[part]).map((part) => ({
    part,
    live: short(live?.[part]),
    next: short(next[part]),
  }));
}

const PARTS = ['certificates', 'bootstrap', 'binary'] as const;
