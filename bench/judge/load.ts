/**
 * The judge: an open-loop load and its ledger. Requests are due at fixed moments whether or not
 * earlier ones were answered, the intended moment is the time base of every figure, and nothing is
 * ever sent twice.
 */
import tls from 'node:tls';
import {
  type Connection,
  monotonicMs,
  openConnection,
  type RequestEnd,
  type Target,
} from './connection.ts';
import { type Book, type Ledger, type LedgerSoFar, openBook, type Row } from './ledger.ts';

export interface LoadSpec {
  readonly target: Target;
  readonly requestsPerSecond: number;
  /** Of the requests, how many go on a connection of their own. @default 0.5 */
  readonly newConnectionShare?: number;
  /**
   * Connections kept for the other requests. One that is due while all are busy waits for the next
   * free one: the wait is part of its latency and of its time-out. @default 16
   */
  readonly keptConnectionCount?: number;
  /** Longer than the drain of what is judged. @default 15000 */
  readonly timeoutMs?: number;
}

export interface Load {
  /** Sends no more, waits for what is under way, closes the book. @throws Error see `Book`. */
  stop(): Promise<Ledger>;
  progress(): LedgerSoFar;
}

/** One connection with what the ledger says of it. */
interface Line {
  readonly number: number;
  readonly connection: Connection;
  requestCount: number;
}

const TICK_MS = 1;

/** Starts at once. `onRow` is called with each request's row as it ends. */
export function startLoad(spec: LoadSpec, onRow?: (row: Row) => void): Load {
  const startedAtMs = monotonicMs();
  const book = openBook(startedAtMs, onRow);
  const requests = sendRequests(spec, book, startedAtMs);
  const intervalMs = 1000 / spec.requestsPerSecond;
  const newShare = spec.newConnectionShare ?? 0.5;
  let next = 0;
  let isOver = false;

  const sendDue = () => {
    const nowMs = monotonicMs() - startedAtMs;
    for (; !isOver && next * intervalMs <= nowMs; next += 1) {
      const isNew = Math.floor((next + 1) * newShare) > Math.floor(next * newShare);
      requests.send({ id: next, kind: isNew ? 'new' : 'kept', intendedMs: next * intervalMs });
    }
  };
  // Not before what has come is read: after a hold-up a timer is the first to run, and would write
  // on connections that the other end closed long ago.
  const ticker = setInterval(() => setImmediate(sendDue), TICK_MS);

  return {
    async stop() {
      isOver = true;
      clearInterval(ticker);
      const durationMs = monotonicMs() - startedAtMs;
      await requests.settled();
      return book.close(durationMs);
    },
    progress: () => book.soFar(),
  };
}

interface DueRequest {
  readonly id: number;
  readonly kind: Row['kind'];
  readonly intendedMs: number;
}

function sendRequests(spec: LoadSpec, book: Book, startedAtMs: number) {
  const { target, timeoutMs = 15_000, keptConnectionCount = 16 } = spec;
  const secureContext = target.tls === undefined ? undefined : tls.createSecureContext(target.tls);
  const idle: Line[] = [];
  const waiting: BegunRequest[] = [];
  let keptCount = 0;
  let lineCount = 0;
  let underWayCount = 0;
  let onSettled: (() => void) | undefined;
  const nowMs = () => monotonicMs() - startedAtMs;

  function open(): Line {
    lineCount += 1;
    book.connectionOpened();
    const connection = openConnection({ target, secureContext, onIdleClose: () => stale(line) });
    const line: Line = { number: lineCount, connection, requestCount: 0 };
    return line;
  }

  function stale(line: Line) {
    idle.splice(idle.indexOf(line), 1);
    keptCount -= 1;
    book.churned('staleClose');
  }

  function send(due: DueRequest) {
    const request = { ...due, begunMs: nowMs() };
    book.begin();
    underWayCount += 1;
    if (due.kind === 'new') sendOn(open(), request);
    else sendKept(request);
  }

  /** As long as there are too few each request opens one more; then they take turns. */
  function sendKept(request: BegunRequest) {
    if (keptCount < keptConnectionCount) {
      keptCount += 1;
      return sendOn(open(), request);
    }
    const line = idle.shift();
    if (line === undefined) waiting.push(request);
    else sendOn(line, request);
  }

  function sendOn(line: Line, request: BegunRequest) {
    line.requestCount += 1;
    const leftMs = Math.max(1, request.begunMs + timeoutMs - nowMs());
    const outgoing = { id: request.id, timeoutMs: leftMs, isLast: request.kind === 'new' };
    line.connection.request(outgoing, (end) => {
      if (request.kind === 'new') line.connection.drop();
      else giveBack(line, end);
      settle(request, end, line);
    });
  }

  function settle(request: BegunRequest, end: RequestEnd, line?: Line) {
    book.settle(rowOf({ request, line, startedAtMs }, end));
    underWayCount -= 1;
    if (underWayCount === 0) onSettled?.();
  }

  function giveBack(line: Line, end: RequestEnd) {
    const isReusable = end.class === 'ok' || end.class === 'proxyError';
    if (isReusable && !end.isCloseAnnounced) {
      idle.push(line);
    } else {
      if (isReusable) book.churned('announcedClose');
      keptCount -= 1;
      line.connection.drop();
    }
    sendNextWaiting();
  }

  function sendNextWaiting() {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (nowMs() < next.begunMs + timeoutMs) return sendKept(next);
      settle(next, NEVER_WRITTEN);
    }
  }

  async function settled() {
    if (underWayCount > 0) {
      await new Promise<void>((resolve) => {
        onSettled = resolve;
      });
    }
    for (const line of idle) line.connection.drop();
  }

  return { send, settled };
}

interface DueRequest {
  readonly id: number;
  readonly kind: Row['kind'];
  readonly intendedMs: number;
}

interface BegunRequest extends DueRequest {
  readonly begunMs: number;
}

/** Its time was up before a kept connection was free. */
const NEVER_WRITTEN: RequestEnd = {
  class: 'timedOut',
  bytesSent: 0,
  bytesReceived: 0,
  detail: 'no free connection',
  isCloseAnnounced: false,
};

interface RowContext {
  readonly request: BegunRequest;
  readonly line: Line | undefined;
  readonly startedAtMs: number;
}

function rowOf({ request, line, startedAtMs }: RowContext, end: RequestEnd): Row {
  return {
    ...request,
    ...(line === undefined ? {} : { connection: line.number }),
    isFirst: line?.requestCount === 1,
    ...(end.writtenAtMs === undefined ? {} : { writtenMs: end.writtenAtMs - startedAtMs }),
    endMs: monotonicMs() - startedAtMs,
    bytesSent: end.bytesSent,
    bytesReceived: end.bytesReceived,
    ...(end.status === undefined ? {} : { status: end.status }),
    class: end.class,
    ...(end.detail === undefined ? {} : { detail: end.detail }),
  };
}
