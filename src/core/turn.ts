/** One event being taken: the state so far, the effects so far, and the words to change both. */
import type { Effect } from './events.ts';
import type { LaunchId, LineageId, Moment, Policy, TimerName } from './model.ts';
import { epochOf } from './model.ts';
import type { Handover, Launch, State, Unsoundness } from './state.ts';

export interface Turn extends Moment {
  readonly state: State;
  readonly effects: readonly Effect[];
  readonly policy: Policy;
}

type Patch<Of> = { readonly [Key in keyof Of]?: Of[Key] | undefined };

/** A copy with the patch's members in place; an undefined member is taken away. */
function patched<Of extends object>(value: Of, patch: Patch<Of>): Of {
  const entries = Object.entries({ ...value, ...patch }).filter(
    ([, member]) => member !== undefined,
  );
  return Object.fromEntries(entries) as Of;
}

export function setState(turn: Turn, patch: Patch<State>): Turn {
  return { ...turn, state: patched(turn.state, patch) };
}

export function setHandover(turn: Turn, handover: Handover): Turn {
  return setState(turn, { handover });
}

export function emit(turn: Turn, ...effects: readonly Effect[]): Turn {
  return { ...turn, effects: [...turn.effects, ...effects] };
}

/** Arms a deadline, or moves it when it is armed already. */
export function arm(turn: Turn, name: TimerName, afterMs: number): Turn {
  const timers = new Map(turn.state.timers).set(name, turn.atMs + afterMs);
  return setState(turn, { timers });
}

export function disarm(turn: Turn, ...names: readonly TimerName[]): Turn {
  if (!names.some((name) => turn.state.timers.has(name))) return turn;
  const timers = new Map(turn.state.timers);
  for (const name of names) timers.delete(name);
  return setState(turn, { timers });
}

const LAUNCH_WAITS = ['silence', 'initialize', 'retire', 'replace', 'kill'] as const;

export function timersOf(launch: LaunchId): readonly TimerName[] {
  return LAUNCH_WAITS.map((wait) => `${wait}:${launch}` as const);
}

export function findLaunch(state: State, id: LaunchId): Launch | undefined {
  return state.launches.find((launch) => launch.id === id);
}

export function patchLaunch(turn: Turn, id: LaunchId, patch: Patch<Launch>): Turn {
  const launches = turn.state.launches.map((launch) =>
    launch.id === id ? patched(launch, patch) : launch,
  );
  return setState(turn, { launches });
}

/** The launch is gone: nothing may wait for it any more. */
export function dropLaunch(turn: Turn, id: LaunchId): Turn {
  const launches = turn.state.launches.filter((launch) => launch.id !== id);
  const living = new Set(launches.map(({ lineage }) => lineage));
  const unsound = new Map([...turn.state.unsound].filter(([lineage]) => living.has(lineage)));
  const without = disarm(setState(turn, { launches, unsound }), ...timersOf(id));
  return emit(without, { type: 'forgetLaunch', launch: id });
}

/** The newest launch that is live; with a standby the other one accepts connections too. */
export function servingLaunch(state: State): Launch | undefined {
  return state.launches.findLast((launch) => launch.stage === 'live');
}

/** It hangs, or lost its parent: it will not serve for long. */
export function isFailing({ isHung, isDoomed }: Launch): boolean {
  return isHung === true || isDoomed === true;
}

/**
 * Whether the agent is in rotation with nobody but launches that told their clients to go, this the
 * newest of them: of two, one came back into rotation and died before the other was replaced.
 */
function isLastDismissed(state: State, launch: Launch): boolean {
  const live = state.launches.filter(({ stage }) => stage === 'live');
  const isDismissed = live.every(({ drainedAtMs }) => drainedAtMs !== undefined);
  return state.drained === undefined && isDismissed && live.at(-1)?.id === launch.id;
}

/** Whether another one has to take its place: it will not serve for long, or nobody new. */
export function needsRescue(state: State, launch: Launch): boolean {
  return isFailing(launch) || isLastDismissed(state, launch);
}

/** One that is live and needs a rescue. */
export function failingLaunch(state: State): Launch | undefined {
  return state.launches.find((launch) => {
    return launch.stage === 'live' && needsRescue(state, launch) && launch.isKilled !== true;
  });
}

/** The launch a new one would inherit from by Envoy's own protocol: the newest that was LIVE. */
export function newestInheritable(state: State): Launch | undefined {
  return state.launches.findLast(({ stage }) => stage === 'live' || stage === 'retiring');
}

export function setSoundness(turn: Turn, lineage: LineageId, unsoundness?: Unsoundness): Turn {
  const unsound = new Map(turn.state.unsound);
  if (unsoundness === undefined) unsound.delete(lineage);
  else unsound.set(lineage, unsoundness);
  return setState(turn, { unsound });
}

/** The number Envoy must be given next: highest living one + 1, so a failure leaves no hole. */
export function nextEpoch(state: State, lineage: LineageId) {
  const living = state.launches.filter((launch) => launch.lineage === lineage);
  return epochOf(Math.max(-1, ...living.map((launch) => launch.epoch)) + 1);
}

/** The launch that took over from this one by Envoy's own protocol, while it lives. */
export function childOf(state: State, parent: Launch): Launch | undefined {
  return state.launches.find(
    (launch) => launch.lineage === parent.lineage && launch.epoch > parent.epoch,
  );
}

/** The launch this one inherits from by Envoy's own protocol, while it lives. */
export function parentOf(state: State, child: Launch): Launch | undefined {
  return state.launches.findLast(
    (launch) => launch.lineage === child.lineage && launch.epoch < child.epoch,
  );
}
