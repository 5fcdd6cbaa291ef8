/** Words that the page has for what the agent calls by one of its own. */
import type { HandoverResult } from '../core/state.ts';

/**
 * Filled into templates: the build leaves their text as it is, and one character beyond Latin-1 has
 * Node keep the whole program in two bytes for each (0.7 MB).
 */
export const CROSS = '✕';

/** `rolledBack` as "rolled back". */
export function spaced(word: string): string {
  return word.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** How bad a result is. One that was abandoned gave way to something else. */
export function toneOf(result: HandoverResult | undefined): 'good' | 'plain' | 'bad' {
  if (result === 'committed') return 'good';
  return result === undefined || result === 'abandoned' ? 'plain' : 'bad';
}
