/** What is told of an agent that is out of rotation. */
import type { Outlook } from './readiness.ts';
import { secondsOf } from './seconds.ts';
import type { State } from './state.ts';

export interface DrainedStatus {
  /** Who asked. */
  readonly reason: string;
  readonly seconds: number;
  /** Of all that live, at the last count; absent until all are counted. */
  readonly connections?: number | undefined;
  /** `undrain` was asked for; its handover is not over. */
  readonly isReturning?: true | undefined;
}

/** Undefined when it is in rotation. */
export function drainedStatus(state: State, { moment }: Outlook): DrainedStatus | undefined {
  const { drained } = state;
  if (drained === undefined) return undefined;
  return {
    reason: drained.reason,
    seconds: secondsOf(moment.atMs - drained.sinceMs),
    connections: connectionsOf(state),
    isReturning: drained.returning === undefined ? undefined : true,
  };
}

/** Of all launches together; undefined until each was counted. */
export function connectionsOf({ launches }: State): number | undefined {
  return launches.reduce<number | undefined>(
    (sum, { connections }) =>
      sum === undefined || connections === undefined ? undefined : sum + connections,
    0,
  );
}
