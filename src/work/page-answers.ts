/** The page and its events as answers, with what the browser is allowed. */
import { createHash } from 'node:crypto';
import { pageAssets } from '../page/page.ts';
import type { HttpAnswer } from '../ports.ts';
import type { AgentFace } from './agent-face.ts';

/** With what the application says of itself by now. */
export async function answerPage(face: AgentFace): Promise<HttpAnswer> {
  await face.application.readiness();
  return { status: 200, headers: pageHeaders(), body: face.pageText() };
}

export function answerPageEvents(face: AgentFace): HttpAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' },
    body: face.pageEvents(),
  };
}

let headers: HttpAnswer['headers'] | undefined;

/** The page's own script and style alone, requests to where it came from, and nothing else. */
function pageHeaders(): HttpAnswer['headers'] {
  headers ??= {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': [
      "default-src 'none'",
      `script-src '${sourceHash(pageAssets.script)}'`,
      `style-src '${sourceHash(pageAssets.style)}'`,
      "connect-src 'self'",
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
  };
  return headers;
}

function sourceHash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
