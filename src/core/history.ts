/**
 * What became of handovers and launches, folded out of the transitions one by one: what the page
 * and `baton history` show. Pure, and bounded whatever happens.
 */
import { rememberHandovers } from './history-handovers.ts';
import { rememberLaunches } from './history-launches.ts';
import type { Happened, History } from './history-model.ts';

export const emptyHistory: History = { handovers: [], launches: [] };

/** The history after one more transition; the same one when there is nothing to remember. */
export function remember(history: History, happened: Happened): History {
  if (happened.before === happened.after && happened.effects.length === 0) return history;
  const launches = rememberLaunches(history.launches, happened);
  const handovers = rememberHandovers(history.handovers, launches, happened);
  const isSame = launches === history.launches && handovers === history.handovers;
  return isSame ? history : { launches, handovers };
}
