/** Events and effects as log records: constant messages, values in fields, each told once. */

import { endingText } from './attempts.ts';
import type { CertificateEvent } from './certificate-events.ts';
import { describeCertificateEvent } from './describe-certificates.ts';
import { describeLaunchEvent } from './describe-launch.ts';
import type { Effect, Event } from './events.ts';
import type { LevelOf } from './log-events.ts';
import {
  endsHandover,
  info,
  type LogRecord,
  launchFields,
  record,
  type Told,
} from './log-record.ts';
import { type Desired, EXIT, sameDesired, shortDigest, type TimerName } from './model.ts';
import { tokensLeft } from './restart-tokens.ts';
import type { Attempt, HandoverEnd, State } from './state.ts';

/** In the order in which things happened: the event, what it scheduled, what it set off. */
export function describe(told: Told): readonly LogRecord[] {
  const records = [
    ...describeEvent(told),
    describeReturn(told),
    describeBackoff(told),
    ...told.effects.map((effect) => describeEffect(effect, told)),
  ];
  return records.filter((record) => record !== undefined);
}

function describeEvent(told: Told): readonly (LogRecord | undefined)[] {
  const { event } = told;
  switch (event.type) {
    case 'certificatesSeen':
    case 'certificatesProved':
    case 'certificatesDelivered':
    case 'deliveryFailed':
      return describeCertificateEvent(told, event);
    default:
      return [describeOne(told, event)];
  }
}

type Other = Exclude<Event, CertificateEvent>;

function describeOne(told: Told, event: Other): LogRecord | undefined {
  const { before } = told;
  switch (event.type) {
    case 'desiredChanged':
      return describeDesired(before, event.desired);
    case 'desiredMissing':
      return describeMissing(before, event.problems);
    case 'partHeld':
      return describeHeld(told, event);
    case 'restartRequested':
      return info('handover requested', { trigger: event.trigger, mode: event.mode });
    case 'checksPassed':
      return describeChoice(told, event);
    case 'checksFailed':
      return record(endsHandover(told) ? 'debug' : 'warn', 'checks failed', {
        handover: event.handover,
        problems: event.problems,
      });
    case 'launchSpawned':
    case 'launchAnswered':
    case 'launchLive':
    case 'launchSilent':
    case 'launchHeard':
    case 'launchExited':
      return describeLaunchEvent(told, event);
    case 'lineageRepaired':
      return describeRepair(event);
    case 'connectionsCounted':
      return record('debug', 'connections counted', {
        launch: event.launch,
        connections: event.count,
      });
    case 'timerFired':
      return record(isOfStart(event.timer) ? 'warn' : 'debug', 'deadline reached', {
        timer: event.timer,
      });
    case 'drainRequested':
      return info('drain requested', { reason: event.reason });
    case 'undrainRequested':
      return info('undrain requested', { request: event.request });
    case 'stopRequested':
      return describeStop(told, event);
  }
}

/** Whether a launch that is not LIVE is killed for it. */
function isOfStart(timer: TimerName): boolean {
  return timer.startsWith('silence:') || timer.startsWith('initialize:');
}

/** What nobody asked for and costs something is said where it is decided, and once. */
function describeChoice(
  { before, after }: Told,
  { handover, memoryShortage }: Event & { type: 'checksPassed' },
): LogRecord {
  const { mode, modeReason: reason, step } = after.handover ?? {};
  const isNews = reason !== undefined && reason !== before.handover?.modeReason;
  if (isNews && step === 'headroom') {
    return record('warn', 'handover waits', { handover, reason, ...memoryShortage });
  }
  if (isNews) return record('warn', 'handover not hot', { handover, mode, reason });
  return memoryShortage === undefined || step === 'headroom'
    ? record('debug', 'checks passed', { handover, mode })
    : record('warn', 'memory is short', { handover, mode, ...memoryShortage });
}

function describeDesired(before: State, desired: Desired): LogRecord | undefined {
  if (sameDesired(before.desired, desired)) return undefined;
  return info('desired state read', shortened(desired));
}

function describeHeld(
  { after }: Told,
  { part, problems }: Event & { type: 'partHeld' },
): LogRecord {
  if (problems.length === 0) return info('whole again', { part });
  const { verdict } = after.certificates?.seen ?? {};
  const kind = part === 'certificates' && verdict !== undefined ? { verdict } : {};
  // A writer may be between the two: it is for the metric to tell how long that lasts.
  const level = kind.verdict === 'waitingForOtherHalf' ? 'warn' : 'error';
  return record(level, 'held at its last good state', { part, ...kind, problems });
}

/** Each further ask that hastens the stop is told as what it does. */
function describeStop(
  { before, after }: Told,
  { how, reason, exitCode }: Event & { type: 'stopRequested' },
): LogRecord {
  const asked = { how, reason };
  if (before.stop === undefined || exitCode !== undefined) return info('stop requested', asked);
  const counts = after.launches.flatMap(({ connections }) => connections ?? []);
  const connectionsLeft =
    counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count);
  if (after.stop?.exitCode === EXIT.cutShort && before.stop.exitCode !== EXIT.cutShort)
    return record('warn', 'stop cut short', { ...asked, connectionsLeft });
  return before.stop.step !== after.stop?.step
    ? record('warn', 'stop hastened', { ...asked, connectionsLeft })
    : record('debug', 'stop requested', asked);
}

function describeMissing(before: State, problems: readonly string[]): LogRecord | undefined {
  const isNews = before.missing.join() !== problems.join();
  return isNews ? record('warn', 'cannot start yet', { problems }) : undefined;
}

function describeRepair(event: Event & { type: 'lineageRepaired' }): LogRecord {
  const { lineage, isSound, reason, hasTakenOver } = event;
  const level = hasTakenOver ? 'warn' : 'info';
  const taken = hasTakenOver ? { hasTakenOver } : {};
  const judgement = { lineage, isSound, reason, ...taken };
  return record(isSound ? level : 'error', 'lineage judged', judgement);
}

/** Whatever brought it about: readiness is on again. */
function describeReturn({ before, after, atMs }: Told): LogRecord | undefined {
  if (before.drained === undefined || after.drained !== undefined) return undefined;
  return info('back in rotation', { drainedMs: Math.round(atMs - before.drained.sinceMs) });
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
    case 'deliverCertificates':
      return record('debug', 'delivering certificates', {
        handover: effect.handover,
        launches: effect.recipients.map(({ launch }) => launch),
      });
    case 'launchEnvoy':
      return record('debug', 'starting Envoy', launchFields(told, effect.launch));
    case 'signalLaunch':
      return info('signal sent', { ...launchFields(told, effect.launch), signal: effect.signal });
    case 'drainLaunch':
      return info('draining', { ...launchFields(told, effect.launch), purpose: effect.purpose });
    case 'repairLineage':
      return record('debug', 'repairing lineage', { lineage: effect.lineage });
    case 'forgetLaunch':
      return undefined;
    case 'reportHandover':
      return describeEnd(told, effect.end);
    case 'exitAgent':
      return describeLeaving(effect, told);
  }
}

function describeEnd(told: Told, end: HandoverEnd): LogRecord {
  return record(levelOfEnd(told, end), 'handover ended', {
    ...end,
    handover: end.id,
    id: undefined,
    tookMs: Math.round(end.endedAtMs - end.startedAtMs),
    startedAtMs: undefined,
    endedAtMs: undefined,
  });
}

/** One that was abandoned gave way to something else, of which the log tells as well. */
function levelOfEnd({ after }: Told, { result }: HandoverEnd): LevelOf<'handover ended'> {
  if (result === 'committed') return 'info';
  if (result !== 'abandoned') return 'error';
  return after.stop === undefined ? 'warn' : 'info';
}

/** Says why at 3 a.m.: when it is a failure, with every attempt that led to it. */
function describeLeaving(effect: Effect & { type: 'exitAgent' }, told: Told): LogRecord {
  const { code, reason } = effect;
  if (code === EXIT.stopped) return info('agent stops', { code, reason });
  if (code === EXIT.cutShort) return record('warn', 'agent stops', { code, reason });
  const attempts = told.after.crashes.map(describeAttempt);
  return record('fatal', 'agent gives up', { code, reason, attempts });
}

function describeAttempt(attempt: Attempt) {
  return {
    launch: attempt.launch,
    epoch: attempt.epoch,
    outcome: endingText(attempt),
    uptimeMs: Math.round(attempt.uptimeMs),
    lastLines: attempt.lastLines.slice(-3),
  };
}

function shortened(desired: Desired) {
  return {
    certificates: desired.certificates && shortDigest(desired.certificates),
    bootstrap: shortDigest(desired.bootstrap),
    binary: shortDigest(desired.binary),
  };
}
