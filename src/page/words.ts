/** Words that the page has for what the agent calls by one of its own. */
import type { HandoverResult } from '../core/state.ts';

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
