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

/** Never fails: what is no record is taken as plain text, one level above what hides. */
export function readEnvoyLine(stream: 'stdout' | 'stderr', text: string): EnvoyLine {
  const record = objectIn(text);
  if (stream === 'stdout') {
    if (record === undefined) return { kind: 'access', level: 'info', message: text };
    return { kind: 'access', level: 'info', message: 'request', request: record };
  }
  if (record === undefined || typeof record['m'] !== 'string') {
    return { kind: 'plain', level: 'warn', message: text };
  }
  return {
    kind: 'log',
    level: LEVELS[String(record['l'])] ?? 'info',
    message: record['m'],
    component: String(record['n']),
    origin: String(record['s']),
  };
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

/** What a line is cut to; Envoy's own are far shorter, an access log's may not be. */
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
