/** What may be done to an Envoy that serves: next to nothing, until its successor is LIVE. */
import type { Effect } from '../../src/core/events.ts';
import type { LaunchId } from '../../src/core/model.ts';
import type { Launch, State } from '../../src/core/state.ts';
import { needsRescue } from '../../src/core/turn.ts';
import { must } from './broken-rule.ts';
import { isStuck } from './simulated-envoy.ts';
import type { SimulatedWorld, Transition } from './simulated-world.ts';

/**
 * A handover takes nothing out of service before there is something in its place.
 *
 * @throws BrokenRule
 */
export function checkService(transition: Transition, world: SimulatedWorld): void {
  const { before, event, after } = transition;
  if (before.launches === after.launches || after.stop !== undefined) return;
  // A rescue is no reason to take what is well out of service, not even a cold one.
  const isMeant = isCold(transition) && !isRescue(transition);
  if (isMeant || event.type === 'launchExited') return;
  // The kernel kept it past SIGKILL: it is out of the agent's hands.
  if (event.type === 'timerFired' && event.timer.startsWith('kill:')) return;
  const [was, is] = [before, after].map((state) => countServing(state, world));
  must('as many serve after an event as before, unless one ended', (is ?? 0) >= (was ?? 0));
}

/** Without the one that is left in rotation though it has told its clients to go: it takes no more. */
function countServing(state: State, { envoys }: SimulatedWorld): number {
  const serving = state.launches.filter((launch) => {
    const isDismissed = launch.drainedAtMs !== undefined && needsRescue(state, launch);
    return launch.stage === 'live' && !launch.isDoomed && !isDismissed;
  });
  return serving.filter(({ id }) =>
    envoys.some((one) => one.id === id && !isStuck(one) && !one.isDrained),
  ).length;
}

/** @throws BrokenRule */
export function checkSignal(
  effect: Effect & { readonly type: 'signalLaunch' },
  transition: Transition,
  world: SimulatedWorld,
): void {
  const { before, after } = transition;
  const known = before.launches.find(({ id }) => id === effect.launch);
  if (known === undefined) throw new Error('A launch that is not known was signalled.');
  must('nothing is sent after SIGKILL', known.isKilled !== true);
  const isSigterm = effect.signal === 'SIGTERM';
  must('only what was LIVE is told to go', !isSigterm || /live|retiring/.test(known.stage));
  if (isThirdAsk(transition)) return;
  const child = childIn(before, known);
  if (child !== undefined && after.launches.some(({ id }) => id === child.id)) {
    must('a parent is not told to go while its child lives', !isSigterm);
    must('a parent is killed only when it is stuck or overdue', isOverdue(transition));
  }
  checkKept(known, transition, world);
}

/** But for a stop and a cold handover. */
function checkKept(known: Launch, transition: Transition, world: SimulatedWorld): void {
  const { after } = transition;
  const isKept = known.stage === 'live' && after.stop === undefined && !isCold(transition);
  if (!isKept) return;
  must('what serves well is not signalled', !isServing(known.id, world));
  must(
    'what hangs is not killed before another serves',
    after.launches.some(({ id, stage }) => id !== known.id && stage === 'live'),
  );
}

function isServing(launch: LaunchId, { envoys }: SimulatedWorld): boolean {
  const envoy = envoys.find(({ id }) => id === launch);
  return envoy?.condition === 'live' && !isStuck(envoy);
}

function isCold({ before, after }: Transition): boolean {
  return before.handover?.mode === 'cold' || after.handover?.mode === 'cold';
}

function isRescue({ before, after }: Transition): boolean {
  return (after.handover ?? before.handover)?.aim === 'restore';
}

function isOverdue({ event }: Transition): boolean {
  if (event.type === 'launchSilent') return true;
  return event.type === 'timerFired' && /^(retire|kill):/.test(event.timer);
}

function isThirdAsk({ event, after }: Transition): boolean {
  return event.type === 'stopRequested' && (after.stop?.askedCount ?? 0) >= 3;
}

function childIn({ launches }: State, parent: Launch): Launch | undefined {
  return launches.find(
    ({ lineage, epoch, isKilled }) =>
      lineage === parent.lineage && epoch > parent.epoch && !isKilled,
  );
}
