/** Questions to one launch's admin: each by itself, or in turn over a connection that is kept. */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AdminAnswer, Cancel } from '../../ports.ts';

export interface Question {
  readonly method: string;
  readonly path: string;
  readonly socketPath: string;
  readonly body?: Buffer | undefined;
}

export interface Limits {
  /** Infinity: for as long as the connection lasts. */
  readonly timeoutMs: number;
  /** A longer answer is refused. */
  readonly maxBytes: number;
}

export interface KeptConnection {
  /**
   * Rejects when the answer is late, and drops it when it comes. A question that has not been sent
   * by then never is. @throws Error with the reason alone.
   */
  ask(question: Question, limits: Limits): Promise<AdminAnswer>;
  /** Fails all that is unanswered, and every question from now on. */
  close(): void;
}

/**
 * What is left of an answer that is too long is read and dropped, to spare the connection; up to
 * here, in case it has no end.
 */
const MOST_BYTES = 64 * 1024 * 1024;

/** Codes of our own beside those of the system. */
export const CHANNEL_CLOSED = 'channelClosed';
export const CONNECTION_CLOSED = 'connectionClosed';

function withCode(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/**
 * One connection, made with the first question and again after the peer has ended it. A launch may
 * have closed its listener, and could then never be asked again: so neither a late answer nor one
 * that is too long costs the connection.
 */
export function keepConnection(): KeptConnection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 });
  const inTurn = createTurns();
  let isClosed = false;

  const ask: KeptConnection['ask'] = (question, { timeoutMs, maxBytes }) => {
    const limit = timeLimit(timeoutMs);
    const mostBytes = Math.max(maxBytes, MOST_BYTES);
    let withdraw: Cancel = () => {};
    const answered = new Promise<AdminAnswer>((resolve, reject) => {
      const send = async () => {
        try {
          if (isClosed) throw withCode(CHANNEL_CLOSED, 'the channel is closed');
          const { answer, over } = exchange(question, { agent, maxBytes, mostBytes });
          answer.then(resolve, reject);
          await over;
        } catch (error) {
          reject(error);
        }
      };
      withdraw = inTurn(send);
    });
    return within(limit, timeoutMs, answered).finally(() => withdraw());
  };
  return {
    ask,
    close: () => {
      isClosed = true;
      agent.destroy();
    },
  };
}

/** Begins what it is given when all before it has ended. What is withdrawn by then never begins. */
function createTurns(): (act: () => Promise<void>) => Cancel {
  const waiting = new Set<() => Promise<void>>();
  let isBusy = false;
  const goOn = async () => {
    if (isBusy) return;
    isBusy = true;
    for (const act of waiting) {
      waiting.delete(act);
      await act();
    }
    isBusy = false;
  };
  return (act) => {
    waiting.add(act);
    void goOn();
    return () => void waiting.delete(act);
  };
}

export interface Bounds {
  readonly agent: Agent;
  readonly maxBytes: number;
  /** An answer longer than this ends the connection. */
  readonly mostBytes: number;
  /** Ends the connection. @default nothing does */
  readonly signal?: AbortSignal | undefined;
}

export interface Exchange {
  readonly answer: Promise<AdminAnswer>;
  /** The connection is free again, or gone; never rejects. */
  readonly over: Promise<void>;
}

/** @throws Error when it is no question that can be sent. */
export function exchange({ body, ...call }: Question, bounds: Bounds): Exchange {
  const { agent, signal } = bounds;
  const headers = { host: 'localhost', 'content-length': body?.length ?? 0 };
  const sent = httpRequest({ ...call, agent, signal, headers });
  const over = new Promise<void>((resolve) => sent.once('close', resolve));
  const answer = new Promise<AdminAnswer>((resolve, reject) => {
    let isAnswered = false;
    sent.once('response', (response) => {
      isAnswered = true;
      readAnswer(response, bounds).then(resolve, reject);
    });
    sent.on('error', reject);
    // An answer that is none to Node, such as a switch of protocols, ends in no other event.
    sent.once('close', () => {
      if (!isAnswered) reject(withCode(CONNECTION_CLOSED, 'the connection was closed'));
    });
  });
  sent.end(body);
  return { answer, over };
}

async function readAnswer(
  response: IncomingMessage,
  { maxBytes, mostBytes }: Bounds,
): Promise<AdminAnswer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const refusal = () => new Error(`the answer is longer than ${maxBytes} bytes`);
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > mostBytes) throw refusal();
    if (length <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (length > maxBytes) throw refusal();
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks),
  };
}

/** Undefined when there is none. */
export function timeLimit(timeoutMs: number): AbortSignal | undefined {
  return Number.isFinite(timeoutMs) ? AbortSignal.timeout(timeoutMs) : undefined;
}

/** The answer, or a rejection as soon as it is late. */
export function within(
  limit: AbortSignal | undefined,
  timeoutMs: number,
  answer: Promise<AdminAnswer>,
): Promise<AdminAnswer> {
  return new Promise((resolve, reject) => {
    const isLate = () => reject(new Error(`no answer within ${timeoutMs} ms`));
    limit?.addEventListener('abort', isLate);
    // The limit goes on to its end, and would keep the whole answer until then.
    const forget = () => limit?.removeEventListener('abort', isLate);
    answer.finally(forget).then(resolve, reject);
  });
}
