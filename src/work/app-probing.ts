/**
 * Answers the probes that the kubelet would have sent to the application. Whoever asks chooses one
 * of the declared probes and nothing else: not where it goes, and not how long it may take.
 */
import { APP_PROBES_SETTING, type AppProbe } from '../core/app-probes.ts';
import { type Guest, leastWorthKeeping, partyOf } from '../core/making-room.ts';
import { passedHeaders } from '../core/passed-headers.ts';
import type { ApplicationAnswer, ApplicationQuestion, HttpAnswer, HttpRequest } from '../ports.ts';
import type { ApplicationParts } from './application.ts';
import { type Asking, askWithin } from './ask-within.ts';
import { textAnswer } from './http-answers.ts';

export type AppProbingParts = Pick<
  ApplicationParts,
  'declared' | 'probes' | 'clock' | 'podAddress' | 'statusPort' | 'closedPorts'
>;

/** Each is a connection to the application. */
const MOST_AT_ONCE = 64;
/**
 * Where probes come from on IPv4, as pilot-agent's do: rules that redirect a pod's traffic to Envoy
 * know it and let it through.
 */
const PROBE_ADDRESS = '127.0.0.6';

type Probing = Guest & Pick<Asking, 'stop'>;

export function createAppProbing(
  parts: AppProbingParts,
): (path: string, request: HttpRequest) => Promise<HttpAnswer> {
  const underway = new Set<Probing>();

  function giveUp(probing: Probing | undefined): void {
    if (probing === undefined) return;
    underway.delete(probing);
    probing.stop('others came after it');
  }

  async function put(probe: AppProbe, request: HttpRequest): Promise<ApplicationAnswer> {
    if (underway.size >= MOST_AT_ONCE) giveUp(leastWorthKeeping(underway));
    const question = questionOf(probe, request, parts);
    const { answer, stop } = askWithin({ ...parts, question, timeoutMs: probe.timeoutMs });
    const probing: Probing = { party: partyOf(request.peer), use: 'waiting', byteCount: 0, stop };
    underway.add(probing);
    return answer.finally(() => underway.delete(probing));
  }

  return async (path, request) => {
    const probe = parts.declared.get(path);
    if (probe === undefined) return unknownProbe(path);
    return answerOf(await put(probe, request));
  };
}

function questionOf(
  probe: AppProbe,
  { headers }: HttpRequest,
  { podAddress: host, statusPort, closedPorts }: AppProbingParts,
): ApplicationQuestion {
  const { port } = probe;
  const isIpv6 = host.includes(':');
  const place = { host, port, ...(isIpv6 ? {} : { localAddress: PROBE_ADDRESS }) };
  switch (probe.kind) {
    case 'httpGet':
      return {
        ...place,
        kind: 'httpGet',
        url: `${probe.scheme}://${isIpv6 ? `[${host}]` : host}:${port}${probe.path}`,
        headers: passedHeaders(headers, { own: statusPort, asked: port }),
        // As the kubelet does: what a probe looks at is whether there is an answer.
        isUnverified: true,
        closedPorts: closedPorts(),
      };
    case 'tcpSocket':
      return { ...place, kind: 'tcpSocket' };
    case 'grpc':
      return { ...place, kind: 'grpc', service: probe.service };
  }
}

/** The kubelet takes a redirect elsewhere for a success; passed on it would lead the kubelet there. */
function answerOf(answer: ApplicationAnswer): HttpAnswer {
  if (!answer.isAnswered) return textAnswer(500, `Cannot probe the application: ${answer.reason}.`);
  const { status, body } = answer;
  if (status >= 300 && status <= 399) return textAnswer(200, 'ok');
  return { ...textAnswer(status, ''), body };
}

function unknownProbe(path: string): HttpAnswer {
  const shown = JSON.stringify(path.slice(0, 200));
  return textAnswer(400, `Cannot probe ${shown}: ${APP_PROBES_SETTING} does not name it.`);
}
