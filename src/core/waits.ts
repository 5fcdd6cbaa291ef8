/** What is waited for, in words, and what is done when it has not happened in time. */
import type { TimerName } from './model.ts';
import { RETIRE_SLACK_MS } from './retiring.ts';
import { secondsOf } from './seconds.ts';
import type { Launch, State } from './state.ts';
import { childOf, findLaunch } from './turn.ts';

/** One deadline that is armed; both times are monotonic milliseconds. */
export interface Wait {
  readonly timer: TimerName;
  /** "waits for ..." in words. */
  readonly what: string;
  readonly dueMs: number;
  /** When it should have happened, where that is known and before the deadline. */
  readonly expectedMs?: number;
  /** What is done when it has not happened by then; absent where the time itself is waited for. */
  readonly otherwise?: string;
}

/** The soonest first, by what is expected. Tokens that are whole are not waited for. */
export function waitsOf(state: State): readonly Wait[] {
  return [...state.timers]
    .filter(([timer]) => timer !== 'refill' || state.crashes.length > 0)
    .map(([timer, dueMs]) => waitFor(timer, dueMs, state))
    .sort((one, other) => soonestMs(one) - soonestMs(other));
}

/** When it should have happened: as expected or, where nothing is known, by its deadline. */
export function soonestMs({ expectedMs, dueMs }: Wait): number {
  return expectedMs ?? dueMs;
}

export interface WaitStatus {
  readonly timer: TimerName;
  /** "waits for ..." in words. */
  readonly what: string;
  /** Until the deadline. */
  readonly leftSeconds: number;
  /** Until it should have happened, where that is before the deadline. */
  readonly expectedSeconds?: number | undefined;
  /** What is done at the deadline; absent where the time itself is waited for. */
  readonly otherwise?: string | undefined;
}

export function waitStatus(wait: Wait, atMs: number): WaitStatus {
  const { timer, what, dueMs, expectedMs, otherwise } = wait;
  return {
    timer,
    what,
    leftSeconds: secondsOf(dueMs - atMs),
    expectedSeconds: expectedMs === undefined ? undefined : secondsOf(expectedMs - atMs),
    otherwise,
  };
}

function waitFor(timer: TimerName, dueMs: number, state: State): Wait {
  const [kind, id] = timer.split(':') as [WaitKind<TimerName>, string | undefined];
  const launch = id === undefined ? undefined : findLaunch(state, id as Launch['id']);
  const { what, otherwise } = WAITS[kind](id ?? '', launch);
  const isToldByChild = kind === 'retire' && launch !== undefined && hasChild(state, launch);
  return {
    timer,
    what,
    dueMs,
    ...(isToldByChild ? { expectedMs: dueMs - RETIRE_SLACK_MS } : {}),
    ...(isToldByChild ? { otherwise: KILLED } : otherwise === undefined ? {} : { otherwise }),
  };
}

/** It is told to go by its child, at a time of the child's own; our deadline is for the dead-locked. */
function hasChild(state: State, launch: Launch): boolean {
  return childOf(state, launch) !== undefined;
}

interface Wording {
  readonly what: string;
  readonly otherwise?: string;
}

/** A timer's name without its launch. */
type WaitKind<Name> = Name extends `${infer Kind}:${string}` ? Kind : Name;

const KILLED = 'it is killed';
const TERMINATED = 'it is sent SIGTERM';

const WAITS: Readonly<
  Record<WaitKind<TimerName>, (id: string, launch: Launch | undefined) => Wording>
> = {
  certificateWait: () => ({
    what: 'the certificates to be complete',
    otherwise: 'the agent ends with code 78',
  }),
  jitter: () => ({ what: 'the random delay before a handover' }),
  retry: () => ({ what: 'the delay before the next start' }),
  headroom: () => ({ what: 'the next look whether memory suffices for two Envoys' }),
  reconsider: () => ({ what: 'the next try of the change that could not be started' }),
  reconsiderCertificates: () => ({
    what: 'the next try of the certificates that could not be started with',
  }),
  standby: () => ({ what: 'the next try of a second Envoy' }),
  refill: () => ({ what: 'all restart tokens to be given back' }),
  stopDelay: () => ({ what: 'the delay before the drain' }),
  drainMin: () => ({ what: 'the shortest time of the drain' }),
  drainMax: () => ({
    what: 'the last connection to be closed',
    otherwise: 'Envoy is sent SIGTERM',
  }),
  silence: (id) => ({ what: `${id} to answer`, otherwise: KILLED }),
  initialize: (id) => ({ what: `${id} to be initialized`, otherwise: KILLED }),
  retire: (id) => ({ what: `${id} to have drained and ended`, otherwise: TERMINATED }),
  replace: (id) => ({ what: `the next try to replace ${id}` }),
  kill: (id, launch) => ({
    what: `${id} to end`,
    otherwise: launch?.isKilled ? 'it is waited for no longer' : KILLED,
  }),
};
