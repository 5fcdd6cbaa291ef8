/**
 * Lines of the Prometheus text format 0.0.4, judged one by one: what a strict reader would reject
 * the whole page for has to be known before it is passed on. A page has lines by the ten thousand,
 * so samples are read by hand: a regular expression took five times as long (measured).
 * https://prometheus.io/docs/instrumenting/exposition_formats
 */

/** `blank` is what may be left out without a loss: empty lines and comments. */
export type ExpositionLine =
  | { readonly kind: 'sample'; readonly name: string }
  | { readonly kind: 'help'; readonly name: string }
  | { readonly kind: 'type'; readonly name: string; readonly type: string }
  | { readonly kind: 'blank' }
  | { readonly kind: 'invalid' };

export const METRIC_NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';

/** Written without two ways to read the same text, so that no line takes longer than its length. */
const HELP = new RegExp(
  `^#[ \\t]+HELP[ \\t]+(${METRIC_NAME})[ \\t][^\\\\]*(?:\\\\[\\\\n][^\\\\]*)*$`,
);
const TYPE = new RegExp(
  `^#[ \\t]+TYPE[ \\t]+(${METRIC_NAME})[ \\t]+(counter|gauge|histogram|summary|untyped)$`,
);
/** What a reader takes for one of the two above, whatever follows. */
const META = /^#[ \t]+(?:HELP|TYPE)[ \t]/;
/** More are taken for a mistake: each has to be compared with the others. */
const MOST_LABELS = 200;
const BACKSLASH = '\\';
const AFTER_BACKSLASH = ['\\', '"', 'n'];

/** Value and time, with the space before them; the value is a number that 64 bits can hold. */
const SHORT_END =
  /[ \t]+[+-]?(?:(?:\d{1,40}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?|[iI][nN][fF]|[nN][aA][nN])(?:[ \t]+-?\d{1,18})?$/y;
/** The same, for a number that may be larger than that. */
const LONG_END = /[ \t]+([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?:[ \t]+-?\d{1,18})?$/y;

const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?|[+-]?inf|nan)$/i;

const BLANK = { kind: 'blank' } as const;
const INVALID = { kind: 'invalid' } as const;

/** @param line Without its end and without space around it. */
export function readExpositionLine(line: string): ExpositionLine {
  if (line === '') return BLANK;
  return line.startsWith('#') ? readComment(line) : readSample(line);
}

function readComment(line: string): ExpositionLine {
  if (!META.test(`${line} `)) return BLANK;
  const [, helped] = HELP.exec(line) ?? [];
  if (helped !== undefined) return { kind: 'help', name: helped };
  const [, typed, type] = TYPE.exec(line) ?? [];
  if (typed === undefined || type === undefined) return INVALID;
  return { kind: 'type', name: typed, type };
}

function readSample(line: string): ExpositionLine {
  const nameEnd = endOfName(line, 0, COLON);
  const labelsAt = skipSpace(line, nameEnd);
  const hasLabels = line.charCodeAt(labelsAt) === OPENING_BRACE;
  const labelsEnd = hasLabels ? endOfLabels(line, labelsAt + 1) : nameEnd;
  if (nameEnd === 0 || labelsEnd < 0 || !hasValueAt(line, labelsEnd)) return INVALID;
  return { kind: 'sample', name: line.slice(0, nameEnd) };
}

function hasValueAt(line: string, at: number): boolean {
  SHORT_END.lastIndex = at;
  if (SHORT_END.test(line)) return true;
  LONG_END.lastIndex = at;
  const [, value] = LONG_END.exec(line) ?? [];
  return value !== undefined && Number.isFinite(Number(value));
}

const [SPACE, TAB, COLON, UNDERSCORE, QUOTE, COMMA, EQUALS, OPENING_BRACE, CLOSING_BRACE] =
  Array.from(' \t:_",={}', (character) => character.charCodeAt(0));

/** Behind the closing brace; -1 when there are no such labels, too many, or one of them twice. */
function endOfLabels(line: string, from: number): number {
  const names: string[] = [];
  let at = skipSpace(line, from);
  while (line.charCodeAt(at) !== CLOSING_BRACE) {
    const nameEnd = endOfName(line, at);
    const name = line.slice(at, nameEnd);
    const valueEnd = endOfLabelValue(line, nameEnd);
    if (valueEnd < 0 || !isNewLabel(name, names)) return -1;
    names.push(name);
    at = skipSpace(line, valueEnd);
    if (line.charCodeAt(at) === COMMA) at = skipSpace(line, at + 1);
    else if (line.charCodeAt(at) !== CLOSING_BRACE) return -1;
  }
  return at + 1;
}

const LABEL = /[{,]\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*/y;

/**
 * Whether a label, if the sample has it, says a number: `le` and `quantile` have to.
 * @param line One that is a sample.
 */
export function saysNumberAs(label: string, line: string): boolean {
  LABEL.lastIndex = Math.max(0, line.indexOf('{'));
  for (let found = LABEL.exec(line); found !== null; found = LABEL.exec(line)) {
    if (found[1] === label) return NUMBER.test(found[2] ?? '');
  }
  return true;
}

function isNewLabel(name: string, others: readonly string[]): boolean {
  if (name === '' || name === '__name__') return false;
  return others.length < MOST_LABELS && !others.includes(name);
}

/** Behind the closing quote of what follows a label's name; -1 when there is no such thing. */
function endOfLabelValue(line: string, nameEnd: number): number {
  const equalsAt = skipSpace(line, nameEnd);
  const quoteAt = skipSpace(line, equalsAt + 1);
  const isQuoted = line.charCodeAt(equalsAt) === EQUALS && line.charCodeAt(quoteAt) === QUOTE;
  return isQuoted ? endOfString(line, quoteAt + 1) : -1;
}

function endOfString(line: string, from: number): number {
  let quoteAt = line.indexOf('"', from);
  let backslashAt = line.indexOf(BACKSLASH, from);
  while (backslashAt >= 0 && backslashAt < quoteAt) {
    if (!AFTER_BACKSLASH.includes(line.charAt(backslashAt + 1))) return -1;
    if (quoteAt === backslashAt + 1) quoteAt = line.indexOf('"', quoteAt + 1);
    backslashAt = line.indexOf(BACKSLASH, backslashAt + 2);
  }
  return quoteAt < 0 ? -1 : quoteAt + 1;
}

/** Where the name that begins at `from` ends; there when none does. */
function endOfName(line: string, from: number, alsoAllowed?: number): number {
  let at = from;
  while (isOfName(line.charCodeAt(at), at > from, alsoAllowed)) at += 1;
  return at;
}

function isOfName(code: number, mayBeDigit: boolean, alsoAllowed: number | undefined): boolean {
  const isLetter = (code | 32) >= 97 && (code | 32) <= 122;
  const isDigit = code >= 48 && code <= 57;
  return isLetter || code === UNDERSCORE || (mayBeDigit && isDigit) || code === alsoAllowed;
}

function skipSpace(line: string, from: number): number {
  let at = from;
  while (line.charCodeAt(at) === SPACE || line.charCodeAt(at) === TAB) at += 1;
  return at;
}
