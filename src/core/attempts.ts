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
    ...(launch.isKilled && launch.envoyState !== undefined ? { stuckAs: launch.envoyState } : {}),
    lastLines: event.lastLines,
  };
}

/** A failed launch in one line: how it ended, and the last thing it said. */
export function reasonOf(attempt: Attempt): string {
  return `${attempt.launch} ${endingText(attempt)}${lastLineText(attempt)}`;
}

/** How it ended, in words that follow its name; of one that was given up, how far it had got. */
export function endingText({ outcome, wasLive, wasSilent, stuckAs, uptimeMs }: Attempt): string {
  const ending = outcomeText(outcome);
  if (outcome.kind !== 'killed' || wasLive) return ending;
  if (stuckAs !== undefined) return `${ending}, still ${stuckAs} after ${secondsOf(uptimeMs)} s`;
  return wasSilent ? `${ending}, without an answer after ${secondsOf(uptimeMs)} s` : ending;
}

/** The last thing it said, in words that follow its end. Of SIGKILL none can know, or say why. */
export function lastLineText({ outcome, lastLines }: Attempt): string {
  const lastLine = lastLines.at(-1);
  if (lastLine === undefined) return '';
  const isUnforeseen = outcome.kind === 'killed' && outcome.signal === 'SIGKILL';
  return isUnforeseen ? `; its last line: ${lastLine}` : `: ${lastLine}`;
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
