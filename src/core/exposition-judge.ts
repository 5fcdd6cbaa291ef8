/** Which lines of several pages of metrics may stand on one page. */
import { type ExpositionLine, readExpositionLine, saysNumberAs } from './exposition-lines.ts';

/**
 * `sample` and `passed` may; `needless` lines are left out without a loss. `invalid` ones would
 * cost the page; `clash`: the metric belongs to a source before this one.
 */
export type Judgement = 'sample' | 'passed' | 'needless' | 'invalid' | 'clash';

/** Of the lines of one source, in their order. */
export interface Judge {
  line(text: string): Judgement;
  /** The same for a line that is known to be a sample, any bound in it a number. */
  sample(name: string): 'sample' | 'clash';
}

interface Family {
  readonly source: number;
  hasHelp?: true;
  hasType?: true;
  hasSamples?: true;
}

/** What the samples of these may be called beyond the name in the head. */
const SUFFIXES: ReadonlyMap<string, readonly string[]> = new Map([
  ['histogram', ['', '_bucket', '_sum', '_count']],
  ['summary', ['', '_sum', '_count']],
]);
/** The label by which their samples differ, which has to say a number. */
const NUMBERED: ReadonlyMap<string, string> = new Map([
  ['histogram', 'le'],
  ['summary', 'quantile'],
]);

/** Begins a page; what it returns begins one source of it after the other. */
export function createJudge(): () => Judge {
  const families = new Map<string, Family>();
  let sourceCount = 0;
  return () => {
    sourceCount += 1;
    return createSourceJudge(families, sourceCount);
  };
}

function createSourceJudge(families: Map<string, Family>, source: number): Judge {
  /** The head that came last, what its samples are called, and their numbered label. */
  let head = '';
  let sampleNames: ReadonlySet<string> = new Set();
  let numbered: string | undefined;

  const familyOf = (name: string) => {
    const known = families.get(name);
    if (known !== undefined) return known;
    const family: Family = { source };
    families.set(name, family);
    return family;
  };
  const readType = ({ name, type }: ExpositionLine & { kind: 'type' }) => {
    head = name;
    numbered = NUMBERED.get(type);
    const names = SUFFIXES.get(type)?.map((suffix) => head + suffix) ?? [];
    sampleNames = new Set(names);
    // A reader that is strict takes this for a type of each of them, too.
    for (const other of names) if (other !== head) familyOf(other).hasType = true;
  };
  const readHead = (line: ExpositionLine & { kind: 'help' | 'type' }): Judgement => {
    const family = familyOf(line.name);
    if (line.kind === 'type') readType(line);
    if (family.source !== source) return 'clash';
    return isFirstHead(family, line.kind) ? 'passed' : 'needless';
  };
  const sample = (name: string) => {
    const family = familyOf(sampleNames.has(name) ? head : name);
    if (family.source !== source) return 'clash';
    family.hasSamples = true;
    return 'sample';
  };
  const readSample = (name: string, text: string): Judgement => {
    const isBounded = numbered !== undefined && sampleNames.has(name);
    const judgement = sample(name);
    const isWrong = isBounded && !saysNumberAs(numbered ?? '', text);
    return isWrong && judgement === 'sample' ? 'invalid' : judgement;
  };
  return {
    sample,
    line: (text) => {
      const line = readExpositionLine(text);
      if (line.kind === 'sample') return readSample(line.name, text);
      if (line.kind === 'help' || line.kind === 'type') return readHead(line);
      return line.kind === 'invalid' ? 'invalid' : 'needless';
    },
  };
}

/** A type comes before the samples and once, or the reader rejects the page. */
function isFirstHead(family: Family, kind: 'help' | 'type'): boolean {
  if (kind === 'help') {
    if (family.hasHelp) return false;
    family.hasHelp = true;
    return true;
  }
  if (family.hasType || family.hasSamples) return false;
  family.hasType = true;
  return true;
}
