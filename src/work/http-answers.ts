/** The few shapes our answers have. */
import { AgentError } from '../core/agent-error.ts';
import type { AdminAnswer, HttpAnswer } from '../ports.ts';

/** One line of text. */
export function textAnswer(
  status: number,
  line: string,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  const contentType = 'text/plain; charset=utf-8';
  return { status, headers: { 'content-type': contentType, ...headers }, body: `${line}\n` };
}

export function jsonAnswer(status: number, value: object): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: `${JSON.stringify(value)}\n`,
  };
}

/** What Envoy's admin answered, or 503 and why there is no answer: it may be worth another try. */
export async function passOn(ask: () => Promise<AdminAnswer>): Promise<HttpAnswer> {
  try {
    const { status, headers, body } = await ask();
    return { status, headers: passedHeaders(headers), body };
  } catch (error) {
    if (error instanceof AgentError) return textAnswer(503, error.message, { 'retry-after': '1' });
    throw error;
  }
}

/** The others belong to the connection, or are what our listener sets by itself. */
const PASSED_HEADERS = ['content-type', 'content-encoding'] as const;

function passedHeaders(headers: AdminAnswer['headers']): Record<string, string> {
  const entries = PASSED_HEADERS.flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return Object.fromEntries(entries);
}
