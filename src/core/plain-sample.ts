/**
 * The usual form of a sample, recognized in the bytes of a page. A page has lines by the ten
 * thousand: were each of them made a string, those would be most of the agent's memory (measured).
 * Whatever is unusual is for `readExpositionLine` to judge.
 */

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const UNDERSCORE = 0x5f;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const LAST_PRINTABLE = 0x7e;
/** A number with more of them may be too large for a reader. */
const MOST_DIGITS = 40;
/** More are unusual: each is compared with those before it. */
const MOST_LABELS = 16;
/** What may have to say a number, by its first letter and its length: the few others lose nothing. */
const NUMBERED = { le: 0x6c, quantile: 0x71 } as const;

/**
 * Where the name of the sample between `from` and `to` ends, when it is one that no reader rejects:
 * a name, labels of printable ASCII without escapes, one space, and a decimal number without an
 * exponent. -1 when it may or may not be one.
 */
export function endOfPlainName(bytes: Uint8Array, from: number, to: number): number {
  const nameEnd = endOfName(bytes, from, COLON);
  if (nameEnd === from) return -1;
  const hasLabels = bytes[nameEnd] === OPENING_BRACE;
  const labelsEnd = hasLabels ? endOfLabels(bytes, nameEnd + 1) : nameEnd;
  const isPlain = labelsEnd >= 0 && bytes[labelsEnd] === SPACE;
  return isPlain && isNumber(bytes, labelsEnd + 1, to) ? nameEnd : -1;
}

/** Behind the closing brace, or -1. An end of line is part of nothing that is looked for. */
function endOfLabels(bytes: Uint8Array, from: number): number {
  let at = from;
  for (let count = 0; bytes[at] !== CLOSING_BRACE; count += 1) {
    const end = count < MOST_LABELS ? endOfLabel(bytes, at) : -1;
    if (end < 0 || isRepeated(bytes, from, at)) return -1;
    at = end;
    if (bytes[at] === COMMA) at += 1;
    else if (bytes[at] !== CLOSING_BRACE) return -1;
  }
  return at + 1;
}

/** Behind the closing quote, or -1. */
function endOfLabel(bytes: Uint8Array, from: number): number {
  const nameEnd = endOfName(bytes, from);
  const isNamed = nameEnd > from && bytes[from] !== UNDERSCORE;
  if (!isNamed || bytes[nameEnd] !== EQUALS || bytes[nameEnd + 1] !== QUOTE) return -1;
  const quoteAt = endOfString(bytes, nameEnd + 2);
  if (quoteAt < 0) return -1;
  const isPlain = !mayBeNumbered(bytes, from, nameEnd) || isBound(bytes, nameEnd + 2, quoteAt);
  return isPlain ? quoteAt + 1 : -1;
}

function mayBeNumbered(bytes: Uint8Array, from: number, to: number): boolean {
  const length = to - from;
  return (
    (length === 'le'.length && bytes[from] === NUMBERED.le) ||
    (length === 'quantile'.length && bytes[from] === NUMBERED.quantile)
  );
}

/** Whether one of the labels before the one at `at` has its name. */
function isRepeated(bytes: Uint8Array, from: number, at: number): boolean {
  let other = from;
  while (other < at) {
    if (isSameLabel(bytes, other, at)) return true;
    other = endOfString(bytes, endOfName(bytes, other) + 2) + 2;
  }
  return false;
}

function isSameLabel(bytes: Uint8Array, one: number, other: number): boolean {
  let offset = 0;
  while (bytes[one + offset] === bytes[other + offset]) {
    if (bytes[one + offset] === EQUALS) return true;
    offset += 1;
  }
  return false;
}

/** Where the closing quote is, or -1 when anything unusual comes before it. */
function endOfString(bytes: Uint8Array, from: number): number {
  let at = from;
  for (let byte = bytes[at] ?? 0; byte !== QUOTE; byte = bytes[at] ?? 0) {
    if (byte < SPACE || byte > LAST_PRINTABLE || byte === BACKSLASH) return -1;
    at += 1;
  }
  return at;
}

function endOfName(bytes: Uint8Array, from: number, alsoAllowed = UNDERSCORE): number {
  if (isDigit(bytes[from] ?? 0)) return from;
  let at = from;
  while (isOfName(bytes[at] ?? 0) || bytes[at] === alsoAllowed) at += 1;
  return at;
}

function isOfName(byte: number): boolean {
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || isDigit(byte) || byte === UNDERSCORE;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** A number, or `+Inf`, the bound of the last bucket. */
function isBound(bytes: Uint8Array, from: number, to: number): boolean {
  const isInfinity =
    to - from === 4 &&
    ['+', 'I', 'n', 'f'].every((one, at) => {
      return bytes[from + at] === one.charCodeAt(0);
    });
  return isInfinity || isNumber(bytes, from, to);
}

function isNumber(bytes: Uint8Array, from: number, to: number): boolean {
  const digitsAt = bytes[from] === MINUS ? from + 1 : from;
  const wholeEnd = endOfDigits(bytes, digitsAt);
  if (wholeEnd === digitsAt || to - from > MOST_DIGITS) return false;
  if (wholeEnd === to) return true;
  return bytes[wholeEnd] === DOT && endOfDigits(bytes, wholeEnd + 1) === to;
}

function endOfDigits(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isDigit(bytes[at] ?? 0)) at += 1;
  return at;
}
