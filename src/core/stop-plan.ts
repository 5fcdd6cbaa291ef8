/** What happens between SIGTERM and the end: a plan that is shown long before it is needed. */
import { EXIT, type Policy } from './model.ts';
import { KILL_AFTER_MS, UNREAPED_AFTER_MS } from './retiring.ts';
import { secondsOf } from './seconds.ts';
import type { State, Stop } from './state.ts';
import { newestInheritable } from './turn.ts';

/** From the end of the drain to the agent's own end, in milliseconds: SIGTERM, SIGKILL, exit. */
export const END_ALLOWANCE_MS = KILL_AFTER_MS + UNREAPED_AFTER_MS;

/**
 * `delay`: nothing changes yet. `drain`: clients are told to go. `empty`: over as soon as no
 * connection is left. `terminate`: Envoy was sent SIGTERM. `kill`: it was sent SIGKILL.
 */
export interface StopStep {
  readonly name: 'delay' | 'drain' | 'empty' | 'terminate' | 'kill';
  /** Milliseconds since SIGTERM; the latest possible ones. */
  readonly fromMs: number;
  readonly toMs: number;
}

export type StopTimes = Pick<
  Policy,
  'terminationDelayMs' | 'terminationDrainMinMs' | 'terminationDrainMaxMs'
>;

/**
 * The times of a stop that begins at this moment. One that is out of rotation already has told its
 * clients to go: it leaves with its last connection, and MAX counts from when the last of them were
 * told: those of a launch that went LIVE out of rotation were told then.
 */
export function stopTimesAt(
  { drained, launches }: Pick<State, 'drained' | 'launches'>,
  policy: StopTimes,
  atMs: number,
): StopTimes {
  if (drained === undefined) return policy;
  const toldAtMs = launches.map(({ drainedAtMs = 0 }) => drainedAtMs);
  const leftMs = Math.max(drained.sinceMs, ...toldAtMs) + policy.terminationDrainMaxMs - atMs;
  return {
    terminationDelayMs: 0,
    terminationDrainMinMs: 0,
    terminationDrainMaxMs: Math.max(0, leftMs),
  };
}

/** The steps in order, without the empty ones; the last one ends when the agent is gone. */
export function stopPlan(policy: StopTimes): readonly StopStep[] {
  const drainFromMs = policy.terminationDelayMs;
  const minMs = drainFromMs + policy.terminationDrainMinMs;
  const maxMs = Math.max(minMs, drainFromMs + policy.terminationDrainMaxMs);
  const killMs = maxMs + KILL_AFTER_MS;
  const steps: readonly StopStep[] = [
    { name: 'delay', fromMs: 0, toMs: drainFromMs },
    { name: 'drain', fromMs: drainFromMs, toMs: minMs },
    { name: 'empty', fromMs: minMs, toMs: maxMs },
    { name: 'terminate', fromMs: maxMs, toMs: killMs },
    { name: 'kill', fromMs: killMs, toMs: maxMs + END_ALLOWANCE_MS },
  ];
  return steps.filter((step) => step.toMs > step.fromMs);
}

/** How long a stop takes at most, in milliseconds: what has to fit in the grace period. */
export function longestStopMs(policy: StopTimes): number {
  return (
    policy.terminationDelayMs +
    Math.max(policy.terminationDrainMinMs, policy.terminationDrainMaxMs) +
    END_ALLOWANCE_MS
  );
}

/**
 * The plan as lines for people, each beginning with its seconds.
 *
 * @param isDrained - whether the clients have been told to go before
 */
export function describeStopPlan(times: StopTimes, isDrained = false): readonly string[] {
  const steps = stopPlan(times);
  const end = `${secondsOf(longestStopMs(times))} s gone, whatever happened`;
  const isTold = isDrained || steps.some(({ name }) => name === 'drain');
  return [...steps.map((step) => describeStep(step, isTold)), end];
}

/** What one more SIGTERM would do in this state, as lines for people. */
export function describeNextSigterm(state: State, policy: Policy, atMs: number): readonly string[] {
  if (state.phase === 'stopped') return ['nothing: everything has stopped'];
  if (state.stop !== undefined) return [describeNextAsk(state.stop)];
  if (newestInheritable(state) === undefined) {
    return ['stops at once: no Envoy serves or drains, so there is nothing to wait for'];
  }
  return describeStopPlan(stopTimesAt(state, policy, atMs), state.drained !== undefined);
}

/** The second ask skips the wait, the third one kills. */
function describeNextAsk(stop: Stop): string {
  if (stop.askedCount >= 2) return `kills Envoy, exit code ${EXIT.cutShort}`;
  return stop.step === 'terminating'
    ? 'nothing yet, the one after it kills Envoy'
    : 'skips what is left of the wait: SIGTERM to Envoy at once';
}

/** Without a shortest time the drain begins with the wait for the last connection. */
function describeStep({ name, fromMs, toMs }: StopStep, isTold: boolean): string {
  switch (name) {
    case 'delay':
      return `${secondsOf(fromMs)} s nothing changes yet, until ${secondsOf(toMs)} s`;
    case 'drain':
      return `${secondsOf(fromMs)} s readiness off, clients are told to go, until ${secondsOf(toMs)} s`;
    case 'empty':
      return `${secondsOf(fromMs)} s ${isTold ? '' : 'readiness off, clients are told to go, '}on as soon as no connection is left, ${secondsOf(toMs)} s at the latest`;
    case 'terminate':
      return `${secondsOf(fromMs)} s SIGTERM to Envoy, newest first`;
    case 'kill':
      return `${secondsOf(fromMs)} s SIGKILL to what is left`;
  }
}
