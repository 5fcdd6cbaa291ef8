/**
 * Which lines may be left out when they repeat others. Never access logs, nor what Envoy writes
 * below `warning`, since someone asked for it, nor its fatal lines, nor whatever tells of a change
 * of the agent's own state.
 */
import type { EnvoyLine } from './envoy-line.ts';
import { LOG_EVENTS } from './log-events.ts';
import type { LogRecord } from './log-record.ts';
import type { Epoch, LaunchId } from './model.ts';
import { type Kind, withoutVarying } from './repeats.ts';

export interface Repeatable {
  readonly kind: Kind;
  readonly level: 'warn' | 'error';
  /** What is told of those that were left out. */
  readonly fields: Readonly<Record<string, unknown>>;
}

const ENVOY_WINDOW_MS = 60_000;
/** Complaints of the agent's own come at every look or scrape, not ten thousand times a second. */
const OWN_WINDOW_MS = 3_600_000;
const MOST_QUOTED = 200;

/** Undefined for what is always written. */
export function repeatableRecord({ level, message, fields }: LogRecord): Repeatable | undefined {
  if (LOG_EVENTS[message].isLimited !== true || (level !== 'warn' && level !== 'error')) {
    return undefined;
  }
  const reason = String(fields['reason'] ?? '');
  const of = reason === '' ? message : `${message}: ${reason.slice(0, MOST_QUOTED)}`;
  return {
    kind: { name: `baton\n${message}\n${withoutVarying(reason)}`, windowMs: OWN_WINDOW_MS },
    level,
    fields: { from: 'baton', of },
  };
}

/** Undefined for what is always written. Those of different launches are of different kinds. */
export function repeatableLine(
  { launch, epoch }: { readonly launch: LaunchId; readonly epoch: Epoch },
  { kind, level, component, origin, message }: EnvoyLine,
): Repeatable | undefined {
  if (kind === 'access' || (level !== 'warn' && level !== 'error')) return undefined;
  const name = [launch, level, origin, withoutVarying(message)].join('\n');
  const of = message.slice(0, MOST_QUOTED);
  return {
    kind: { name, windowMs: ENVOY_WINDOW_MS },
    level,
    fields: { from: 'envoy', launch, epoch, component, origin, of },
  };
}
