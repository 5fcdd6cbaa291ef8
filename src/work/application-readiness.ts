/**
 * What the application says of its own readiness. It is asked when we are: nobody who probes costs
 * nothing, and a thousand probes in a second cost one question.
 */
import type { LogRecord } from '../core/log-record.ts';
import type { Readiness } from '../core/readiness.ts';
import type { ApplicationAnswer } from '../ports.ts';
import type { Application, ApplicationParts } from './application.ts';
import { askWithin } from './ask-within.ts';

export type ApplicationReadinessParts = Pick<
  ApplicationParts,
  'readyUrl' | 'probes' | 'clock' | 'closedPorts' | 'record'
>;

/** The kubelet gives a probe one second in all unless told otherwise. */
const ANSWER_WITHIN_MS = 800;
const FRESH_FOR_MS = 1_000;

/** Never takes longer than 800 ms, and never rejects. A reason is the application's alone. */
export function createApplicationReadiness(
  parts: ApplicationReadinessParts,
): Pick<Application, 'readiness' | 'known'> {
  const { readyUrl, clock } = parts;
  let known: { readonly readiness: Readiness; readonly atMs: number } | undefined;
  let asking: Promise<Readiness> | undefined;
  if (readyUrl === undefined) {
    return { readiness: async () => ({ ready: true }), known: () => undefined };
  }

  const url = readyUrl;

  async function ask(): Promise<Readiness> {
    const question = questionFor(url, parts.closedPorts());
    const { answer } = askWithin({ ...parts, question, timeoutMs: ANSWER_WITHIN_MS });
    const readiness = readinessIn(await answer);
    if (readiness.ready !== known?.readiness.ready) parts.record(recordOf(readiness));
    known = { readiness, atMs: clock.moment().atMs };
    asking = undefined;
    return readiness;
  }

  async function freshReadiness(): Promise<Readiness> {
    if (known !== undefined && clock.moment().atMs - known.atMs < FRESH_FOR_MS) {
      return known.readiness;
    }
    asking ??= ask();
    return asking;
  }

  return { readiness: freshReadiness, known: () => known?.readiness };
}

/** A certificate is looked at unless the application is on this very machine. */
function questionFor(url: string, closedPorts: readonly number[]) {
  const { hostname } = new URL(url);
  const isUnverified = /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
  return { kind: 'httpGet', url, headers: {}, isUnverified, closedPorts } as const;
}

function readinessIn(answer: ApplicationAnswer): Readiness {
  const reason = reasonIn(answer);
  return reason === undefined ? { ready: true } : { ready: false, reason };
}

function reasonIn(answer: ApplicationAnswer): string | undefined {
  if (!answer.isAnswered) return answer.reason;
  const { status } = answer;
  if (status >= 200 && status <= 299) return undefined;
  return status >= 300 && status <= 399
    ? `it redirects elsewhere (${status})`
    : `it answers ${status}`;
}

function recordOf(readiness: Readiness): LogRecord {
  return readiness.ready
    ? { level: 'info', message: 'application ready', fields: {} }
    : { level: 'warn', message: 'application not ready', fields: { reason: readiness.reason } };
}
