/** What someone who has asked for a restart waits for, in words, and until when at the latest. */
import { reasonOf } from './attempts.ts';
import type { RequestId, TimerName } from './model.ts';
import { secondsOf } from './seconds.ts';
import type { Handover, State } from './state.ts';
import { findLaunch } from './turn.ts';

/** What is told of it: a line of the answer to `/restart?progress=true`. */
export interface RestartNote {
  readonly note: string;
  /** At most so much longer; absent where nobody knows. */
  readonly leftSeconds?: number | undefined;
}

/** It changes when something else is waited for, not as time goes by. */
export interface RestartProgress {
  readonly doing: string;
  /** Monotonic milliseconds; absent where it takes as long as it takes. */
  readonly untilMs?: number;
}

/** As it is told at this moment. */
export function restartNote({ doing, untilMs }: RestartProgress, atMs: number): RestartNote {
  return {
    note: doing,
    leftSeconds: untilMs === undefined ? undefined : secondsOf(untilMs - atMs),
  };
}

/** Undefined once it is answered, or when it never was asked for. */
export function restartProgress(state: State, request: RequestId): RestartProgress | undefined {
  const { handover, pending, proving } = state;
  if (handover?.requests.includes(request)) return ownProgress(state, handover);
  if (pending.some(({ id }) => id === request)) return turnToCome(state);
  if (!proving?.requests.includes(request)) return undefined;
  return { doing: `${proving.launch} is LIVE; whether it has loaded its certificates is asked` };
}

/** Parts of which a restart takes the last good state, and why: a line each. */
export function heldNotes({ held }: Pick<State, 'held'>): readonly RestartNote[] {
  return [...held].map(([part, problems]) => ({
    note: `the last good ${part} is taken, for that on disk is no good: ${problems.join(' ')}`,
  }));
}

/** One handover at a time, and it is not over before the old Envoy is gone. */
function turnToCome(state: State): RestartProgress {
  const { handover, launches } = state;
  const leaving = launches.filter(({ stage }) => stage === 'retiring' || stage === 'stopping');
  const ends =
    leaving.length === 0
      ? ''
      : `: ${leaving.map(({ id, stage }) => `${id} is ${stage}`).join(', ')}`;
  const timers = leaving.flatMap(({ id }) => [`retire:${id}`, `kill:${id}`] as const);
  const doing =
    handover === undefined
      ? `what was before has to end first${ends}`
      : `${handover.id} (because of ${handover.triggers.join(', ')}) is ${handover.step} and has to end first${ends}`;
  return { doing, ...untilLast(state, timers) };
}

function ownProgress(state: State, handover: Handover): RestartProgress {
  const { id, step, launch, attempts, modeReason } = handover;
  const failed = attempts.at(-1);
  const because = failed === undefined ? '' : `, for ${reasonOf(failed)}`;
  switch (step) {
    case 'checking':
      return { doing: `${id} checks what is to be started` };
    case 'clearing':
      return { doing: `${id} takes the old Envoy out of service first`, ...untilGone(state) };
    case 'starting':
      return {
        doing: `${id} starts ${startingText(state, handover)}`,
        ...untilLive(state, launch),
      };
    case 'repairing':
      return { doing: `${id} repairs what a failed start has left${because}` };
    case 'backoff':
      return {
        doing: `${id} waits before it tries again${because}`,
        ...untilLast(state, ['retry']),
      };
    case 'headroom':
      return {
        doing: `${id} waits for room: ${modeReason ?? 'one more Envoy does not fit'}; looks again`,
        ...untilLast(state, ['headroom']),
      };
    case 'delivering':
    case 'retiring':
      return { doing: `${id} is ${step}` };
  }
}

function startingText(state: State, { launch, mode, modeReason }: Handover): string {
  const started = launch === undefined ? undefined : findLaunch(state, launch);
  const reason = modeReason === undefined ? '' : ` because ${modeReason}`;
  const says = started?.envoyState === undefined ? '' : `, which is ${started.envoyState}`;
  return `${launch ?? 'Envoy'} (mode ${mode ?? 'not known yet'}${reason})${says}`;
}

function untilLive(state: State, launch: Handover['launch']) {
  if (launch === undefined) return {};
  const hasAnswered = findLaunch(state, launch)?.envoyState !== undefined;
  return untilLast(state, [hasAnswered ? `initialize:${launch}` : `silence:${launch}`]);
}

function untilGone(state: State) {
  return untilLast(
    state,
    state.launches.flatMap(({ id }) => [`retire:${id}`, `kill:${id}`] as const),
  );
}

function untilLast({ timers }: State, names: readonly TimerName[]): { readonly untilMs?: number } {
  const times = names.flatMap((name) => timers.get(name) ?? []);
  return times.length === 0 ? {} : { untilMs: Math.max(...times) };
}
