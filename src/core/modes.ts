/** Which way the serving launch is replaced, and why not another. */
import type { MemoryShortage } from './events.ts';
import type { Mode, Policy } from './model.ts';
import type { Handover, Launch, State } from './state.ts';
import { childOf, findLaunch, newestInheritable, parentOf, servingLaunch } from './turn.ts';

export interface ModeFacts {
  /** Whether the binary speaks the hot restart version of the launch it would inherit from. */
  readonly speaksSameVersion: boolean;
  /** What else stands in the way of inheriting, found outside: names, memory, a switch. */
  readonly obstacleToHot?: string;
  readonly unshareableListeners?: readonly string[];
  readonly memoryShortage?: MemoryShortage;
  readonly policy: Pick<Policy, 'handover' | 'memory' | 'standby'>;
}

/** `waits`: not now, for the reason given. A reason beside a mode says why it is not `hot`. */
export type ModeChoice =
  | { readonly kind: 'go'; readonly mode: Mode; readonly reason?: string }
  | { readonly kind: 'waits'; readonly mode?: never; readonly reason: string }
  | { readonly kind: 'refused'; readonly mode?: never; readonly reason: string };

/** Each of them takes a share of the pod's memory. */
const MOST_ENVOYS = 3;
const CROWDED = `${MOST_ENVOYS} Envoys live already`;
const NO_ROOM = 'memory is too small for one more Envoy';

/**
 * `hot` comes first because it alone never loses a connection that waits in an accept queue
 * (measured on Envoy 1.40). Where it can't be done `auto` goes side by side, and where two processes
 * can't share the listeners cold; only `hot` that was asked for by name is refused.
 */
export function chooseMode(state: State, handover: Handover, facts: ModeFacts): ModeChoice {
  const free = chooseFreely(state, handover, facts);
  const shared = fitListeners(free, handover, facts, state);
  const isServed = servingLaunch(state) !== undefined;
  const fitting = fitCrowd(shared, state);
  return isServed ? fitMemory(fitting, handover, facts) : fitting;
}

/** Where one of two hangs while the other one's parent drains there would be four. */
function fitCrowd(choice: ModeChoice, { launches }: State): ModeChoice {
  const livingCount = launches.filter(({ isKilled }) => !isKilled).length;
  const isCrowded = choice.kind === 'go' && choice.mode !== 'cold' && livingCount >= MOST_ENVOYS;
  return isCrowded ? { kind: 'waits', reason: CROWDED } : choice;
}

/** As if two processes could share every listener, and memory had no limit. */
function chooseFreely(state: State, handover: Handover, facts: ModeFacts): ModeChoice {
  const living = state.launches.filter(isOrWasServing);
  if (living.length === 0) return { kind: 'go', mode: 'cold' };
  const predecessor = predecessorOf(state, handover);
  const obstacle = obstacleToHot(state, predecessor, facts);
  const isBeside = handover.aim === 'standby';
  if (isBeside && predecessor === undefined) return { kind: 'go', mode: 'side-by-side' };
  const asked = handover.askedMode === 'auto' ? facts.policy.handover : handover.askedMode;
  if (asked === 'auto' || isBeside || servingLaunch(state) === undefined) {
    return obstacle === undefined
      ? { kind: 'go', mode: 'hot' }
      : { kind: 'go', mode: 'side-by-side', reason: obstacle };
  }
  if (asked !== 'hot') return { kind: 'go', mode: asked };
  return obstacle === undefined
    ? { kind: 'go', mode: 'hot' }
    : { kind: 'refused', reason: obstacle };
}

/** A second process could not bind them while the first one serves. */
function fitListeners(
  choice: ModeChoice,
  { aim, replaces }: Handover,
  { unshareableListeners: listeners = [] }: ModeFacts,
  { launches }: State,
): ModeChoice {
  const live = launches.filter(({ stage }) => stage === 'live');
  const fits = live.length === 0 || listeners.length === 0;
  if (choice.mode !== 'side-by-side' || fits) return choice;
  const why = `two processes cannot share ${listeners.join(', ')}`;
  // Where another one serves, the end of a failing one is no outage; taking both away would be.
  const isBeside =
    aim === 'standby' || (aim === 'restore' && live.some(({ id }) => id !== replaces));
  if (isBeside) return { kind: 'refused', reason: why };
  const reason = choice.reason === undefined ? why : `${choice.reason}, and ${why}`;
  return { kind: 'go', mode: 'cold', reason };
}

/** What is in trouble is not kept waiting for memory, and one of two is never taken away for it. */
function fitMemory(choice: ModeChoice, { aim, askedMode }: Handover, facts: ModeFacts): ModeChoice {
  const isFine = facts.memoryShortage === undefined || aim === 'restore' || choice.mode === 'cold';
  const { memory, standby, handover } = facts.policy;
  if (isFine || memory === 'warn' || choice.kind !== 'go') return choice;
  if (memory === 'wait' || standby) return { kind: 'waits', reason: NO_ROOM };
  // An outage is for who asked for no mode in particular.
  if (askedMode !== 'auto') return { kind: 'refused', reason: NO_ROOM };
  return handover === 'auto'
    ? { kind: 'go', mode: 'cold', reason: NO_ROOM }
    : { kind: 'waits', reason: NO_ROOM };
}

/**
 * Whom a hot handover inherits from: the launch it was begun to replace, else the newest that was
 * LIVE. A standby that is missing inherits from nobody but a drained one that was left alone.
 */
export function predecessorOf(state: State, handover: Handover): Launch | undefined {
  const replaced = handover.replaces && findLaunch(state, handover.replaces);
  if (replaced && isOrWasServing(replaced)) return replaced;
  if (handover.aim !== 'standby') return newestInheritable(state);
  return state.launches.findLast(
    (launch) => launch.stage === 'retiring' && childOf(state, launch) === undefined,
  );
}

function isOrWasServing({ stage }: Launch): boolean {
  return stage === 'live' || stage === 'retiring';
}

/** What keeps a launch from being inherited from; undefined when nothing does. */
export function obstacleToHot(
  state: State,
  predecessor: Launch | undefined,
  facts: ModeFacts,
): string | undefined {
  if (predecessor === undefined) return 'no Envoy is running';
  if (predecessor.isDoomed) return 'its parent died under it, so it will abort';
  if (predecessor.isHung || predecessor.isKilled) return 'it does not answer any more';
  if (childOf(state, predecessor) !== undefined) return 'its child has not ended yet';
  // A third of them makes the second one cut the first one's drain short.
  if (parentOf(state, predecessor) !== undefined) return 'its parent has not ended yet';
  const unsoundness = state.unsound.get(predecessor.lineage);
  if (unsoundness === 'poisoned') return 'its lineage has not been repaired';
  if (unsoundness === 'beyondRepair') return 'its lineage could not be repaired';
  if (facts.obstacleToHot !== undefined) return facts.obstacleToHot;
  if (!facts.speaksSameVersion) return 'the new binary speaks another hot restart version';
  return undefined;
}
