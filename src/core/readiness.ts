/** Whether traffic may come, and in one line why not. */
import { endingText } from './attempts.ts';
import { connectionsText } from './connections.ts';
import type { Drained } from './drained.ts';
import { connectionsOf } from './drained-status.ts';
import type { Moment, Policy, TimerName } from './model.ts';
import { tokensLeft } from './restart-tokens.ts';
import { secondsOf } from './seconds.ts';
import type { Handover, Launch, State, Stop } from './state.ts';
import { findLaunch, servingLaunch } from './turn.ts';

export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly reason: string };

/** What the seconds in an answer are counted from, and the tokens out of which. */
export interface Outlook {
  readonly policy: Policy;
  readonly moment: Pick<Moment, 'atMs'>;
}

const LONGEST_REASON = 500;

/**
 * A live launch serves and no drain has begun, a stop's or one that was asked for: a handover does
 * not interrupt it, and neither does the delay in front of a stop, during which nothing changes. One
 * whose parent died under it goes on serving until its successor is LIVE. One that was told to drain
 * never takes that back: when the launch that should follow it dies, nobody serves until the next.
 */
export function isReady(state: State): boolean {
  const serving = servingLaunch(state);
  const isLeaving = state.stop !== undefined && state.stop.step !== 'delay';
  if (serving === undefined || isLeaving || state.drained !== undefined) return false;
  return !serving.isHung && serving.drainedAtMs === undefined;
}

/** The same with the reason: one line, no control characters, at most 500 characters. */
export function readiness(state: State, outlook: Outlook): Readiness {
  if (isReady(state)) return { ready: true };
  return { ready: false, reason: oneLine(reasonOf(state, outlook)) };
}

/**
 * The same as a probe is told it: the application's joins it, where it is asked. The agent's own
 * reason comes first.
 */
export function joinedReadiness(own: Readiness, application: Readiness | undefined): Readiness {
  if (!own.ready || application === undefined || application.ready) return own;
  return { ready: false, reason: oneLine(`application not ready: ${application.reason}`) };
}

/** Ready for the first time in this run, and for good: what comes later is no matter of the start. */
export function startup(state: State, outlook: Outlook): Readiness {
  return state.committed === undefined ? readiness(state, outlook) : { ready: true };
}

function reasonOf(state: State, outlook: Outlook): string {
  switch (state.phase) {
    case 'waiting':
      return waitingReason(state, outlook);
    case 'running':
      return state.drained === undefined
        ? servingReason(state)
        : drainedReason(state, state.drained, outlook);
    case 'backoff':
      return backoffReason(state, outlook);
    case 'draining':
      return stoppingReason(state, outlook);
    case 'stopped':
      return 'stopped';
  }
}

function waitingReason(state: State, outlook: Outlook): string {
  if (state.missing.length > 0) {
    return `waiting: ${state.missing.join(' ')}${deadline(state, 'certificateWait', outlook)}`;
  }
  if (state.handover === undefined) return 'waiting: the configuration has not been read yet';
  return `starting: ${progressOf(state, state.handover, outlook)}`;
}

/** A launch is live, and yet it takes no new clients, or nobody can be sure that it serves. */
function servingReason(state: State): string {
  const { id, silentMs = 0, drainedAtMs } = servingLaunch(state) ?? {};
  const isHeldUp = id !== undefined && state.timers.has(`replace:${id}`);
  const now = isHeldUp ? 'could not be replaced, which is tried again' : 'is being replaced';
  if (drainedAtMs !== undefined) return `drained: ${id} told its clients to go and ${now}`;
  return `hung: ${id} has not answered for ${secondsOf(silentMs)} s and ${now}`;
}

function drainedReason(state: State, drained: Drained, { moment }: Outlook): string {
  const since = `${secondsOf(moment.atMs - drained.sinceMs)} s ago, ${connectionsNow(state)}`;
  const now = drained.returning === undefined ? '' : ', and is on its way back';
  return `drained: ${drained.reason} ${since}${now}`;
}

/** Nothing serves though something once did or tried to. */
function backoffReason(state: State, outlook: Outlook): string {
  const { crashes, handover } = state;
  const now = handover === undefined ? 'about to start' : progressOf(state, handover, outlook);
  const crash = crashes.at(-1);
  if (crash === undefined) return `starting: ${now}`;
  const { restartTokens } = outlook.policy;
  const left = tokensLeft(crashes.length, outlook.policy);
  const attempt = `attempt ${Math.min(crashes.length, restartTokens)} of ${restartTokens}`;
  const ending = `${crash.launch} ${endingText(crash)}`;
  return `backoff: ${attempt}, ${left} tokens left, ${now}; ${ending}`;
}

function progressOf(state: State, handover: Handover, outlook: Outlook): string {
  const launch = handover.launch && findLaunch(state, handover.launch);
  switch (handover.step) {
    case 'checking':
      return 'the configuration is being checked';
    case 'clearing':
      return 'the old Envoy is taken out of service';
    case 'repairing':
      return 'shared memory is being repaired';
    case 'headroom':
      return handover.modeReason ?? 'memory is too small for one more Envoy';
    case 'delivering':
      return 'new certificates are being loaded';
    case 'backoff':
      return `next start in ${secondsUntil(state, 'retry', outlook) ?? 0} s`;
    case 'starting':
    case 'retiring':
      return launch === undefined
        ? 'Envoy is being started'
        : launchProgress(state, launch, outlook);
  }
}

function launchProgress(state: State, launch: Launch, outlook: Outlook): string {
  const name = `${launch.id} (epoch ${launch.epoch})`;
  return launch.envoyState === undefined
    ? `${name} has not answered yet${deadline(state, `silence:${launch.id}`, outlook)}`
    : `${name} is ${launch.envoyState}${deadline(state, `initialize:${launch.id}`, outlook)}`;
}

function stoppingReason(state: State, outlook: Outlook): string {
  if (state.stop === undefined) return 'draining';
  const { reason, step }: Stop = state.stop;
  if (step === 'terminating') return `stopping: waiting for Envoy to end (${reason})`;
  const leftSeconds = secondsUntil(state, 'drainMax', outlook);
  const atMost = leftSeconds === undefined ? '' : `, ${leftSeconds} s left at most`;
  return `draining: ${connectionsNow(state)}${atMost} (${reason})`;
}

function connectionsNow(state: State): string {
  const count = connectionsOf(state);
  return count === undefined ? 'connections not counted yet' : connectionsText(count);
}

function deadline(state: State, timer: TimerName, outlook: Outlook): string {
  const seconds = secondsUntil(state, timer, outlook);
  return seconds === undefined ? '' : ` (given up in ${seconds} s)`;
}

function secondsUntil(state: State, timer: TimerName, { moment }: Outlook): number | undefined {
  const atMs = state.timers.get(timer);
  return atMs === undefined ? undefined : secondsOf(atMs - moment.atMs);
}

/** A reason may quote a path or an error of someone else's making. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').slice(0, LONGEST_REASON);
}
