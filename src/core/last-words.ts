/** Why the agent ends, in a few lines for people who see nothing else of it. */
import { endingText, lastLineText } from './attempts.ts';
import { EXIT, type ExitCode } from './model.ts';
import type { Attempt, State } from './state.ts';
import { visible } from './visible.ts';

const SHOWN_ATTEMPTS = 5;

/** Empty when it was asked to stop and did: the exit code says it all. */
export function lastWords({ stop, crashes }: State, code: ExitCode): string {
  if (code === EXIT.stopped) return '';
  const reason = stop?.reason ?? 'unknown';
  const attempts = crashes.slice(-SHOWN_ATTEMPTS).map(attemptText);
  const skipped = crashes.length - attempts.length;
  const more = skipped > 0 ? [`(${skipped} earlier ones left out)`] : [];
  return [`exit ${code}: ${reason}`, ...more, ...attempts]
    .map((line) => `${visible(line)}\n`)
    .join('');
}

function attemptText(attempt: Attempt): string {
  const { launch, epoch } = attempt;
  return `${launch} (epoch ${epoch}) ${endingText(attempt)}${lastLineText(attempt)}`;
}
