/** What happened in a simulated world, for whoever must find out why a rule was broken. */
import type { Launch } from '../../src/core/state.ts';
import type { Transition } from './simulated-world.ts';
import { verbs } from './states.ts';

const MOST_LINES = 40;

/** The last events, a line each; silence of which nothing came is left out. */
export function toldOf(journal: readonly Transition[]): string {
  const telling = journal.filter(({ event, effects }) => {
    return event.type !== 'launchSilent' || effects.length > 0;
  });
  return telling.slice(-MOST_LINES).map(tell).join('\n');
}

/** When, what happened, what came of it, and who lives then. */
function tell({ atMs, event, effects, after }: Transition): string {
  const { type, ...facts } = event;
  const { id, aim, mode = 'no mode yet', step } = after.handover ?? {};
  return [
    `${atMs} ms ${type} ${JSON.stringify(facts)}`,
    `  -> ${verbs(effects).join(', ') || 'nothing'}`,
    `  ${after.launches.map(tellLaunch).join(', ') || 'nobody lives'}`,
    ...(id === undefined ? [] : [`  ${id}: ${aim}, ${mode}, ${step}`]),
  ].join('\n');
}

function tellLaunch({ id, epoch, lineage, stage, isKilled, isHung, isDoomed }: Launch): string {
  const marks = [isKilled && 'killed', isHung && 'hung', isDoomed && 'doomed'].filter(Boolean);
  return [`${id} (epoch ${epoch} of ${lineage})`, stage, ...marks].join(' ');
}
