/** A failed start or a crash as it is remembered and told. */
import type { Event } from './events.ts';
import { secondsOf } from './seconds.ts';
import type { Attempt, Launch } from './state.ts';
import type { Turn } from './turn.ts';

/** What is kept of a launch that ended unasked. */
export function attemptOf(
  turn: Pick<Turn, 'atMs'>,
  launch: Launch,
  event: Pick<Event & { readonly type: 'launchExited' }, 'outcome' | 'cause' | 'lastLines'>,
): Attempt {
  return {
    launch: launch.id,
    epoch: launch.epoch,
    outcome: event.outcome,
    ...(event.cause === undefined ? {} : { cause: event.cause }),
    uptimeMs: turn.atMs - launch.startedAtMs,
    wasLive: launch.liveAtMs !== undefined,
    wasSilent: launch.isKilled === true && launch.envoyState === undefined,
    lastLines: event.lastLines,
  };
}

/** A failed launch in one line: how it ended, and the last thing it said. */
export function reasonOf(attempt: Attempt): string {
  const lastLine = attempt.lastLines.at(-1);
  const ending = `${attempt.launch} ${outcomeText(attempt.outcome)}`;
  return lastLine === undefined ? ending : `${ending}: ${lastLine}`;
}

/** How it ended, in words that follow its name. */
export function outcomeText(outcome: Attempt['outcome']): string {
  switch (outcome.kind) {
    case 'exited':
      return `exited with code ${outcome.code}`;
    case 'killed':
      return `was ended by ${outcome.signal}`;
    case 'notStarted':
      return `could not be started (${outcome.errno})`;
    case 'hung':
      return `has not answered for ${secondsOf(outcome.silentMs)} s`;
  }
}
