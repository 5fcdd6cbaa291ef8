/** Asks a running agent over the control socket in its run directory. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { CONTROL_SOCKET } from '../core/file-names.ts';
import type { Clock } from '../ports.ts';

/** `noAgent`: nobody listens there. `lost`: someone did and went away without an answer. */
export type ControlAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly body: Buffer }
  | { readonly kind: 'noAgent'; readonly reason: string; readonly isDenied?: true }
  | { readonly kind: 'lost'; readonly reason: string }
  | { readonly kind: 'timedOut' };

export interface ControlClient {
  readonly socketPath: string;
  /** Never rejects; an answer is cut off by `timeoutMs` and may be 32 MiB long. */
  ask(method: string, path: string, timeoutMs: number): Promise<ControlAnswer>;
  /** Posts; every line of the answer is passed on as soon as it is there, the whole is returned. */
  follow(path: string, following: Following): Promise<ControlAnswer>;
}

export interface Following {
  readonly timeoutMs: number;
  readonly onLine: (line: string) => void;
}

const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** A client of the agent whose run directory this is; nothing is connected before it is asked. */
export function createControlClient(runDirectory: string, clock: Clock): ControlClient {
  const socketPath = join(runDirectory, CONTROL_SOCKET);
  return {
    socketPath,
    ask: (method, path, timeoutMs) => ask({ socketPath, method, path, timeoutMs, clock }),
    follow: (path, following) => ask({ socketPath, method: 'POST', path, clock, ...following }),
  };
}

interface Question {
  readonly socketPath: string;
  readonly method: string;
  readonly path: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly onLine?: Following['onLine'];
}

function ask(question: Question): Promise<ControlAnswer> {
  const { socketPath, method, path, timeoutMs, clock } = question;
  const asked = new AbortController();
  const cancel = clock.after(timeoutMs, () => asked.abort());
  const answered = new Promise<ControlAnswer>((resolve, reject) => {
    const options = { socketPath, method, path: printable(path), agent: false };
    const request = httpRequest({ ...options, signal: asked.signal }, (response) => {
      readAnswer(response, linesTo(question.onLine)).then(resolve, reject);
    });
    request.on('error', reject);
    request.end();
  });
  return answered
    .catch(
      (error: NodeJS.ErrnoException): ControlAnswer =>
        asked.signal.aborted ? { kind: 'timedOut' } : failureOf(error),
    )
    .finally(cancel);
}

/** Takes text as it comes; what is behind the last line break waits for its end. */
function linesTo(onLine: Following['onLine'] = () => {}): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
}

async function readAnswer(
  response: IncomingMessage,
  take: (text: string) => void,
): Promise<ControlAnswer> {
  const decoder = new TextDecoder();
  const chunks: Buffer[] = [];
  let byteCount = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    byteCount += chunk.length;
    if (byteCount > MAX_ANSWER_BYTES) return { kind: 'lost', reason: 'its answer is too long' };
    chunks.push(chunk);
    take(decoder.decode(chunk, { stream: true }));
  }
  return { kind: 'answered', status: response.statusCode ?? 0, body: Buffer.concat(chunks) };
}

/** What keeps a connection from being made, as opposed to what ends one. */
const NO_AGENT_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  ENOTDIR: 'there is no such socket',
  ECONNREFUSED: 'nobody listens on it any more, its agent has ended',
  ENOTSOCK: 'it is not a socket',
  EACCES: 'permission denied',
  EINVAL: 'its path is too long',
  ENAMETOOLONG: 'its path is too long',
};

function failureOf({ code, message }: NodeJS.ErrnoException): ControlAnswer {
  const reason = code === undefined ? undefined : NO_AGENT_REASONS[code];
  return reason === undefined
    ? { kind: 'lost', reason: code ?? message }
    : { kind: 'noAgent', reason, ...(code === 'EACCES' ? { isDenied: true } : {}) };
}

/** `node:http` throws at a space or a letter beyond ASCII. */
function printable(path: string): string {
  return path.replaceAll(/[^\x21-\x7e]/gu, (sign) =>
    [...Buffer.from(sign)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}
