/** What the bench has measured of the matrix, by the names of its figures. */

/** docs/faults.json: what `npm run bench -- faults --json docs/faults.json` writes. */
export interface Measurements {
  readonly machine: string;
  readonly results: readonly {
    readonly figures: readonly { readonly name: string; readonly measured: string }[];
  }[];
}

/** In the words of the bench, such as `27 of 746 lost within 270 ms, gap 12 ms`. */
export type Measured = ReadonlyMap<string, string>;

export const NOT_MEASURED = 'not measured';

export function measuredIn({ results }: Measurements): Measured {
  return new Map(
    results.flatMap(({ figures }) => figures.map(({ name, measured }) => [name, measured])),
  );
}

/** E.g. `27 lost`; undefined where no request was counted. */
export function lostIn(measured: string | undefined): number | undefined {
  const [, lost] = /(\d+) of \d+ lost/.exec(measured ?? '') ?? [];
  return lost === undefined ? undefined : Number(lost);
}

export function sentIn(measured: string | undefined): number {
  const [, sent = 0] = /\d+ of (\d+) lost/.exec(measured ?? '') ?? [];
  return Number(sent);
}

/** Milliseconds. */
export function gapIn(measured: string | undefined): number {
  const [, gap = 0] = /gap (\d+) ms/.exec(measured ?? '') ?? [];
  return Number(gap);
}
