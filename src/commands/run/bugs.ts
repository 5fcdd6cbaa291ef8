/** What a bug of ours leads to: Envoy is drained by the plan, and when even that fails it is ended. */
import type { Log } from '../../adapters/log.ts';
import type { LogRecord } from '../../core/log-record.ts';
import { EXIT } from '../../core/model.ts';
import type { Clock } from '../../ports.ts';
import { deferred } from '../../work/deferred.ts';
import type { Complain } from './complaints.ts';
import type { Supervisor } from './supervisor.ts';

/** One that comes again with every event must not fill a disk. */
const MOST_TOLD = 10;
/** Of what it says of itself. */
const MOST_QUOTED = 200;

export interface BugParts {
  readonly log: Pick<Log, 'record'>;
  readonly complain: Complain;
  readonly supervisor: Pick<Supervisor, 'giveUp' | 'face'>;
  readonly clock: Clock;
  /** How long a stop by the plan takes at most. */
  readonly longestStopMs: number;
}

export interface Bugs {
  /** Begins the stop, or lets the one under way go on. Never throws. */
  take(error: unknown): void;
  hasSome(): boolean;
  /** Resolves when the stop was not even begun, or is not over when the plan is. */
  readonly pastHope: Promise<void>;
}

/** Told of what nobody has caught. Several bugs make one stop, and none of them cuts it short. */
export function createBugs({ log, complain, supervisor, clock, longestStopMs }: BugParts): Bugs {
  const pastHope = deferred();
  const told = new Set<unknown>();

  function tell(error: unknown): void {
    const { record, words } = bugTold(error);
    try {
      log.record(record);
    } catch {
      complain(record, words);
    }
  }

  function stop(error: unknown): void {
    clock.after(longestStopMs, () => pastHope.resolve());
    supervisor.giveUp(`a bug of ours: ${String(error).slice(0, MOST_QUOTED)}`, EXIT.bug);
    if (!isStopping(supervisor)) pastHope.resolve();
  }

  return {
    take: (error) => {
      const isFirst = told.size === 0;
      if (told.size < MOST_TOLD && !told.has(error)) {
        told.add(error);
        tell(error);
      }
      if (isFirst) stop(error);
    },
    hasSome: () => told.size > 0,
    pastHope: pastHope.promise,
  };
}

/** As a record, and for people who have nothing else. */
export function bugTold(error: unknown): { readonly record: LogRecord; readonly words: string } {
  const { stack = String(error) } = error instanceof Error ? error : {};
  const fields = { error: String(error), stack };
  return {
    record: { level: 'fatal', message: 'bug', fields },
    words: `baton: this is a bug, please report it: ${stack}\n`,
  };
}

/** What can't be told is taken for a stop: its time is bounded anyhow. */
function isStopping({ face }: BugParts['supervisor']): boolean {
  try {
    return ['draining', 'stopped'].includes(face.status().phase);
  } catch {
    return true;
  }
}
