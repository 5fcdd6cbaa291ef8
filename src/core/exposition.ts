/**
 * Several pages of metrics as one in the Prometheus text format 0.0.4: one after the other, line by
 * line while they come, so that neither their size nor what is wrong with one of them is felt.
 */
import { type ByteRuns, createByteRuns, joinedBytes } from './byte-runs.ts';
import { createJudge, type Judge, type Judgement } from './exposition-judge.ts';
import { createTranslation } from './openmetrics.ts';
import { plainRunAt } from './plain-samples.ts';
import type { LeftOut } from './scrape-counts.ts';

export type ExpositionForm = 'text' | 'openMetrics';

/** One page that is merged into the whole. */
export interface ExpositionSource {
  /**
   * What may be passed on of what has come so far: whole lines, each with its end. Wherever that
   * can be they are parts of the bytes given.
   */
  take(bytes: Uint8Array): readonly Uint8Array[];
  /** The last line, should it have had no end. Not to be called when the page was cut off. */
  end(): readonly Uint8Array[];
  leftOut(): LeftOut;
  /** Whether any sample of it was passed on. */
  hasSamples(): boolean;
}

/** In bytes; a longer line is no line. */
export const LONGEST_LINE = 65_536;

/**
 * Begins a page; what it returns begins one source of it after the other. A metric belongs to the
 * first source that has it, and is told once: of a second head the first one counts.
 */
export function createExposition(): (form: ExpositionForm) => ExpositionSource {
  const beginSource = createJudge();
  return (form) => createSource(createLines(form, beginSource()));
}

const END_OF_LINE = 0x0a;
const NOTHING = new Uint8Array(0);

function createSource(lines: Lines): ExpositionSource {
  /** What has come of a line that is not over; undefined once it is too long. */
  let begun: Uint8Array | undefined = NOTHING;

  const finish = (rest: Uint8Array) => {
    const line = begun && joinedBytes([begun, rest]);
    begun = NOTHING;
    return lines.read(line);
  };
  const begin = (rest: Uint8Array) => {
    if (begun === undefined) return;
    const isTooLong = begun.length + rest.length > LONGEST_LINE;
    begun = isTooLong ? undefined : joinedBytes([begun, rest]);
  };
  return {
    take: (bytes) => {
      const passed = createByteRuns(bytes);
      const firstEnd = bytes.indexOf(END_OF_LINE);
      if (firstEnd >= 0) passed.add(finish(bytes.subarray(0, firstEnd)));
      const wholeTo = readWhole(lines, bytes, firstEnd + 1, passed);
      begin(bytes.subarray(wholeTo));
      return passed.all();
    },
    end: () => [finish(NOTHING)].filter(({ length }) => length > 0),
    leftOut: lines.leftOut,
    hasSamples: lines.hasSamples,
  };
}

/** Text with a character for each of its bytes. */
interface PlainText {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** Reads all lines that end, from the beginning of one on, and returns where the rest begins. */
function readWhole(lines: Lines, bytes: Uint8Array, from: number, passed: ByteRuns): number {
  const text = lines.textOf(bytes);
  let at = from;
  for (let to = bytes.indexOf(END_OF_LINE, at); to >= 0; to = bytes.indexOf(END_OF_LINE, at)) {
    const run = text === undefined ? undefined : lines.readRun({ bytes, text }, at);
    if (run?.isPassed) passed.keep(at, run.end);
    if (run === undefined) passed.add(lines.read(bytes.subarray(at, to)));
    at = run?.end ?? to + 1;
  }
  return at;
}

interface Lines extends Pick<ExpositionSource, 'leftOut' | 'hasSamples'> {
  /** Undefined when it has other characters, or no line that could be passed on as it is. */
  textOf(bytes: Uint8Array): string | undefined;
  /** Where a run of plain samples from here on ends, and whether it may be passed on as it is. */
  readRun(
    plain: PlainText,
    from: number,
  ): { readonly end: number; readonly isPassed: boolean } | undefined;
  /** What may be passed on of any line, with its end. Undefined is one that is too long. */
  read(line: Uint8Array | undefined): Uint8Array;
}

function createLines(form: ExpositionForm, judge: Judge): Lines {
  const translate = form === 'openMetrics' ? createTranslation() : (line: string) => [line];
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  const counts = { passed: 0, needless: 0, sample: 0, invalid: 0, clash: 0 };

  const readText = (line: string) => {
    const judgement = judge.line(line);
    counts[judgement] += 1;
    return isPassed(judgement) ? `${line}\n` : '';
  };
  return {
    textOf: (bytes) => {
      const text = form === 'text' ? decoder.decode(bytes) : '';
      return text.length === bytes.length ? text : undefined;
    },
    readRun: ({ bytes, text }, from) => {
      const run = plainRunAt(text, from);
      if (run === undefined) return undefined;
      // A part of the text as the name would keep all of the text for as long as the name is known.
      const judgement = judge.sample(decoder.decode(bytes.subarray(from, run.nameEnd)));
      const isCounted = judgement === 'clash';
      counts[judgement] += isCounted ? text.slice(from, run.end).split('\n').length - 1 : 1;
      return { end: run.end, isPassed: isPassed(judgement) };
    },
    read: (line) => {
      if (line === undefined) counts.invalid += 1;
      // What is no UTF-8 becomes the sign for that: a reader would reject the page.
      const texts = line === undefined ? [] : translate(decoder.decode(line).trim());
      return encoder.encode(texts.map(readText).join(''));
    },
    leftOut: () => ({ invalid: counts.invalid, clash: counts.clash }),
    hasSamples: () => counts.sample > 0,
  };
}

function isPassed(judgement: Judgement): boolean {
  return judgement === 'passed' || judgement === 'sample';
}
