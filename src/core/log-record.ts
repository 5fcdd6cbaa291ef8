/** What a log record is made of, and what one of a launch has in common. */
import type { Effect, Event } from './events.ts';
import type { LevelOf, LogMessage } from './log-events.ts';
import type { LaunchId, Policy } from './model.ts';
import type { State } from './state.ts';
import { findLaunch } from './turn.ts';

interface LogRecordOf<Message extends LogMessage> {
  /** One that the message may have. */
  readonly level: LevelOf<Message>;
  /** Constant, so that it can be searched for and counted. */
  readonly message: Message;
  readonly fields: Readonly<Record<string, unknown>>;
}

export type LogRecord = { [Message in LogMessage]: LogRecordOf<Message> }[LogMessage];

export interface Told {
  readonly event: Event;
  readonly before: State;
  readonly after: State;
  readonly effects: readonly Effect[];
  readonly atMs: number;
  readonly policy: Policy;
}

export function launchFields({ before, after }: Told, id: LaunchId) {
  const launch = findLaunch(after, id) ?? findLaunch(before, id);
  return { launch: id, epoch: launch?.epoch, lineage: launch?.lineage };
}

export function ageMs({ before, atMs }: Told, id: LaunchId): number | undefined {
  const launch = findLaunch(before, id);
  return launch === undefined ? undefined : Math.round(atMs - launch.startedAtMs);
}

/** The record of that end says why, so that the reason need not be told twice. */
export function endsHandover({ effects }: Told): boolean {
  return effects.some(({ type }) => type === 'reportHandover');
}

type InfoMessage = {
  [Message in LogMessage]: 'info' extends LevelOf<Message> ? Message : never;
}[LogMessage];

export function info(message: InfoMessage, fields: LogRecord['fields']): LogRecord {
  return { level: 'info', message, fields };
}

export function record<Message extends LogMessage>(
  level: LevelOf<Message>,
  message: Message,
  fields: LogRecord['fields'],
): LogRecordOf<Message> {
  return { level, message, fields };
}
