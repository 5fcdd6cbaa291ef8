/** What a scenario is and what it hands back. */
import type { World, WorldOptions } from './world.ts';

export interface Scenario {
  /** As given to `npm run bench -- NAME`. */
  readonly name: string;
  /** One line for `--list`. */
  readonly about: string;
  /** Every loop in it is bounded in count and time. What it opens through `bench` is closed for it. */
  run(bench: Bench): Promise<readonly Figure[]>;
}

export interface Bench {
  /** How long a scenario that could go on for ever is to take. @default its own */
  readonly durationMs?: number;
  /** How often a scenario that could go on for ever is to do what it does. @default its own */
  readonly count?: number;
  /** A line of progress. */
  note(line: string): void;
  /** Certificates, an upstream, ports and a bootstrap of its own, in a temporary folder. */
  openWorld(options?: WorldOptions): Promise<World>;
}

export interface Figure {
  readonly name: string;
  readonly measured: string;
  /** Absent: told for information. */
  readonly bound?: string;
  readonly isMet: boolean;
}

export function atMost(name: string, value: number, limit: number, unit: string): Figure {
  return {
    name,
    measured: `${rounded(value)}${unit}`,
    bound: `<= ${rounded(limit)}${unit}`,
    isMet: value <= limit,
  };
}

export function atLeast(name: string, value: number, limit: number, unit: string): Figure {
  return {
    name,
    measured: `${rounded(value)}${unit}`,
    bound: `>= ${rounded(limit)}${unit}`,
    isMet: value >= limit,
  };
}

export function exactly(name: string, value: number, expected: number, unit = ''): Figure {
  return {
    name,
    measured: `${rounded(value)}${unit}`,
    bound: `= ${rounded(expected)}${unit}`,
    isMet: value === expected,
  };
}

export function told(name: string, measured: string): Figure {
  return { name, measured, isMet: true };
}

/** The middle one; of an even number the upper of the two. @throws Error when there is none. */
export function median(values: readonly number[]): number {
  const value = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  if (value === undefined) throw new Error('Cannot take a median: there are no values.');
  return value;
}

/**
 * The value that this share of all values does not exceed, e.g. 0.99 for p99.
 * @throws Error when there is none.
 */
export function quantile(values: readonly number[], share: number): number {
  const index = Math.max(0, Math.ceil(share * values.length) - 1);
  const value = values.toSorted((a, b) => a - b)[index];
  if (value === undefined) throw new Error('Cannot take a quantile: there are no values.');
  return value;
}

/** Three significant digits, whole numbers untouched. */
export function rounded(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
}
