/** Envoy's output, line by line, as records. */

/**
 * Makes every line of Envoy's own log JSON from the very first one on; only a fatal reason printed
 * last on stderr stays plain text (measured on Envoy 1.40). `%j` is the message, escaped.
 */
export const ENVOY_LOG_FORMAT =
  '{"t":"%Y-%m-%dT%T.%e","l":"%l","n":"%n","s":"%g:%#","p":%P,"m":"%j"}';

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** One line of Envoy's. `access`: what it wrote to its standard output. */
export interface EnvoyLine {
  readonly kind: 'log' | 'access' | 'plain';
  readonly level: Level;
  readonly message: string;
  /** Envoy's logger, e.g. `main`, `upstream`. */
  readonly component?: string;
  /** File and line in Envoy's source. */
  readonly origin?: string;
  /** The members of an access log line in JSON form. */
  readonly request?: Readonly<Record<string, unknown>>;
}

const LEVELS: Readonly<Record<string, Level>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  error: 'error',
  critical: 'fatal',
};

/**
 * Reads the lines of one stream in their order; never fails. What is no record is plain text, one
 * level above what hides. Where Envoy quotes its configuration, private keys and all, the message
 * ends in CONTENT_LEFT_OUT and the plain lines that go on with it give undefined.
 */
export function createLineReader(
  stream: 'stdout' | 'stderr',
): (text: string) => EnvoyLine | undefined {
  if (stream === 'stdout') return readAccessLine;
  let quote: Quote = 'none';
  return (text) => {
    const record = recordIn(text);
    if (record !== undefined) {
      const line = readRecord(record);
      quote = quoteAfter(quote, line);
      return line;
    }
    const message = readPlain(text, quote);
    if (quote === 'ahead') quote = 'last';
    if (quote === 'none' && message?.endsWith(CONTENT_LEFT_OUT)) quote = 'open';
    return message === undefined ? undefined : { kind: 'plain', level: 'warn', message };
  };
}

/**
 * Of what the plain lines are: a fatal reason comes first as a record (then it is `ahead`, maybe
 * with records between), later as plain lines, the `last` ones of the process. One that is `open`
 * without that ends at the next record.
 */
type Quote = 'none' | 'open' | 'ahead' | 'last';

function quoteAfter(quote: Quote, { level, message }: EnvoyLine): Quote {
  if (level === 'fatal' && message.includes(CONTENT_LEFT_OUT)) return 'ahead';
  return quote === 'open' ? 'none' : quote;
}

function readPlain(text: string, quote: Quote): string | undefined {
  if (quote === 'none') return withoutContent(text, 'info');
  if (quote !== 'ahead') return besideQuote(text);
  const message = withoutContent(`${text}\n`, 'fatal');
  return message === CONTENT_LEFT_OUT ? undefined : message;
}

function readAccessLine(text: string): EnvoyLine {
  const request = objectIn(text);
  if (request === undefined) return { kind: 'access', level: 'info', message: text };
  return { kind: 'access', level: 'info', message: 'request', request };
}

function readRecord(record: EnvoyRecord): EnvoyLine {
  const level = LEVELS[record.l] ?? 'info';
  return {
    kind: 'log',
    level,
    message: withoutContent(record.m, level),
    component: String(record.n),
    origin: String(record.s),
  };
}

interface EnvoyRecord {
  readonly l: string;
  readonly m: string;
  readonly n?: unknown;
  readonly s?: unknown;
}

/** Up to which the end of a cut record can be half an escape, `\u00e` being the longest. */
const MAX_BROKEN_END = 6;

/** A record that was too long, and so has lost its end, is one too. */
function recordIn(text: string): EnvoyRecord | undefined {
  const whole = asRecord(objectIn(text));
  if (whole !== undefined || !text.startsWith('{"t":"')) return whole;
  for (let dropped = 0; dropped <= MAX_BROKEN_END; dropped += 1) {
    const mended = asRecord(objectIn(`${text.slice(0, text.length - dropped)}"}`));
    if (mended !== undefined) return mended;
  }
  return { l: 'warning', m: CONTENT_LEFT_OUT };
}

function asRecord(found: Record<string, unknown> | undefined): EnvoyRecord | undefined {
  const { l, m, n, s } = found ?? {};
  return typeof l === 'string' && typeof m === 'string' ? { l, m, n, s } : undefined;
}

/** Stands for a quoted configuration. */
export const CONTENT_LEFT_OUT = '... (content left out)';

/**
 * Where a quoted configuration begins at any level (measured on Envoy 1.36 and 1.40): a message in
 * text form, JSON or YAML that can't be understood, the runtime's layers, a value that is no number;
 * and any PEM block.
 */
const QUOTE =
  /goo\.gle\/debug|(?<=\): ?)\{|(?<=Unable to convert YAML as JSON: )|(?<=^runtime: layers:)\n|-----BEGIN |(?<=invalid\s+number:\s+)'|^\w+ \{$/;
/** In complaints also any other JSON, and more lines: Envoy 1.36 does not mark its text form. */
const QUOTE_IN_COMPLAINT = new RegExp(`${QUOTE.source}|\\{\\s*"|\\n`);
/** A first line of the text form, e.g. `node {` or `seconds: -1`. */
const FIELD = /\b\w+(?: \{|: (?:"(?:[^"\\]|\\.)*"|[\w.-]+))$/;
/** What follows the text form; it names fields and limits, no values. */
const BROKEN_CONSTRAINT = /(?<=^: )Proto constraint validation failed \([^`]*/m;
/** The fatal reason between its quotes; after it Envoy quotes its command line's configuration. */
const FATAL = /^error `(.*)` initializing config '/s;

function withoutContent(message: string, level: Level): string {
  const reason = FATAL.exec(message)?.[1];
  if (reason !== undefined) return `error \`${withoutContent(reason, level)}\` initializing config`;
  const isComplaint = level === 'warn' || level === 'error' || level === 'fatal';
  const at = message.search(isComplaint ? QUOTE_IN_COMPLAINT : QUOTE);
  if (at < 0) return message;
  const before = message.slice(0, at);
  const isOpen = isComplaint && message[at] === '\n';
  const constraint = BROKEN_CONSTRAINT.exec(message.slice(at))?.[0].split('\n', 1)[0];
  const after = constraint === undefined ? '' : `: ${constraint}`;
  return `${isOpen ? before.replace(FIELD, '') : before}${CONTENT_LEFT_OUT}${after}`;
}

const CANNOT_BIND = /^cannot bind '[^']*': [\w ]+$/;

/** What a line amid quoted configuration says of itself, if anything. */
function besideQuote(text: string): string | undefined {
  return CANNOT_BIND.test(text) ? text : BROKEN_CONSTRAINT.exec(text)?.[0];
}

function objectIn(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** What a line is cut to; longer are only a quoted configuration and some access logs. */
export const MAX_LINE_LENGTH = 16_384;

/**
 * The whole lines in what came so far and what is left over for the next time. No line, and nothing
 * left over, is longer than MAX_LINE_LENGTH characters: the end of a longer one is dropped, so
 * memory stays bounded whatever is written.
 */
export function cutLines(
  leftOver: string,
  text: string,
): { lines: readonly string[]; leftOver: string } {
  const pieces = (leftOver + text).split('\n').map((piece) => piece.slice(0, MAX_LINE_LENGTH));
  return {
    leftOver: pieces.at(-1) ?? '',
    lines: pieces.slice(0, -1).filter((line) => line !== ''),
  };
}
