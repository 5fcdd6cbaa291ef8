/** The stable admin port: Envoy's own admin API, always that of the launch that serves. */
import type { HttpRequest, HttpRoutes } from '../ports.ts';
import type { AgentFace } from './agent-face.ts';
import { passOn, textAnswer } from './http-answers.ts';
import {
  hasLoopbackHost,
  type IsEnvoys,
  isLoopbackAddress,
  objectionTo,
  objectionToSender,
} from './local-request.ts';

/**
 * What a listener of the bootstrap may route here for probes and scrapes. Such a request carries
 * the Host of whoever asked the listener, and tells nothing that is worth guarding.
 */
const RELAYED_PATHS: ReadonlySet<string> = new Set(['/ready', '/stats', '/stats/prometheus']);

export function adminRoutes(face: AgentFace): HttpRoutes {
  return async (request) => {
    const { method, target, body } = request;
    const objection = await adminObjectionTo(request, face.isEnvoys);
    if (objection !== undefined) return textAnswer(403, `forbidden: ${objection}`);
    if (!target.startsWith('/')) return textAnswer(400, 'Expected a path that begins with "/".');
    return passOn(() => face.adminRequest(method, target, body));
  };
}

async function adminObjectionTo(
  request: HttpRequest,
  isEnvoys: IsEnvoys,
): Promise<string | undefined> {
  if (!isRead(request.method)) return objectionTo(request, isEnvoys);
  if (!isLoopbackAddress(request.peer)) return 'only from a loopback address';
  if (RELAYED_PATHS.has(pathOf(request.target))) return undefined;
  if (hasLoopbackHost(request)) return objectionToSender(request, isEnvoys);
  return 'only with one Host header that names a loopback address';
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

function pathOf(target: string): string {
  return target.split('?', 1)[0] ?? target;
}
