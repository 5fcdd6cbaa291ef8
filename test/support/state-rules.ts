/** What must be true of every state, and of the deadlines in it. */

import type { Policy } from '../../src/core/model.ts';
import type { Launch, State } from '../../src/core/state.ts';
import { PENDING_REPLY_MS } from '../../src/core/tries.ts';
import { must } from './broken-rule.ts';
import type { Transition } from './simulated-world.ts';

/** @throws BrokenRule */
export function checkState(transition: Transition, policy: Policy): void {
  const { after } = transition;
  checkLaunches(after, policy);
  checkHandover(after);
  checkRetiring(transition);
  checkPhase(transition);
  checkDrained(after);
  checkTimers(after);
  checkDelay(transition, policy);
}

function checkLaunches({ launches, generation }: State, policy: Policy): void {
  must('at most three Envoys live', count(launches, ({ isKilled }) => !isKilled) <= 3);
  must('one serves, or two with a standby', count(launches, isServing) <= (policy.standby ? 2 : 1));
  must('one starts at a time', count(launches, isStarting) <= 1);
  for (const launch of launches) {
    must(
      'who serves has a lineage of its own',
      !isServing(launch) ||
        count(launches, (other) => isServing(other) && other.lineage === launch.lineage) === 1,
    );
    const isAhead = launch.liveAtMs === undefined ? 1 : 0;
    must('no launch is ahead of its time', launch.generation <= generation + isAhead);
    must('what hangs was silent', !launch.isHung || launch.silentMs !== undefined);
  }
}

function checkHandover({ launches, handover, stop, pending }: State): void {
  const starting = launches.find(isStarting);
  if (stop === undefined) {
    const awaited = handover?.step === 'starting' ? handover.launch : undefined;
    must("what starts is the handover's launch", starting?.id === awaited);
    return;
  }
  must('a stop ends the handover', handover === undefined);
  must('a stop leaves nothing starting', starting === undefined);
  must('a stop refuses what was asked for', pending.length === 0);
}

function checkRetiring({ before, after }: Transition): void {
  const isOver = before.handover?.step === 'retiring' && after.handover === undefined;
  const isGivenUp = after.standbyGivenUp === after.generation;
  if (!isOver || isGivenUp || after.stop !== undefined) return;
  must(
    'who retires belongs to a handover',
    after.launches.every(({ stage }) => stage === 'live'),
  );
}

function checkDrained({ drained, stop, launches, handover, pending }: State): void {
  if (drained === undefined || stop !== undefined) return;
  const isReturning = drained.returning !== undefined;
  must(
    'out of rotation every client is told to go',
    isReturning ||
      launches.every(({ stage, drainedAtMs }) => stage !== 'live' || drainedAtMs !== undefined),
  );
  const isOnItsWay = handover !== undefined || pending.length > 0;
  must('something leads back for whoever asked for it', !isReturning || isOnItsWay);
}

function checkPhase({ before, after, effects }: Transition): void {
  if (before.phase === 'stopped') {
    must('after the exit nothing comes of anything', after === before && effects.length === 0);
    return;
  }
  const hasExited = effects.some(({ type }) => type === 'exitAgent');
  const phase = hasExited ? 'stopped' : phaseOf(after);
  must('the phase tells the truth', after.phase === phase);
}

function phaseOf({ launches, committed, crashes, stop }: State): State['phase'] {
  if (stop !== undefined) return 'draining';
  if (launches.some(({ stage }) => stage === 'live')) return 'running';
  return committed !== undefined || crashes.length > 0 ? 'backoff' : 'waiting';
}

/** A timer belongs to something that is there and still waits for it. */
function checkTimers(state: State): void {
  const { timers, launches, handover } = state;
  for (const timer of timers.keys()) {
    const [name = '', id] = timer.split(':');
    if (id === undefined) must(`${name} is waited for`, WAITS[name]?.(state) ?? false);
    else
      must(
        `${name} has its launch`,
        isWaitedFor(
          name,
          launches.find((one) => one.id === id),
        ),
      );
  }
  must('backoff has its timer', (handover?.step === 'backoff') === timers.has('retry'));
  must('headroom has its timer', (handover?.step === 'headroom') === timers.has('headroom'));
}

function isWaitedFor(name: string, launch: Launch | undefined): boolean {
  if (launch === undefined) return false;
  if (name === 'replace') {
    return launch.isHung === true || launch.isDoomed === true || launch.drainedAtMs !== undefined;
  }
  return (
    name === 'kill' ||
    launch.stage === (name === 'retire' ? 'retiring' : 'starting') ||
    launch.isKilled === true ||
    launch.stage === 'stopping'
  );
}

const WAITS: Readonly<Record<string, (state: State) => boolean>> = {
  retry: ({ handover }) => handover?.step === 'backoff',
  headroom: ({ handover }) => handover?.step === 'headroom',
  reconsider: ({ refused, stop }) => stop === undefined && refused !== undefined,
  reconsiderCertificates: ({ refusedCertificates, stop }) =>
    stop === undefined && refusedCertificates !== undefined,
  standby: ({ standbyGivenUp, stop }) => stop === undefined && standbyGivenUp !== undefined,
  jitter: ({ handover, stop, phase }) => !(handover || stop) && phase === 'running',
  certificateWait: ({ desired, stop }) => !(desired || stop),
  stopDelay: ({ stop }) => stop?.step === 'delay',
  drainMin: ({ stop }) => stop?.step === 'draining',
  drainMax: ({ stop }) => stop?.step === 'draining',
  refill: ({ phase }) => phase === 'running',
};

/** The n-th failure since the last refill waits 200 ms x 2^(n-1); a silent one a little longer. */
function checkDelay({ before, after, atMs }: Transition, policy: Policy): void {
  const dueMs = after.timers.get('retry');
  if (dueMs === undefined || dueMs === before.timers.get('retry')) return;
  const attempts = after.handover?.attempts ?? [];
  const isServed = after.launches.some(({ stage }) => stage === 'live');
  const failures = isServed && attempts.length > 0 ? attempts : after.crashes;
  must('tokens are not overspent on delays', failures.length <= policy.restartTokens);
  const exactMs = policy.restartBackoffMs * 2 ** (Math.max(1, failures.length) - 1);
  const isSilent = failures === attempts && attempts.at(-1)?.wasSilent === true;
  const delayMs = isSilent ? Math.max(exactMs, PENDING_REPLY_MS) : exactMs;
  must('the n-th failure waits its own delay', Math.abs(dueMs - atMs - delayMs) < 1);
}

function isStarting({ stage }: Launch): boolean {
  return stage === 'starting';
}

function isServing(launch: Launch): boolean {
  return launch.stage === 'live' && isWell(launch);
}

function isWell({ isKilled, isHung, isDoomed }: Launch): boolean {
  return !(isKilled || isHung || isDoomed);
}

function count(launches: readonly Launch[], isMeant: (launch: Launch) => boolean): number {
  let counted = 0;
  for (const launch of launches) if (isMeant(launch)) counted += 1;
  return counted;
}
