/** What a log record is made of, and what one of a launch has in common. */
import type { Level } from './envoy-line.ts';
import type { Effect, Event } from './events.ts';
import type { LaunchId, Policy } from './model.ts';
import type { State } from './state.ts';
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

export function launchFields({ before, after }: Told, id: LaunchId) {
  const launch = findLaunch(after, id) ?? findLaunch(before, id);
  return { launch: id, epoch: launch?.epoch, lineage: launch?.lineage };
}

export function ageMs({ before, atMs }: Told, id: LaunchId): number | undefined {
  const launch = findLaunch(before, id);
  return launch === undefined ? undefined : Math.round(atMs - launch.startedAtMs);
}

export function info(message: string, fields: LogRecord['fields']): LogRecord {
  return record('info', message, fields);
}

export function record(level: Level, message: string, fields: LogRecord['fields']): LogRecord {
  return { level, message, fields };
}
