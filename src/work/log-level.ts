/** The agent's log level at run time: changed by hand, for a while or until it is set back. */
import type { LogRecord } from '../core/log-record.ts';
import type { Cancel, Clock } from '../ports.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogLevelChange {
  /** `default`: as the settings say. */
  readonly level: LogLevel | 'default';
  /** After so long it is set back by itself; absent: it stays. */
  readonly forMs?: number;
}

export interface LogLevelParts {
  readonly clock: Clock;
  /** What the settings say. */
  readonly initial: LogLevel;
  readonly apply: (level: LogLevel) => void;
  readonly record: (record: LogRecord) => void;
}

/** @returns what takes a change and answers with the level from now on */
export function createLogLevel(parts: LogLevelParts): (change: LogLevelChange) => LogLevel {
  const { clock, initial, apply, record } = parts;
  let current = initial;
  let cancelReturn: Cancel = () => {};

  /** Told while the more talkative of the two levels holds, so that it is seen. */
  function go(level: LogLevel, fields: LogRecord['fields']): void {
    const isQuieter = LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(current);
    const tell = () =>
      record({ level: 'warn', message: 'log level changed', fields: { to: level, ...fields } });
    if (isQuieter) tell();
    apply(level);
    current = level;
    if (!isQuieter) tell();
  }

  return ({ level, forMs }) => {
    cancelReturn();
    const wanted = level === 'default' ? initial : level;
    if (wanted !== current) go(wanted, forMs === undefined ? {} : { forSeconds: forMs / 1_000 });
    if (forMs !== undefined && wanted !== initial) {
      cancelReturn = clock.after(forMs, () =>
        go(initial, { because: 'the time asked for is over' }),
      );
    }
    return current;
  };
}
