/**
 * Samples in their usual form, recognized a run of lines at a time: a page has lines by the ten
 * thousand, which follow each other by the hundred under the same name. One regular expression for a
 * run is machine code from its second use on; what reads byte by byte in this language takes 25 times
 * as long until Node has compiled it for speed, and twice as long after that (measured). Whatever is
 * unusual is for `readExpositionLine` to judge.
 */

/** Lines from where it was looked for. */
export interface PlainRun {
  /** Where the name they share ends, on the first of them. */
  readonly nameEnd: number;
  /** Behind the end of the last of them. */
  readonly end: number;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
/** At most 40 characters: one with more may be too large for a reader. */
const NUMBER = String.raw`-?\d{1,20}(?:\.\d{1,18})?`;
/** What may have to say a number does. */
const BOUND = String.raw`(?!(?:le|quantile)="(?!(?:\+Inf|${NUMBER})"))`;
/** Printable ASCII without escapes. */
const VALUE = String.raw`"[ !#-\[\]-~]*"`;
/** More labels are unusual: each is compared with those after it. */
const MOST_LABELS = 16;
/** Each takes some of a stack that has its end. */
const MOST_LINES = 1_000;

/** One with another name than those after it on its line; the name is the group of this number. */
function labelAs(group: number): string {
  const isLastOfItsName = `(?=\\}|,(?!(?:[^\\n]*,)?\\${group}=))`;
  return `${BOUND}([a-zA-Z][a-zA-Z0-9_]*)=${VALUE}${isLastOfItsName}`;
}

/** Behind the name to the end of the line; its labels' names are two groups, from this one on. */
function restAs(group: number): string {
  const labels = `${labelAs(group)}(?:,${labelAs(group + 1)}){0,${MOST_LABELS - 1}}`;
  return String.raw`(?:\{(?:${labels})?\})? ${NUMBER}\n`;
}

/** Written without two ways to read the same text, so that none takes longer than its length. */
const RUN = new RegExp(
  String.raw`(${NAME})${restAs(2)}(?:\1${restAs(4)}){0,${MOST_LINES - 1}}`,
  'y',
);

/**
 * The run of plain samples of one name that begins at `from`, all of which no reader rejects: a name,
 * labels of printable ASCII without escapes, one space, a decimal number without an exponent, and the
 * end of the line. Undefined when the line there may or may not be one.
 */
export function plainRunAt(text: string, from: number): PlainRun | undefined {
  RUN.lastIndex = from;
  const [, name] = RUN.exec(text) ?? [];
  return name === undefined ? undefined : { nameEnd: from + name.length, end: RUN.lastIndex };
}
