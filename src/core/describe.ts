/** Events and effects as log records: constant messages, values in fields, each told once. */

import { outcomeText } from './attempts.ts';
import type { Level } from './envoy-line.ts';
import type { Effect, Event } from './events.ts';
import { type Desired, EXIT, type LaunchId, type Policy, sameDesired } from './model.ts';
import { tokensLeft } from './restart-tokens.ts';
import { leftOnTime } from './retiring.ts';
import type { Attempt, State } from './state.ts';
import { findLaunch } from './turn.ts';

export interface LogRecord {
  readonly level: Level;
  /** Constant, so that it can be searched for and counted. */
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Told {
  readonly event: Event;
  readonly before: State;
  readonly after: State;
  readonly effects: readonly Effect[];
  readonly atMs: number;
  readonly policy: Policy;
}

/** In the order in which things happened: the event, what it scheduled, what it set off. */
export function describe(told: Told): readonly LogRecord[] {
  const records = [
    describeEvent(told),
    describeBackoff(told),
    ...told.effects.map((effect) => describeEffect(effect, told)),
  ];
  return records.filter((record) => record !== undefined);
}

function describeEvent(told: Told): LogRecord | undefined {
  const { event, before } = told;
  switch (event.type) {
    case 'desiredChanged':
      return describeDesired(before, event.desired);
    case 'desiredMissing':
      return describeMissing(before, event.problems);
    case 'partHeld':
      return describeHeld(event);
    case 'restartRequested':
      return info('handover requested', { trigger: event.trigger, mode: event.mode });
    case 'checksPassed':
      return record('debug', 'checks passed', { handover: event.handover });
    case 'checksFailed':
      return record('error', 'checks failed', {
        handover: event.handover,
        problems: event.problems,
      });
    case 'launchSpawned':
      return info('Envoy started', { ...launchFields(told, event.launch), pid: event.pid });
    case 'launchAnswered':
      return record('debug', 'Envoy answers', {
        ...launchFields(told, event.launch),
        state: event.envoyState,
      });
    case 'launchLive':
      return info('Envoy live', {
        ...launchFields(told, event.launch),
        afterMs: ageMs(told, event.launch),
      });
    case 'launchExited':
      return describeExit(told, event);
    case 'lineageRepaired':
      return describeRepair(event);
    case 'connectionsCounted':
      return record('debug', 'connections counted', {
        launch: event.launch,
        connections: event.count,
      });
    case 'timerFired':
      return record(event.timer.startsWith('silence') ? 'warn' : 'debug', 'deadline reached', {
        timer: event.timer,
      });
    case 'stopRequested':
      return info('stop requested', { how: event.how, reason: event.reason });
  }
}

function describeDesired(before: State, desired: Desired): LogRecord | undefined {
  if (sameDesired(before.desired, desired)) return undefined;
  return info('desired state read', shortened(desired));
}

function describeHeld({ part, problems }: Event & { type: 'partHeld' }): LogRecord {
  if (problems.length === 0) return info('whole again', { part });
  return record('error', 'held at its last good state', { part, problems });
}

function describeMissing(before: State, problems: readonly string[]): LogRecord | undefined {
  const isNews = before.missing.join() !== problems.join();
  return isNews ? record('warn', 'cannot start yet', { problems }) : undefined;
}

function describeRepair(event: Event & { type: 'lineageRepaired' }): LogRecord {
  const { lineage, isSound, reason } = event;
  return record(isSound ? 'info' : 'error', 'lineage judged', { lineage, isSound, reason });
}

/** An exit that was asked for is news; any other is something to look at. */
function describeExit(told: Told, event: Event & { type: 'launchExited' }): LogRecord {
  const launch = findLaunch(told.before, event.launch);
  const wasClean = event.outcome.kind === 'exited' && event.outcome.code === 0;
  const isExpected =
    told.before.stop !== undefined ||
    launch?.stage === 'stopping' ||
    (launch !== undefined && launch.stage === 'retiring' && leftOnTime(told, launch, wasClean));
  const fields = {
    ...launchFields(told, event.launch),
    outcome: outcomeText(event.outcome),
    uptimeMs: ageMs(told, event.launch),
    connectionsLeft: launch?.connections,
    ...(event.cause === undefined || event.cause === 'unknown' ? {} : { cause: event.cause }),
  };
  if (isExpected) return info('Envoy ended', fields);
  return record('error', 'Envoy ended unexpectedly', {
    ...fields,
    lastLines: event.lastLines.slice(-5),
  });
}

function describeBackoff({ before, after, atMs, policy }: Told): LogRecord | undefined {
  const dueAtMs = after.timers.get('retry');
  if (dueAtMs === undefined || dueAtMs === before.timers.get('retry')) return undefined;
  const { handover, crashes } = after;
  const failures = handover?.attempts.length ?? 0;
  // A change that fails behind a serving launch has tries of its own and costs no token.
  const left =
    failures > 0
      ? { attempt: failures, triesLeft: tokensLeft(failures, policy) }
      : { attempt: crashes.length, tokensLeft: tokensLeft(crashes.length, policy) };
  return record('warn', 'next start scheduled', {
    handover: handover?.id,
    delayMs: Math.round(dueAtMs - atMs),
    ...left,
  });
}

function describeEffect(effect: Effect, told: Told): LogRecord | undefined {
  switch (effect.type) {
    case 'checkDesired':
      return record('debug', 'checking', { handover: effect.handover, depth: effect.depth });
    case 'launchEnvoy':
      return record('debug', 'starting Envoy', launchFields(told, effect.launch));
    case 'signalLaunch':
      return info('signal sent', { ...launchFields(told, effect.launch), signal: effect.signal });
    case 'drainLaunch':
      return info('draining', { ...launchFields(told, effect.launch), purpose: effect.purpose });
    case 'repairLineage':
      return info('repairing lineage', { lineage: effect.lineage });
    case 'forgetLaunch':
      return undefined;
    case 'reportHandover':
      return record(effect.end.result === 'committed' ? 'info' : 'error', 'handover ended', {
        ...effect.end,
        handover: effect.end.id,
        id: undefined,
        tookMs: Math.round(effect.end.endedAtMs - effect.end.startedAtMs),
        startedAtMs: undefined,
        endedAtMs: undefined,
      });
    case 'exitAgent':
      return describeLeaving(effect, told);
  }
}

/** Says why at 3 a.m.: when it is a failure, with every attempt that led to it. */
function describeLeaving(effect: Effect & { type: 'exitAgent' }, told: Told): LogRecord {
  const { code, reason } = effect;
  if (code === EXIT.stopped || code === EXIT.cutShort) return info('agent stops', { code, reason });
  const attempts = told.after.crashes.map(describeAttempt);
  return record('fatal', 'agent gives up', { code, reason, attempts });
}

function describeAttempt(attempt: Attempt) {
  return {
    launch: attempt.launch,
    epoch: attempt.epoch,
    outcome: outcomeText(attempt.outcome),
    uptimeMs: Math.round(attempt.uptimeMs),
    lastLines: attempt.lastLines.slice(-3),
  };
}

function launchFields({ before, after }: Told, id: LaunchId) {
  const launch = findLaunch(after, id) ?? findLaunch(before, id);
  return { launch: id, epoch: launch?.epoch, lineage: launch?.lineage };
}

function ageMs({ before, atMs }: Told, id: LaunchId): number | undefined {
  const launch = findLaunch(before, id);
  return launch === undefined ? undefined : Math.round(atMs - launch.startedAtMs);
}

function shortened(desired: Desired) {
  return {
    certificates: desired.certificates?.slice(0, 8),
    bootstrap: desired.bootstrap.slice(0, 8),
    binary: desired.binary.slice(0, 8),
  };
}

function info(message: string, fields: LogRecord['fields']): LogRecord {
  return record('info', message, fields);
}

function record(level: Level, message: string, fields: LogRecord['fields']): LogRecord {
  return { level, message, fields };
}
