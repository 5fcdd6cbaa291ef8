/** Reads one HTTP/1.1 answer with a content-length, byte by byte accounted for. */

export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

export interface AnswerReader {
  /** @returns the answer once its last byte is there; `unreadable` when it never will be. */
  push(chunk: Buffer): Answer | 'incomplete' | 'unreadable';
}

const MAX_HEAD_BYTES = 16 * 1024;
const MAX_BODY_BYTES = 1024 * 1024;

export function readAnswer(): AnswerReader {
  let received: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const headEnd = received.indexOf('\r\n\r\n');
      if (headEnd < 0) return received.length > MAX_HEAD_BYTES ? 'unreadable' : 'incomplete';
      return completeAnswer(
        received.toString('latin1', 0, headEnd),
        received.subarray(headEnd + 4),
      );
    },
  };
}

function completeAnswer(head: string, body: Buffer): Answer | 'incomplete' | 'unreadable' {
  const [statusLine = '', ...fields] = head.split('\r\n');
  const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(statusLine)?.[1];
  const headers = new Map(fields.map(headerOf));
  const length = /^\d{1,7}$/.exec(headers.get('content-length') ?? '')?.[0];
  if (status === undefined || length === undefined) return 'unreadable';
  const bytes = Number(length);
  if (bytes > MAX_BODY_BYTES || body.length > bytes) return 'unreadable';
  return body.length < bytes ? 'incomplete' : { status: Number(status), headers, body };
}

function headerOf(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
