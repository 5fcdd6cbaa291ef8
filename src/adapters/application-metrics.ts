/** The application's own page of metrics, asked for by HTTP; nothing of it is believed yet. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { urlToHttpOptions } from 'node:url';
import { AgentError } from '../core/agent-error.ts';
import { SCRAPE_MARK } from '../core/scrape-mark.ts';
import type { ApplicationMetrics } from '../ports.ts';

const MOST_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Ours is a page of text lines, and the way is a short one: nothing binary, nothing compressed. */
const HEADERS = {
  accept: 'text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1',
  'accept-encoding': 'identity',
  ...SCRAPE_MARK,
};

/** @param url What `BATON_APP_METRICS_URL` says; a user and password in it are sent. */
export function createApplicationMetrics(url: string): ApplicationMetrics {
  return {
    read: async (timeoutMs) => {
      const signal = AbortSignal.timeout(timeoutMs);
      const headers = { ...HEADERS, 'x-prometheus-scrape-timeout-seconds': `${timeoutMs / 1_000}` };
      const answer = await follow(new URL(url), { headers, signal });
      return {
        status: answer.statusCode ?? 0,
        contentType: answer.headers['content-type'],
        chunks: chunksOf(answer, signal),
        discard: () => void answer.destroy(),
      };
    },
  };
}

interface Call {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Only within the origin: a page that leads elsewhere would have us ask whomever it likes. */
async function follow(url: URL, call: Call): Promise<IncomingMessage> {
  let at = url;
  for (let count = 0; ; count += 1) {
    const answer = await ask(at, call);
    const next = count < MOST_REDIRECTS ? redirectOf(answer, at) : undefined;
    if (next === undefined) return answer;
    answer.destroy();
    at = next;
  }
}

function redirectOf({ statusCode = 0, headers }: IncomingMessage, from: URL): URL | undefined {
  const { location } = headers;
  if (!REDIRECTS.has(statusCode) || location === undefined || !URL.canParse(location, from.href)) {
    return undefined;
  }
  const to = new URL(location, from);
  to.username = from.username;
  to.password = from.password;
  return to.origin === from.origin ? to : undefined;
}

async function ask(url: URL, { headers, signal }: Call): Promise<IncomingMessage> {
  // Here and not above, as with what unpacks: Envoy's start is not to wait for them to be loaded.
  const send = url.protocol === 'https:' ? (await import('node:https')).request : httpRequest;
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => reject(failureOf('unreachable', cause, signal));
    const sent = send({ ...urlToHttpOptions(url), headers, signal, agent: false });
    sent.once('response', resolve);
    sent.on('error', fail);
    // An answer that is none to Node, such as a switch of protocols, ends in no other event.
    sent.once('close', () => fail(new Error('the connection was closed')));
    sent.end();
  });
}

/** A compressed page is unpacked as it is read: its reader decides how much of it that is. */
async function* chunksOf(answer: IncomingMessage, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    yield* await unpacked(answer);
    // To Node the end of a connection is that of a page without a length, ours included.
    signal.throwIfAborted();
  } catch (error) {
    throw error instanceof AgentError ? error : failureOf('cutOff', error, signal);
  }
}

async function unpacked(answer: IncomingMessage): Promise<AsyncIterable<Buffer>> {
  const encoding = answer.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return answer;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new AgentError('format', `Cannot unpack metrics that are encoded by "${encoding}".`);
  }
  const { createGunzip } = await import('node:zlib');
  // What goes wrong is thrown at who reads the end of it.
  return pipeline(answer, createGunzip(), () => {});
}

function failureOf(code: string, cause: unknown, signal: AbortSignal): AgentError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `Cannot read the application's metrics: ${reason}.`;
  return new AgentError(signal.aborted ? 'late' : code, message, { cause });
}
