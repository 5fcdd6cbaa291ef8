/** What happens to one launch, as log records. */
import { attemptOf, endingText, outcomeText } from './attempts.ts';
import type { Event } from './events.ts';
import { ageMs, info, type LogRecord, launchFields, record, type Told } from './log-record.ts';
import { endedAsAsked } from './retiring.ts';
import type { Launch } from './state.ts';
import { findLaunch } from './turn.ts';

type LaunchEvent = Extract<Event, { readonly type: `launch${string}` }>;

export function describeLaunchEvent(told: Told, event: LaunchEvent): LogRecord | undefined {
  const fields = launchFields(told, event.launch);
  switch (event.type) {
    case 'launchSpawned':
      return info('Envoy started', { ...fields, pid: event.pid });
    case 'launchAnswered':
      return record('debug', 'Envoy answers', { ...fields, state: event.envoyState });
    case 'launchLive':
      return info('Envoy live', { ...fields, afterMs: ageMs(told, event.launch) });
    case 'launchSilent':
      return describeSilence(told, event);
    case 'launchHeard':
      return info('Envoy answers again', fields);
    case 'launchExited':
      return describeExit(told, event);
  }
}

/**
 * Told when it begins and when it has lasted too long, not every second. Of two that are silent the
 * old one is given up, whichever was asked; one that lost its parent was given up before.
 */
function describeSilence(
  told: Told,
  { launch: id, silentMs }: Event & { type: 'launchSilent' },
): LogRecord | undefined {
  const givenUp = told.before.launches.find((launch) => isGivenUpIn(told, launch));
  if (givenUp !== undefined) {
    return record('error', 'Envoy hangs', {
      ...launchFields(told, givenUp.id),
      silentMs: givenUp.id === id ? silentMs : givenUp.silentMs,
    });
  }
  const before = findLaunch(told.before, id);
  return before?.silentMs === undefined && !before?.isDoomed
    ? record('warn', 'Envoy does not answer', { ...launchFields(told, id), silentMs })
    : undefined;
}

function isGivenUpIn({ after }: Told, { id, isDoomed, isHung, isKilled }: Launch): boolean {
  const now = findLaunch(after, id);
  return !isDoomed && (now?.isHung !== isHung || now?.isKilled !== isKilled);
}

/** An exit that was asked for is news; any other is something to look at. */
function describeExit(told: Told, event: Event & { type: 'launchExited' }): LogRecord {
  const launch = findLaunch(told.before, event.launch);
  const isExpected = endedAsAsked({ ...told, state: told.before }, launch, event.outcome);
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
    ...(launch === undefined ? {} : { outcome: endingText(attemptOf(told, launch, event)) }),
    lastLines: event.lastLines.slice(-5),
  });
}
