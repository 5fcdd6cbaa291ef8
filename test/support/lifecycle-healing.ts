/** From wherever a simulated world is, on to where nothing goes wrong any more. */

import { changesOf } from '../../src/core/changes.ts';
import { type LaunchId, sameDesired } from '../../src/core/model.ts';
import { isReady } from '../../src/core/readiness.ts';
import { must } from './broken-rule.ts';
import { succeed } from './lifecycle-commands.ts';
import type { RunOfPlan } from './lifecycle-plans.ts';
import { isCounted, isLiving, isStuck, type SimulatedEnvoy } from './simulated-envoy.ts';
import type { SimulatedWorld } from './simulated-world.ts';

const ROUND_MS = 5_000;
/** Ten minutes: the longest delay, deadline and second thought of the plans, one after the other. */
const MOST_ROUNDS = 120;

/**
 * Nothing goes wrong any more: checks pass, repairs succeed, Envoys become LIVE and empty. Those
 * that hang go on hanging where there is a deadline for that.
 */
export function letItHeal(world: SimulatedWorld): void {
  if (world.policy.hangDeadlineMs === 0) wakeAll(world);
  for (let round = 0; round < MOST_ROUNDS && !isSettled(world); round += 1) {
    healOn(world);
  }
}

function healOn(world: SimulatedWorld): void {
  succeed(world);
  for (const { id } of world.envoys.filter(isCounted)) {
    world.take({ type: 'connectionsCounted', launch: id, count: 0 });
  }
  world.pass(ROUND_MS);
}

function wakeAll(world: SimulatedWorld): void {
  for (const envoy of world.envoys) if (envoy.isFrozen) world.wake(envoy);
}

/** Nothing is left to come of what was: no deadline but the refill, no Envoy that hangs. */
function isSettled(world: SimulatedWorld): boolean {
  const { phase, handover, timers, launches, pending, proving } = world.state();
  if (phase === 'stopped') return true;
  if (proving !== undefined) return false;
  const isWaiting = [...timers.keys()].some((timer) => timer !== 'refill');
  const isBusy = handover !== undefined || isWaiting || pending.length > 0;
  if (phase !== 'running' || isBusy || world.isRepairing()) return false;
  const known = world.envoys.filter(({ id }) => launches.some((launch) => launch.id === id));
  return known.every((envoy) => isLiving(envoy) && !isStuck(envoy));
}

/**
 * As many serve as should, in the content that was committed last; nothing is going on and nobody
 * waits for an answer.
 *
 * @throws BrokenRule
 */
export function mustBeQuiet({ world, rules }: RunOfPlan): void {
  const { launches, handover, phase, pending, desired, refused, drained } = world.state();
  if (desired === undefined || phase === 'stopped') return;
  must('it serves again', phase === 'running');
  mustServe(world);
  for (const { id, stage, isHung, silentMs } of launches) {
    must('who is left serves', stage === 'live');
    must('who is left accepts connections', !world.envoys.some(isDrainedOf(id)));
    must('what hangs is gone', !isHung && silentMs === undefined);
  }
  must('in rotation it is ready', drained !== undefined || isReady(world.state()));
  must('no handover is going on', handover === undefined);
  must('nobody waits for a handover', pending.length === 0);
  mustHaveTriedCertificates(world);
  mustServeCommitted(world);
  must('what could not be tried was tried again', refused === undefined || rules.isBlamed());
  must('nothing is left to change', changesOf(world.state(), world.policy).length === 0);
  must('everybody was answered', rules.unanswered().length === 0);
}

/** A bootstrap that was given up keeps no certificates from being served. */
function mustHaveTriedCertificates(world: SimulatedWorld): void {
  const { desired, committed, refused, refusedCertificates } = world.state();
  if (desired === undefined || committed === undefined || !sameDesired(desired, refused?.what))
    return;
  const isOne = [committed.certificates, refusedCertificates?.what].includes(desired.certificates);
  must('new certificates were tried alone', isOne || desired.bootstrap === committed.bootstrap);
}

/** A commit in place is the truth about each of those that serve. */
function mustServeCommitted({ state, envoys }: SimulatedWorld): void {
  const { launches, committed, standbyGivenUp } = state();
  if (standbyGivenUp !== undefined) return;
  for (const { id, target } of launches) {
    const envoy = envoys.find((one) => one.id === id);
    must(
      'what is known of a launch is what it has loaded',
      envoy?.certificates === target.certificates,
    );
    must(
      'what serves has loaded what was committed',
      envoy?.certificates === committed?.certificates,
    );
  }
}

function isDrainedOf(launch: LaunchId) {
  return ({ id, isDrained }: SimulatedEnvoy) => id === launch && isDrained;
}

function mustServe(world: SimulatedWorld): void {
  const { launches, generation, standbyGivenUp } = world.state();
  if (!world.policy.standby) {
    must('one serves', launches.length === 1);
    return;
  }
  if (standbyGivenUp === generation) return;
  must('two serve', launches.length === 2);
  must(
    'both serve the last change',
    launches.every((one) => one.generation === generation),
  );
}

/** From the deadline to the end: to be told, to be checked, to become LIVE, to be killed. */
const REPLACED_WITHIN_ROUNDS = 6;

/**
 * One that serves hangs from now on: it is gone within its deadline and the time of a handover.
 *
 * @throws BrokenRule
 */
export function outlivesAHang({ world }: RunOfPlan): void {
  const { launches, crashes, phase } = world.state();
  const { hangDeadlineMs, restartTokens } = world.policy;
  const victim = world.envoys.find(({ id }) => id === launches[0]?.id);
  const mayHang = hangDeadlineMs > 0 && crashes.length < restartTokens;
  if (phase !== 'running' || victim === undefined || !mayHang) return;
  world.freeze(victim);
  const deadlineRounds = Math.ceil(hangDeadlineMs / ROUND_MS);
  for (let round = 0; round < deadlineRounds + REPLACED_WITHIN_ROUNDS; round += 1) healOn(world);
  must(
    'what hangs is gone in time',
    world.state().launches.every(({ id }) => id !== victim.id),
  );
}
