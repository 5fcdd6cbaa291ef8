/**
 * Who may change something over a TCP port. A loopback address is not enough: a browser on the same
 * machine and a proxy in the same pod have one as well.
 */
import type { HttpRequest } from '../ports.ts';

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;
const LOOPBACK_V4 = /^127(\.\d{1,3}){3}$/;

/** What a proxy puts on a request that it passes on, Envoy always. */
const RELAY_HEADERS = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-proto'] as const;

/** Whether a request may have come over a connection that one of our Envoys has made. */
export type IsEnvoys = (request: HttpRequest) => Promise<boolean>;

/** Why a request may not change anything, in one line; undefined when it may. */
export async function objectionTo(
  request: HttpRequest,
  isEnvoys: IsEnvoys,
): Promise<string | undefined> {
  return objectionToWords(request) ?? objectionToSender(request, isEnvoys);
}

/** An Envoy that passes on bytes says nothing of itself: it is known by its connection. */
export async function objectionToSender(
  request: HttpRequest,
  isEnvoys: IsEnvoys,
): Promise<string | undefined> {
  if (request.transport === 'unix') return undefined;
  return (await isEnvoys(request)) ? 'not through Envoy' : undefined;
}

function objectionToWords(request: HttpRequest): string | undefined {
  if (request.transport === 'unix') return undefined;
  // A proxy that takes what comes from outside to the pod's own address calls from loopback as well.
  if (!isLoopbackAddress(request.peer) || !isLoopbackAddress(request.localAddress)) {
    return 'only from a loopback address';
  }
  if (RELAY_HEADERS.some((name) => request.headers[name] !== undefined)) {
    return 'not through a proxy';
  }
  if (!hasLoopbackHost(request)) return 'only with one Host header that names a loopback address';
  return isFromOtherSite(request) ? 'not from a page of another site' : undefined;
}

/** A dual-stack listener names an IPv4 peer `::ffff:127.0.0.1`. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || LOOPBACK_V4.test(address.replace(/^::ffff:/i, ''));
}

/** Exactly one, so that nobody else reads another one than we do; a foreign one is DNS rebinding. */
export function hasLoopbackHost({ headers }: HttpRequest): boolean {
  const [host, ...more] = headers['host'] ?? [];
  return host !== undefined && more.length === 0 && LOOPBACK_HOST.test(host);
}

/** A page of this very server may ask; its Origin is the Host that it was loaded from. */
function isFromOtherSite({ headers }: HttpRequest): boolean {
  const origins = headers['origin'] ?? [];
  const own = `http://${headers['host']?.[0]}`.toLowerCase();
  return origins.some((origin) => origin.toLowerCase() !== own);
}
