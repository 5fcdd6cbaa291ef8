/** Answers of one launch's admin that are read while they come. */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { AgentError } from '../../core/agent-error.ts';
import type { AdminAnswer, StreamedAnswer } from '../../ports.ts';

const MOST_AT_ONCE = 4;

export interface Streams {
  /** @throws what Node says when it cannot be asked; AgentError `late` */
  open(path: string, timeoutMs: number): Promise<StreamedAnswer>;
  close(): void;
}

/** Apart from all other questions, so that a slow reader keeps nobody else waiting. */
export function createStreams(socketPath: string): Streams {
  const agent = new Agent({ keepAlive: true, maxSockets: MOST_AT_ONCE, maxFreeSockets: 1 });
  return {
    open: (path, timeoutMs) => openStream({ path, socketPath, timeoutMs, agent }),
    close: () => agent.destroy(),
  };
}

interface StreamQuestion {
  readonly path: string;
  readonly socketPath: string;
  /** For the whole of the answer. */
  readonly timeoutMs: number;
  readonly agent: Agent;
}

function openStream(question: StreamQuestion): Promise<StreamedAnswer> {
  const { path, socketPath, timeoutMs, agent } = question;
  const signal = AbortSignal.timeout(timeoutMs);
  const headers = { host: 'localhost' };
  const sent = httpRequest({ method: 'GET', path, socketPath, agent, signal, headers });
  return new Promise((resolve, reject) => {
    sent.once('response', (response) =>
      resolve({
        status: response.statusCode ?? 0,
        contentType: response.headers['content-type'],
        chunks: chunksOf(response, question, signal),
        discard: () => void response.destroy(),
      }),
    );
    sent.on('error', (error) => reject(signal.aborted ? lateness(question) : error));
    // An answer that is none to Node, such as a switch of protocols, ends in no other event.
    sent.once('close', () => reject(new Error('the connection was closed')));
    sent.end();
  });
}

/** One that was read already. */
export function wholeAsStream({ status, headers, body }: AdminAnswer): StreamedAnswer {
  const contentType = headers['content-type'];
  return {
    status,
    contentType: typeof contentType === 'string' ? contentType : undefined,
    chunks: slicesOf(body),
    discard: () => {},
  };
}

/** What takes one after the other needs no copy of the whole. */
const SLICE_BYTES = 65_536;

async function* slicesOf(body: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += SLICE_BYTES) yield body.subarray(at, at + SLICE_BYTES);
}

async function* chunksOf(
  response: IncomingMessage,
  question: StreamQuestion,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  try {
    yield* response as AsyncIterable<Buffer>;
    // To Node the end of a connection is that of an answer without a length, ours included.
    signal.throwIfAborted();
  } catch (cause) {
    if (signal.aborted) throw lateness(question);
    const message = `Cannot read all of ${question.path}: Envoy broke off.`;
    throw new AgentError('cutOff', message, { cause });
  }
}

function lateness({ path, timeoutMs }: StreamQuestion): AgentError {
  return new AgentError('late', `Cannot ask Envoy for ${path}: no end within ${timeoutMs} ms.`);
}
