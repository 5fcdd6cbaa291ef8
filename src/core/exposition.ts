/**
 * Several pages of metrics as one in the Prometheus text format 0.0.4: one after the other, line by
 * line while they come, so that neither their size nor what is wrong with one of them is felt.
 */
import { createByteRuns, joinedBytes } from './byte-runs.ts';
import { createJudge, type Judge, type Judgement } from './exposition-judge.ts';
import { createTranslation } from './openmetrics.ts';
import { endOfPlainName } from './plain-sample.ts';
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
      const firstEnd = bytes.indexOf(END_OF_LINE);
      const passed = createByteRuns(bytes);
      if (firstEnd >= 0) passed.add(finish(bytes.subarray(0, firstEnd)));
      let from = firstEnd + 1;
      for (
        let to = bytes.indexOf(END_OF_LINE, from);
        to >= 0;
        to = bytes.indexOf(END_OF_LINE, from)
      ) {
        if (lines.passes(bytes, from, to)) passed.keep(from, to + 1);
        else passed.add(lines.read(bytes.subarray(from, to)));
        from = to + 1;
      }
      begin(bytes.subarray(from));
      return passed.all();
    },
    end: () => [finish(NOTHING)].filter(({ length }) => length > 0),
    leftOut: lines.leftOut,
    hasSamples: lines.hasSamples,
  };
}

interface Lines extends Pick<ExpositionSource, 'leftOut' | 'hasSamples'> {
  /** Whether the line is a plain sample that may be passed on as it is; counted when it is. */
  passes(bytes: Uint8Array, from: number, to: number): boolean;
  /** What may be passed on of any line, with its end. Undefined is one that is too long. */
  read(line: Uint8Array | undefined): Uint8Array;
}

function createLines(form: ExpositionForm, judge: Judge): Lines {
  const translate = form === 'openMetrics' ? createTranslation() : (line: string) => [line];
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  const counts = { passed: 0, needless: 0, sample: 0, invalid: 0, clash: 0 };
  /** The name of the plain sample before this line, as long as nothing else came between. */
  let lastName = NOTHING;

  const readText = (line: string) => {
    const judgement = judge.line(line);
    counts[judgement] += 1;
    return isPassed(judgement) ? `${line}\n` : '';
  };
  return {
    passes: (bytes, from, to) => {
      const nameEnd = form === 'text' ? endOfPlainName(bytes, from, to) : -1;
      if (nameEnd < 0) return false;
      if (!isSameName(bytes, from, lastName) || nameEnd - from !== lastName.length) {
        const name = bytes.slice(from, nameEnd);
        if (judge.sample(decoder.decode(name)) !== 'sample') return false;
        lastName = name;
      }
      counts.sample += 1;
      return true;
    },
    read: (line) => {
      lastName = NOTHING;
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

function isSameName(bytes: Uint8Array, from: number, name: Uint8Array): boolean {
  for (let at = 0; at < name.length; at += 1) if (bytes[from + at] !== name[at]) return false;
  return true;
}
