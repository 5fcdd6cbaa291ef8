/** One way in which a file of the core could be wrong. */

export interface Mutant {
  /** What is wrong then, in words; no two have the same. */
  readonly name: string;
  /** Below src/core. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly original: string;
  readonly replacement: string;
}

/** What one file's list says: the wrong behaviour, what is there, what is put in its place. */
export type Row = readonly [name: string, original: string, replacement: string];

export function mutantsOf(file: string, rows: readonly Row[]): readonly Mutant[] {
  return rows.map(([name, original, replacement]) => ({ name, file, original, replacement }));
}

/** The source as the mutant makes it; undefined when its original is not there exactly once. */
export function mutate(source: string, { original, replacement }: Mutant): string | undefined {
  const [before, after, ...more] = source.split(original);
  if (before === undefined || after === undefined || more.length > 0) return undefined;
  return before + replacement + after;
}
