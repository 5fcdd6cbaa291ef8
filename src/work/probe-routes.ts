/** What the kubelet asks: whether the pod is ready, whether it has started, and the application's own. */
import { joinedReadiness, type Readiness } from '../core/readiness.ts';
import type { HttpAnswer, HttpRequest } from '../ports.ts';
import type { AgentFace } from './agent-face.ts';
import { textAnswer } from './http-answers.ts';

const APP_PROBES = '/app-health/';

/** The agent's own reason comes first; who asks over the control socket hears of nothing else. */
export async function answerReady(
  face: AgentFace,
  { transport }: Pick<HttpRequest, 'transport'>,
): Promise<HttpAnswer> {
  const own = face.readiness();
  // What waits over there for Envoy may be the very start of the application.
  if (!own.ready || transport === 'unix') return answerFor(own);
  const application = await face.application.readiness();
  return answerFor(joinedReadiness(face.readiness(), application));
}

/** Of the agent alone: with a native sidecar the application starts after this. */
export function answerStartup(face: AgentFace): HttpAnswer {
  return answerFor(face.startup(), 'started');
}

export function isAppProbe(path: string): boolean {
  return path.startsWith(APP_PROBES);
}

export function answerAppProbe(face: AgentFace, request: HttpRequest): Promise<HttpAnswer> {
  const path = request.target.split('?', 1)[0] ?? request.target;
  return face.application.probe(path, request);
}

function answerFor(readiness: Readiness, good = 'ready'): HttpAnswer {
  return readiness.ready ? textAnswer(200, good) : textAnswer(503, readiness.reason);
}
