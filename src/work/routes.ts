/** What is answered on the status port and on the control socket: one table, from facts to answers. */
import type { Status } from '../core/status.ts';
import type { HttpAnswer, HttpRequest, HttpRoutes } from '../ports.ts';
import { durationMs } from '../settings/duration.ts';
import type { AgentFace } from './agent-face.ts';
import { jsonAnswer, passOn, textAnswer } from './http-answers.ts';
import { isLoopbackAddress, objectionTo } from './local-request.ts';
import { LOG_LEVELS } from './log-level.ts';
import { answerPage, answerPageEvents } from './page-answers.ts';
import { answerAppProbe, answerReady, answerStartup, isAppProbe } from './probe-routes.ts';
import { answerRestart, type RestartAnswer, restartAnswer } from './restart-route.ts';
import { answerScrape, METRICS_TYPE } from './scrape-route.ts';

/** POST routes change something: on a TCP port they are for local askers only. */
interface Route {
  readonly method: 'GET' | 'POST';
  readonly answer: (
    face: AgentFace,
    query: URLSearchParams,
    request: HttpRequest,
  ) => HttpAnswer | Promise<HttpAnswer>;
}

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/healthz/ready', { method: 'GET', answer: (face, _, request) => answerReady(face, request) }],
  ['/healthz/startup', { method: 'GET', answer: answerStartup }],
  ['/healthz/live', { method: 'GET', answer: () => textAnswer(200, 'live') }],
  ['/metrics', { method: 'GET', answer: answerMetrics }],
  [
    '/stats/prometheus',
    { method: 'GET', answer: (face, ...asked) => answerScrape(face.scrape, ...asked) },
  ],
  ['/status', { method: 'GET', answer: answerStatus }],
  ['/history', { method: 'GET', answer: (face) => jsonAnswer(200, face.history()) }],
  ['/', { method: 'GET', answer: answerPage }],
  ['/events', { method: 'GET', answer: answerPageEvents }],
  ['/restart', { method: 'POST', answer: answerRestart }],
  ['/drain', { method: 'POST', answer: answerDrain }],
  ['/undrain', { method: 'POST', answer: answerUndrain }],
  ['/logging', { method: 'POST', answer: answerLogging }],
  ['/quitquitquit', { method: 'POST', answer: answerQuit }],
]);

/** Every path under `/app-health/`: which of them there are is for the settings to say. */
const APP_PROBE: Route = {
  method: 'GET',
  answer: (face, _, request) => answerAppProbe(face, request),
};

const ADMIN_PREFIX = '/admin/';

/** What `BATON_METRICS_ACCESS` says. */
export type MetricsAccess = 'all' | 'local';

const METRICS_PATHS: ReadonlySet<string> = new Set(['/metrics', '/stats/prometheus']);

/** The status port: readable for the whole pod, but for metrics where a setting keeps them. */
export function statusRoutes(face: AgentFace, metricsAccess: MetricsAccess = 'all'): HttpRoutes {
  return async (request) => {
    const { path, query } = splitTarget(request.target);
    const route = ROUTES.get(path) ?? (isAppProbe(path) ? APP_PROBE : undefined);
    if (route === undefined) return textAnswer(404, 'not found');
    if (metricsAccess === 'local' && METRICS_PATHS.has(path) && !isLocal(request)) {
      return textAnswer(403, 'forbidden: only from a loopback address');
    }
    return (await refusalOf(route, face, request)) ?? route.answer(face, query, request);
  };
}

/** The control socket: the same, and the serving launch's admin under `/admin/`. */
export function controlRoutes(face: AgentFace): HttpRoutes {
  const answerStatus = statusRoutes(face);
  return async (request) => {
    const { method, target, body } = request;
    if (!target.startsWith(ADMIN_PREFIX)) return answerStatus(request);
    return passOn(() => face.adminRequest(method, target.slice(ADMIN_PREFIX.length - 1), body));
  };
}

function isLocal({ transport, peer }: HttpRequest): boolean {
  return transport === 'unix' || isLoopbackAddress(peer);
}

/** Who asks comes before how they ask, so that a stranger learns nothing from the method. */
async function refusalOf(
  route: Route,
  { isEnvoys }: AgentFace,
  request: HttpRequest,
): Promise<HttpAnswer | undefined> {
  const objection = route.method === 'POST' ? await objectionTo(request, isEnvoys) : undefined;
  if (objection !== undefined) return textAnswer(403, `forbidden: ${objection}`);
  const allowed = route.method === 'POST' ? ['POST'] : ['GET', 'HEAD'];
  if (allowed.includes(request.method)) return undefined;
  return textAnswer(405, 'method not allowed', { allow: allowed.join(', ') });
}

/** Paths are compared as sent: what is spelled in another way is not found. */
function splitTarget(target: string): { path: string; query: URLSearchParams } {
  const at = target.indexOf('?');
  if (at < 0) return { path: target, query: new URLSearchParams() };
  return { path: target.slice(0, at), query: new URLSearchParams(target.slice(at + 1)) };
}

/** As a probe would be told it, also over the control socket. */
async function answerStatus(face: AgentFace): Promise<HttpAnswer> {
  await face.application.readiness();
  return jsonAnswer(200, face.status());
}

async function answerMetrics(face: AgentFace): Promise<HttpAnswer> {
  return { status: 200, headers: { 'content-type': METRICS_TYPE }, body: await face.metricsText() };
}

function answerLogging(face: AgentFace, query: URLSearchParams): HttpAnswer {
  const level = [...LOG_LEVELS, 'default' as const].find((name) => name === query.get('level'));
  if (level === undefined) {
    return textAnswer(400, `Expected level to be one of ${LOG_LEVELS.join(', ')} or default.`);
  }
  const time = query.get('for');
  const forMs = time === null ? undefined : durationMs(time);
  if (time !== null && forMs === undefined) {
    return textAnswer(400, 'Expected for to be a duration like 45s or 10m.');
  }
  const now = face.changeLogLevel({ level, ...(forMs === undefined ? {} : { forMs }) });
  const comesBack = time !== null && level !== 'default';
  return textAnswer(200, comesBack ? `${now} for ${time}, then as the settings say` : now);
}

/**
 * Does not wait for the last connection, as pilot-agent's does not: `/status` counts them. 409 while
 * the agent stops: it drains by its plan, and may be ready until that begins.
 */
function answerDrain(face: AgentFace): HttpAnswer {
  if (isStopping(face.status())) return textAnswer(409, 'The agent is stopping.');
  face.requestDrain('asked by /drain');
  return textAnswer(200, 'draining');
}

/** 409 when the handover failed, the agent stops, or someone asked for a drain again meanwhile. */
async function answerUndrain(face: AgentFace): Promise<HttpAnswer> {
  const end = await face.requestUndrain();
  if (end === undefined) return jsonAnswer(200, { result: 'notNeeded' } satisfies UndrainAnswer);
  const status = face.status();
  const isDrained = status.drained !== undefined || isStopping(status);
  const answer: UndrainAnswer = { ...restartAnswer(end), isDrained };
  return jsonAnswer(isDrained ? 409 : 200, answer);
}

function isStopping({ phase }: Status): boolean {
  return phase === 'draining' || phase === 'stopped';
}

/** The body of the answer to `/undrain`. */
export type UndrainAnswer =
  /** It was not drained, or nobody serves who was. */
  | { readonly result: 'notNeeded' }
  /** How the handover to an Envoy that was never told to go ended. */
  | (RestartAnswer & { readonly isDrained: boolean });

function answerQuit(face: AgentFace): HttpAnswer {
  face.requestStop('now', 'asked by /quitquitquit');
  return textAnswer(200, 'stopping');
}
