/**
 * Speaks HTTP for the status port, the admin port and the control socket; what is answered is the
 * routes' affair. Node's own limits are loose (60 s for headers, 300 s for a request, no end of
 * connections), so every one of them is set here: a probe must get through whoever else is there.
 */
import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, ListenOptions } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { HttpAnswer, HttpRequest, HttpRoutes, Result } from '../ports.ts';
import { watchConnections } from './http-server/connections.ts';

/** Where to listen, and the setting to name when that fails. */
export type HttpEndpoint =
  | { readonly setting: string; readonly address: string; readonly port: number }
  | { readonly setting: string; readonly socketPath: string };

export interface HttpListener {
  /** The port in use, also when 0 was asked for; absent for a socket. */
  readonly port: number | undefined;
  /** Takes no more connections and ends those there are; answers already made still go out. */
  close(): Promise<void>;
}

const SILENCE_MS = 5_000;
const CHECK_EVERY_MS = 1_000;
const MAX_HEADER_BYTES = 16_384;
const MAX_BODY_BYTES = 65_536;

/**
 * Listens; a stale socket file is replaced, a new one gets mode 0600. What the routes throw is
 * handed to `report` and answered with a bare 500.
 */
export async function listenHttp(
  endpoint: HttpEndpoint,
  routes: HttpRoutes,
  report: (error: unknown) => void,
): Promise<Result<HttpListener>> {
  const transport = 'socketPath' in endpoint ? 'unix' : 'tcp';
  const server = createServer(
    {
      headersTimeout: SILENCE_MS,
      requestTimeout: SILENCE_MS,
      keepAliveTimeout: SILENCE_MS,
      connectionsCheckingInterval: CHECK_EVERY_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (request, response) => void answer(request, response).catch(giveUpOn(response)),
  );
  // Node drops those past 2,000 without a word; what a proxy has put on must not be among them.
  server.maxHeadersCount = 0;
  const connections = watchConnections(server);
  const failure = await bind(server, endpoint);
  if (failure !== undefined) return { ok: false, problems: [problemOf(endpoint, failure)] };
  server.on('error', report);
  return { ok: true, value: listenerOf(server) };

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    await connections.answer(incoming, response, async () => {
      const body = await readBody(incoming);
      return async () => {
        const made = body === undefined ? TOO_LARGE : await answerTo(incoming, body);
        return { byteCount: keptBytes(made.body), send: () => send(response, made) };
      };
    });
  }

  function answerTo(incoming: IncomingMessage, body: Buffer): Promise<HttpAnswer> {
    return routes(readRequest(incoming, transport, body)).catch(onBug);
  }

  /** What could not be written would leave its asker waiting. */
  function giveUpOn(response: ServerResponse): (error: unknown) => void {
    return (error) => {
      report(error);
      response.destroy();
    };
  }

  function onBug(error: unknown): HttpAnswer {
    report(error);
    return INTERNAL_ERROR;
  }
}

const PLAIN_TEXT = { 'content-type': 'text/plain; charset=utf-8' };
const INTERNAL_ERROR: HttpAnswer = { status: 500, headers: PLAIN_TEXT, body: 'internal error\n' };
const TOO_LARGE: HttpAnswer = {
  status: 413,
  headers: { ...PLAIN_TEXT, connection: 'close' },
  body: 'body too large\n',
};

function readRequest(
  incoming: IncomingMessage,
  transport: HttpRequest['transport'],
  body: Buffer,
): HttpRequest {
  const { remoteAddress, remotePort, localAddress, localPort } = incoming.socket;
  return {
    method: incoming.method ?? '',
    target: incoming.url ?? '',
    transport,
    peer: remoteAddress ?? '',
    peerPort: remotePort ?? 0,
    localAddress: localAddress ?? '',
    localPort: localPort ?? 0,
    headers: incoming.headersDistinct,
    body,
  };
}

/** Undefined when it is too long or its sender went away. */
function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let byteCount = 0;
    incoming.on('data', (chunk: Buffer) => {
      byteCount += chunk.length;
      if (byteCount <= MAX_BODY_BYTES) chunks.push(chunk);
      else resolve(undefined);
    });
    incoming.on('end', () => resolve(Buffer.concat(chunks)));
    incoming.on('error', () => resolve(undefined));
    incoming.on('close', () => resolve(undefined));
    if (incoming.destroyed) resolve(undefined);
  });
}

/** One that comes in parts is never there as a whole. */
function keptBytes(body: HttpAnswer['body']): number {
  return typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.byteLength(body) : 0;
}

async function send(
  response: ServerResponse,
  { status, headers, body }: HttpAnswer,
): Promise<void> {
  // From here on the reader is the slow one; a socket whose answer is still being made is not.
  response.socket?.setTimeout(SILENCE_MS);
  const isWhole = typeof body === 'string' || Buffer.isBuffer(body);
  response.writeHead(status, {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
    ...(isWhole ? { 'content-length': Buffer.byteLength(body) } : {}),
  });
  if (isWhole) response.end(body);
  else if (response.req.method === 'HEAD') response.end();
  else await pipeline(inItsTime(body, response), response).catch(unlessReaderLeft);
}

/** The reader has to keep up; whoever makes the parts may take as long as it likes for the next. */
async function* inItsTime(
  body: AsyncIterable<string | Uint8Array>,
  { socket }: ServerResponse,
): AsyncGenerator<string | Uint8Array> {
  socket?.setTimeout(0);
  for await (const part of body) {
    socket?.setTimeout(SILENCE_MS);
    yield part;
    socket?.setTimeout(0);
  }
  socket?.setTimeout(SILENCE_MS);
}

const READER_LEFT: readonly unknown[] = ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE'];

function unlessReaderLeft(error: NodeJS.ErrnoException): void {
  if (!READER_LEFT.includes(error.code)) throw error;
}

/** What went wrong, if anything did. */
async function bind(
  server: Server,
  endpoint: HttpEndpoint,
): Promise<NodeJS.ErrnoException | undefined> {
  if ('socketPath' in endpoint) return bindSocket(server, endpoint.socketPath);
  const { address: host, port } = endpoint;
  // Without a host Node takes `::`, or 0.0.0.0 where IPv6 is off, and spares itself a look-up.
  return tryListen(server, host === '::' ? { port } : { host, port });
}

async function bindSocket(
  server: Server,
  path: string,
): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await rm(path, { force: true });
    const failure = await tryListen(server, { path });
    if (failure === undefined) await chmod(path, 0o600);
    return failure;
  } catch (error) {
    server.close();
    return error as NodeJS.ErrnoException;
  }
}

function tryListen(
  server: Server,
  options: ListenOptions,
): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    server.once('error', resolve);
    server.listen(options, () => {
      server.off('error', resolve);
      resolve(undefined);
    });
  });
}

function problemOf(endpoint: HttpEndpoint, { code, message }: NodeJS.ErrnoException) {
  const { setting: about } = endpoint;
  const place =
    'socketPath' in endpoint
      ? `the socket ${endpoint.socketPath}`
      : `port ${endpoint.port} of ${endpoint.address}`;
  const reason = code === 'EADDRINUSE' ? 'it is in use' : (code ?? message);
  return { about, message: `Cannot listen on ${place} (${about}): ${reason}.` };
}

function listenerOf(server: Server): HttpListener {
  const address = server.address() as AddressInfo | string;
  return {
    port: typeof address === 'string' ? undefined : address.port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // One turn, in which answers made just now are written.
      await new Promise((resolve) => setImmediate(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
