/** When an Envoy may be launched, and as what. */
import type { Effect } from '../../src/core/events.ts';
import { sameDesired } from '../../src/core/model.ts';
import type { Launch } from '../../src/core/state.ts';
import { must } from './broken-rule.ts';
import type { SimulatedWorld, Transition } from './simulated-world.ts';

type Launched = Effect & { readonly type: 'launchEnvoy' };

/** @throws BrokenRule */
export function checkLaunch(effect: Launched, transition: Transition, world: SimulatedWorld): void {
  checkMoment(transition, world);
  checkNames(effect, transition, world);
  checkMode(effect, transition);
  checkMemory(transition, world);
  checkNeed(effect, transition);
}

const CHANGES: readonly string[] = ['certificates', 'bootstrap', 'binary'];

/** What serves well is not replaced by itself because something had changed for a moment. */
function checkNeed({ target }: Launched, { before, after }: Transition): void {
  const { handover, committed, launches } = after;
  const isOfChanges = handover?.triggers.every((trigger) => CHANGES.includes(trigger)) ?? false;
  const serves = before.launches.some(({ stage }) => stage === 'live');
  const isFailing = launches.some(({ isHung, isDoomed }) => isHung || isDoomed);
  const isNeeded = !isOfChanges || !serves || isFailing || handover?.aim !== 'change';
  must(
    'a change that was taken back launches nothing',
    isNeeded || !sameDesired(target, committed),
  );
}

function checkMoment({ before, after, event }: Transition, { policy }: SimulatedWorld): void {
  must('nothing is launched while stopping', after.stop === undefined);
  must('nothing is launched during a delay', !after.timers.has('retry'));
  must(
    'only whole checks or an end lead to a launch',
    ['checksPassed', 'launchExited', 'timerFired'].includes(event.type),
  );
  must('nothing is launched beside one that starts', !before.launches.some(isStarting));
  const well = after.launches.filter((one) => !(one.isKilled || one.isHung || one.isDoomed));
  const isServed = after.launches.some(({ stage }) => stage === 'live');
  must(
    'there are two at most but for a standby, a hung one, one that is killed, and where none serves',
    well.length <= (policy.standby || !isServed ? 3 : 2),
  );
  const isCleared = before.handover?.step === 'clearing';
  const isRestart = after.handover?.aim === 'restore' && after.phase !== 'running' && !isCleared;
  must('tokens are not overspent', !isRestart || after.crashes.length <= policy.restartTokens);
}

function checkNames(effect: Launched, { after }: Transition, world: SimulatedWorld): void {
  const relatives = after.launches.filter(
    ({ lineage, id }) => lineage === effect.lineage && id !== effect.launch,
  );
  const highest = Math.max(-1, ...relatives.map(({ epoch }) => epoch));
  must('an epoch is the highest living one of its lineage + 1', effect.epoch === highest + 1);
  must(
    'launch ids never repeat',
    world.envoys.every(({ id }) => id !== effect.launch),
  );
  const parent = relatives.find(({ epoch }) => epoch === highest);
  if (parent === undefined) {
    const isNew = world.envoys.every(({ lineage }) => lineage !== effect.lineage);
    must('a lineage of which nobody lives is not used again', isNew);
    return;
  }
  must('nothing is launched into a poisoned lineage', !world.initializing.has(effect.lineage));
  must('a parent was LIVE and is not told to go', /live|retiring/.test(parent.stage));
  must('a parent is known to answer', !parent.isHung && !parent.isDoomed);
  must('a parent has no parent of its own any more', relatives.length === 1);
}

function checkMode(effect: Launched, { after, event }: Transition): void {
  const others = after.launches.filter(({ id }) => id !== effect.launch);
  const mode = after.handover?.mode;
  if (mode === 'cold') must('cold means alone', others.length === 0);
  const isChild = others.some(({ lineage }) => lineage === effect.lineage);
  must('hot means a child, and only hot', isChild === (mode === 'hot'));
  if (event.type !== 'checksPassed') return;
  const isBeside = !isChild && others.some(({ stage }) => stage === 'live');
  const isShareable = event.unshareableListeners === undefined;
  must('no Envoy stands beside another when listeners cannot be shared', isShareable || !isBeside);
  const isFree = event.speaksSameVersion && event.obstacleToHot === undefined;
  must('nothing is hot over an obstacle', isFree || !isChild);
}

/** What keeps traffic waiting is worth the risk. */
function checkMemory({ after, event }: Transition, { policy }: SimulatedWorld): void {
  if (event.type !== 'checksPassed' || event.memoryShortage === undefined) return;
  const isUrgent = after.handover?.aim === 'restore' || after.phase !== 'running';
  if (isUrgent || policy.memory === 'warn') return;
  must('there are no two where memory is too small for them', after.launches.length === 1);
}

function isStarting({ stage }: Launch): boolean {
  return stage === 'starting';
}
