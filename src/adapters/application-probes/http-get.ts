/** A GET as the kubelet sends it: redirects are followed within the same host and nowhere else. */
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import type { RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import type { ApplicationAnswer, HttpGetQuestion } from '../../ports.ts';

/** The kubelet's own limits. */
const MOST_REDIRECTS = 10;
const MOST_BODY_BYTES = 10_240;
const MAX_HEADER_BYTES = 16_384;
const FOLLOWED: readonly number[] = [301, 302, 303, 307, 308];

interface Got {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: Buffer;
}

/**
 * A redirect to another host is an answer like any other. @throws what kept it from being answered,
 * an Error in any case
 */
export async function askHttp(
  question: HttpGetQuestion,
  signal: AbortSignal,
): Promise<ApplicationAnswer> {
  let next: HttpGetQuestion | undefined = question;
  for (let count = 0; next !== undefined; count += 1) {
    if (count > MOST_REDIRECTS) throw new Error(`it redirects more than ${MOST_REDIRECTS} times`);
    const got = await getOnce(next, signal);
    const redirected = redirect(next, got);
    if (redirected === undefined) return { isAnswered: true, status: got.status, body: got.body };
    next = redirected;
  }
  throw new Error('nothing was asked');
}

/** A Host was meant for what was asked first; it goes along with a path, and not with an address. */
function redirect(
  question: HttpGetQuestion,
  { status, location }: Got,
): HttpGetQuestion | undefined {
  if (location === undefined || !FOLLOWED.includes(status)) return undefined;
  if (!URL.canParse(location, question.url)) throw new Error('it redirects to what is no address');
  const from = new URL(question.url);
  const to = new URL(location, from);
  const isWithin = to.hostname === from.hostname && /^https?:$/.test(to.protocol);
  if (!isWithin || question.closedPorts.includes(portOf(to))) return undefined;
  const { host: _host, ...others } = question.headers;
  const isPath = to.host === from.host && !/^(?:[a-z][a-z0-9+.-]*:)?[/\\]{2}/i.test(location);
  return { ...question, url: to.href, headers: isPath ? question.headers : others };
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}

async function getOnce(question: HttpGetQuestion, signal: AbortSignal): Promise<Got> {
  const url = new URL(question.url);
  const send = url.protocol === 'https:' ? (await import('node:https')).request : httpRequest;
  signal.throwIfAborted();
  return new Promise<Got>((resolve, reject) => {
    const asking: ClientRequest = send(optionsFor(url, question, signal), (response) => {
      read(response).then(resolve, reject);
      response.once('close', () => asking.destroy());
    });
    asking.on('error', reject);
    asking.on('upgrade', (_, socket) => {
      socket.destroy();
      reject(new Error('it changes the protocol'));
    });
    asking.end();
  });
}

function optionsFor(
  url: URL,
  { headers, localAddress, isUnverified }: HttpGetQuestion,
  signal: AbortSignal,
): RequestOptions {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const user = [url.username, url.password].map(decodeURIComponent).join(':');
  return {
    host,
    port: portOf(url),
    path: `${url.pathname}${url.search}`,
    headers: headers as OutgoingHttpHeaders,
    agent: false,
    signal,
    maxHeaderSize: MAX_HEADER_BYTES,
    rejectUnauthorized: !isUnverified,
    // Else it would be the Host that was passed on.
    servername: isIP(host) === 0 ? host : '',
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(user === ':' ? {} : { auth: user }),
  };
}

/** The beginning of a longer body. */
async function read(response: IncomingMessage): Promise<Got> {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    byteCount += chunk.length;
    if (byteCount >= MOST_BODY_BYTES) break;
  }
  const { statusCode: status = 0, headers } = response;
  const body = Buffer.concat(chunks).subarray(0, MOST_BODY_BYTES);
  return { status, location: headers.location, body };
}
