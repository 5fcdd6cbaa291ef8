/**
 * The probes of the application's containers that the kubelet asks of us instead, in the form that
 * Istio's injector writes them: an object of probes by the path under which each is asked here.
 */

/** What is asked, and of which port; where that port is, no asker has a say in. */
export type AppProbe =
  | (Common & { readonly kind: 'httpGet'; readonly scheme: Scheme; readonly path: string })
  | (Common & { readonly kind: 'tcpSocket' })
  | (Common & { readonly kind: 'grpc'; readonly service: string });

export type AppProbes = ReadonlyMap<string, AppProbe>;

interface Common {
  readonly port: number;
  readonly timeoutMs: number;
}

type Scheme = 'http' | 'https';

export const APP_PROBES_SETTING = 'ISTIO_KUBE_APP_PROBERS';

const KINDS = ['httpGet', 'tcpSocket', 'grpc'] as const;
const KEY = /^\/app-health\/[^/]+\/(?:livez|readyz|startupz)$/;
const HOOK = /^\/app-lifecycle\//;
const MOST_PROBES = 1_000;
const DEFAULT_TIMEOUT_SECONDS = 1;
const MOST_TIMEOUT_SECONDS = 60;

/** Each problem in one line, without anything but keys: a header may be a secret. */
export interface AppProbesRead {
  readonly probes: AppProbes;
  readonly problems: readonly string[];
}

/**
 * Reads the variable; empty for none. What the kubelet does itself (periods, thresholds) and headers,
 * which come with its requests, are passed over.
 *
 * @param ownPort The status port's: a probe of it would ask itself in a circle.
 */
export function readAppProbes(text: string, ownPort: number): AppProbesRead {
  if (text.trim() === '') return { probes: new Map(), problems: [] };
  const tree = parsed(text);
  if (tree === undefined) return refused(['it is not JSON']);
  if (!isObject(tree)) return refused(['it is not an object of probes by path']);
  const entries = Object.entries(tree);
  if (entries.length > MOST_PROBES) return refused([`it has more than ${MOST_PROBES} probes`]);
  const probes = new Map<string, AppProbe>();
  const reasons: string[] = [];
  for (const [key, value] of entries) {
    const probe = keyProblem(key) ?? probeOf(value, ownPort);
    if (typeof probe === 'string') reasons.push(`${shown(key)} ${probe}`);
    else probes.set(key, probe);
  }
  return { probes, problems: refused(reasons).problems };
}

function refused(reasons: readonly string[]): AppProbesRead {
  const problems = reasons.map((reason) => `Cannot use ${APP_PROBES_SETTING}: ${reason}.`);
  return { probes: new Map(), problems };
}

function keyProblem(key: string): string | undefined {
  if (HOOK.test(key)) return 'is a hook, and hooks are not taken over';
  return KEY.test(key)
    ? undefined
    : 'is not of the form /app-health/CONTAINER/livez, /readyz or /startupz';
}

/** The probe, or what is wrong with it. */
function probeOf(value: unknown, ownPort: number): AppProbe | string {
  if (!isObject(value)) return 'is not an object';
  if (isThere(value['exec'])) return 'is an exec probe, which the kubelet runs by itself';
  const kinds = KINDS.filter((kind) => isThere(value[kind]));
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const found = kinds.length === 0 ? 'none of them' : kinds.join(' and ');
    return `must have exactly one of ${KINDS.join(', ')}, and has ${found}`;
  }
  const action = value[kind];
  if (!isObject(action)) return `has a ${kind} that is not an object`;
  const { port } = action;
  if (!isIntegerIn(port, 1, 65_535)) return 'must have a port that is a number from 1 to 65535';
  if (port === ownPort) return `asks port ${port}, which is BATON_STATUS_PORT: itself`;
  const timeoutMs = timeoutOf(value['timeoutSeconds']);
  if (timeoutMs === undefined) return 'must have timeoutSeconds that are a whole number, 0 or more';
  return actionOf(kind, action, { port, timeoutMs });
}

function actionOf(kind: AppProbe['kind'], action: Fields, common: Common): AppProbe | string {
  switch (kind) {
    case 'httpGet':
      return httpGetOf(action, common);
    case 'tcpSocket':
      return { kind, ...common };
    case 'grpc': {
      const service = action['service'] ?? '';
      if (typeof service !== 'string') return 'must have a service that is a text';
      return { kind, ...common, service };
    }
  }
}

function httpGetOf({ path = '', scheme = '' }: Fields, common: Common): AppProbe | string {
  if (typeof path !== 'string') return 'must have a path that is a text';
  if (scheme !== '' && scheme !== 'HTTP' && scheme !== 'HTTPS') {
    return 'must have the scheme HTTP or HTTPS';
  }
  return {
    kind: 'httpGet',
    ...common,
    scheme: scheme === 'HTTPS' ? 'https' : 'http',
    path: path.startsWith('/') ? path : `/${path}`,
  };
}

/** None or 0 is what the kubelet takes for none; more than we would wait is cut. */
function timeoutOf(seconds: unknown): number | undefined {
  if (!isThere(seconds) || seconds === 0) return DEFAULT_TIMEOUT_SECONDS * 1_000;
  if (!isIntegerIn(seconds, 1, 2 ** 31)) return undefined;
  return Math.min(seconds, MOST_TIMEOUT_SECONDS) * 1_000;
}

type Fields = Readonly<Record<string, unknown>>;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is written in Go has null for what is not there. */
function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isIntegerIn(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}

function shown(key: string): string {
  return JSON.stringify(key.length > 100 ? `${key.slice(0, 100)}...` : key);
}
