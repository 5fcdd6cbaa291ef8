import type { Level } from './envoy-line.ts';

/** What a message of the agent's own log stands for. */
export interface LogEvent {
  /** Those it may have, the usual one first. */
  readonly levels: readonly [Level, ...Level[]];
  /** When it is written and what it says, in a line of Markdown. */
  readonly meaning: string;
  /** What its fields are called; those that do not apply are left out. */
  readonly fields?: readonly string[];
  /** What the reader is to do about it; absent where that is nothing. */
  readonly advice?: string;
  /** It may come again and again for one cause: past the first few of a kind it is counted. */
  readonly isLimited?: true;
}

/** Of what is about one launch. */
export const LAUNCH_FIELDS = ['launch', 'epoch', 'lineage'] as const;
