/**
 * One client connection that hides nothing: it never retries, never reconnects, and for each request
 * says exactly once how it ended. `node:http` would do the first two behind the ledger's back.
 */
import net from 'node:net';
import tls from 'node:tls';
import { type AnswerReader, readAnswer } from './answer.ts';
import type { RequestClass } from './ledger.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** Absent: plain. A chain that does not lead to `ca` is a failed handshake. */
  readonly tls?: {
    readonly ca: string;
    readonly servername: string;
    readonly cert?: string;
    readonly key?: string;
  };
  /** @default '/' */
  readonly path?: string;
  /** The upstream repeats the request's `x-ledger-id`; an answer without it is then wrong. */
  readonly echoesLedgerId?: boolean;
}

/** How a request ended on its connection. */
export interface RequestEnd {
  readonly class: RequestClass;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Monotonic milliseconds. */
  readonly writtenAtMs?: number;
  readonly status?: number;
  readonly detail?: string;
  /** The answer said that the connection is closed after it. */
  readonly isCloseAnnounced: boolean;
}

export interface Connection {
  /**
   * Sends one request as soon as the connection is ready and calls `onEnd` once. Only when no other
   * one is under way.
   */
  request(request: OutgoingRequest, onEnd: (end: RequestEnd) => void): void;
  /** Drops it; a request under way is not told. */
  drop(): void;
}

export interface OutgoingRequest {
  readonly id: number;
  readonly timeoutMs: number;
  readonly isLast: boolean;
}

export interface ConnectionOptions {
  readonly target: Target;
  readonly secureContext: tls.SecureContext | undefined;
  /** The other end closed it while no request was under way. */
  onIdleClose(): void;
}

type Stage = 'connecting' | 'handshaking' | 'ready' | 'closed';

interface Exchange {
  readonly outgoing: OutgoingRequest;
  readonly onEnd: (end: RequestEnd) => void;
  readonly reader: AnswerReader;
  readonly timer: NodeJS.Timeout;
  bytesSent: number;
  bytesReceived: number;
  writtenAtMs?: number;
}

export function openConnection(options: ConnectionOptions): Connection {
  const { target } = options;
  const socket = openSocket(options);
  let stage: Stage = 'connecting';
  let exchange: Exchange | undefined;
  let exchangeCount = 0;

  function settle(end: Pick<RequestEnd, 'class'> & Partial<RequestEnd>) {
    const ended = exchange;
    if (ended === undefined) return;
    exchange = undefined;
    clearTimeout(ended.timer);
    ended.onEnd({
      bytesSent: ended.bytesSent,
      bytesReceived: ended.bytesReceived,
      ...(ended.writtenAtMs === undefined ? {} : { writtenAtMs: ended.writtenAtMs }),
      isCloseAnnounced: false,
      ...end,
    });
  }

  function closed(detail: string | undefined) {
    if (stage === 'closed') return;
    const stageBefore = stage;
    stage = 'closed';
    socket.destroy();
    if (exchange === undefined) return options.onIdleClose();
    const isFirstOnPlain = target.tls === undefined && exchangeCount === 1;
    const neverRead = RESETS.has(detail ?? '') && (stageBefore === 'handshaking' || isFirstOnPlain);
    const { bytesReceived } = exchange;
    const close = { stage: stageBefore, bytesReceived, neverRead, detail: detail ?? '' };
    settle({ class: classOfClose(close), ...detailOf(detail) });
  }

  function timedOut() {
    const at = stage;
    stage = 'closed';
    socket.destroy();
    const before = at === 'connecting' ? 'refused' : 'handshakeFailed';
    settle({ class: at === 'ready' ? 'timedOut' : before, detail: 'timeout' });
  }

  function write(current: Exchange) {
    const bytes = requestBytes(target, current.outgoing);
    current.bytesSent = bytes.length;
    current.writtenAtMs = monotonicMs();
    socket.write(bytes);
  }

  function ready() {
    stage = 'ready';
    if (exchange !== undefined) write(exchange);
  }

  function received(chunk: Buffer) {
    if (exchange === undefined) return closed('unasked bytes');
    exchange.bytesReceived += chunk.length;
    const answer = exchange.reader.push(chunk);
    if (answer === 'incomplete') return;
    if (answer === 'unreadable') return settle({ class: 'wrongAnswer', detail: 'unreadable' });
    const isEcho = answer.headers.get('x-ledger-id') === String(exchange.outgoing.id);
    const isRight = target.echoesLedgerId !== true || isEcho;
    settle({
      class: answer.status !== 200 ? 'proxyError' : isRight ? 'ok' : 'wrongAnswer',
      status: answer.status,
      isCloseAnnounced: answer.headers.get('connection')?.toLowerCase() === 'close',
    });
  }

  socket.setNoDelay(true);
  socket.on('connect', () => {
    if (target.tls === undefined) ready();
    else stage = 'handshaking';
  });
  socket.on('secureConnect', ready);
  socket.on('data', received);
  socket.on('end', () => closed(undefined));
  socket.on('error', (error: NodeJS.ErrnoException) => closed(reasonOf(error)));
  socket.on('close', () => closed(undefined));

  return {
    request(outgoing, onEnd) {
      const timer = setTimeout(timedOut, outgoing.timeoutMs);
      const reader = readAnswer();
      exchange = { outgoing, onEnd, reader, timer, bytesSent: 0, bytesReceived: 0 };
      exchangeCount += 1;
      if (stage === 'ready') write(exchange);
    },
    drop() {
      stage = 'closed';
      socket.destroy();
    },
  };
}

/** Monotonic milliseconds, the same clock in every process of the machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

const RESETS = new Set(['ECONNRESET', 'EPIPE']);
/** The generator's own machine says no before anything reaches the wire. */
const OWN_LIMITS = new Set(['EADDRNOTAVAIL', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

interface Close {
  readonly stage: Stage;
  readonly bytesReceived: number;
  /** It was reset on opening, so what was sent on it was never read. */
  readonly neverRead: boolean;
  readonly detail: string;
}

function classOfClose({ stage, bytesReceived, neverRead, detail }: Close): RequestClass {
  if (OWN_LIMITS.has(detail)) return 'clientFault';
  if (bytesReceived > 0) return 'cutMidResponse';
  if (stage === 'connecting' || neverRead) return 'refused';
  return stage === 'handshaking' ? 'handshakeFailed' : 'noAnswer';
}

/** Node gives an orderly close during the handshake the name of a reset, but no system call. */
function reasonOf(error: NodeJS.ErrnoException): string {
  const isOrderly = error.code === 'ECONNRESET' && error.syscall === undefined;
  return isOrderly ? 'closed' : (error.code ?? error.message);
}

function openSocket({ target, secureContext }: ConnectionOptions): net.Socket {
  const { host, port } = target;
  if (target.tls === undefined || secureContext === undefined) return net.connect({ host, port });
  return tls.connect({ host, port, secureContext, servername: target.tls.servername });
}

function requestBytes(target: Target, outgoing: OutgoingRequest): Buffer {
  const last = outgoing.isLast ? 'connection: close\r\n' : '';
  const path = target.path ?? '/';
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nhost: ledger\r\nx-ledger-id: ${outgoing.id}\r\n${last}\r\n`,
    'latin1',
  );
}

function detailOf(detail: string | undefined) {
  return detail === undefined ? {} : { detail };
}
