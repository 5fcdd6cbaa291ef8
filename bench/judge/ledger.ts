/**
 * The book in which every request of a load run is entered once and ends in exactly one class. The
 * sums are checked, not trusted: a request that ends twice, or never, is a bug and throws.
 */
import { createHistogram } from 'node:perf_hooks';

/**
 * How a request ended. Everything but `ok` is lost.
 * - `ok`: a full, correct answer.
 * - `proxyError`: a full answer with another status than 200; the upstream gives none, so the proxy
 *   made it.
 * - `wrongAnswer`: unreadable, or the answer to another request.
 * - `refused`: no connection (refused, timed out), or a new one that was reset before it was of any
 *   use: in the handshake, or on plain before the first byte of the answer. Where a reset falls among
 *   these is a matter of microseconds; in all of them the other end never read the request.
 * - `handshakeFailed`: connected, and TLS not finished: closed, an alert, a time-out, a wrong chain.
 * - `cutMidResponse`: closed after the first byte of the answer and before its last.
 * - `noAnswer`: the request was written and the connection closed without a byte. Also when a kept
 *   connection was closed, unannounced, at the moment the request was written on it.
 * - `timedOut`: not answered in full in time, or no kept connection became free in time.
 * - `clientFault`: the generator itself had no port or descriptor left; the run is void.
 */
export const REQUEST_CLASSES = [
  'ok',
  'proxyError',
  'wrongAnswer',
  'refused',
  'handshakeFailed',
  'cutMidResponse',
  'noAnswer',
  'timedOut',
  'clientFault',
] as const;

export type RequestClass = (typeof REQUEST_CLASSES)[number];

/** `staleClose`: closed while idle. `announcedClose`: closed after an answer that said so. */
export type Churn = 'staleClose' | 'announcedClose';

/** One request. Times are milliseconds since the run's start. */
export interface Row {
  readonly id: number;
  /** Absent when none was free for it in time. */
  readonly connection?: number;
  readonly kind: 'new' | 'kept';
  /** The first request on its connection. */
  readonly isFirst: boolean;
  readonly intendedMs: number;
  /** When the generator got round to it. */
  readonly begunMs: number;
  /** When its bytes were written; absent when there never was a connection for them. */
  readonly writtenMs?: number;
  readonly endMs: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly status?: number;
  readonly class: RequestClass;
  /** What the system called it, e.g. ECONNRESET. */
  readonly detail?: string;
}

/** The sum of a run. */
export interface Ledger {
  /** Monotonic milliseconds, comparable between processes of one machine. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly sent: number;
  readonly counts: Readonly<Record<RequestClass, number>>;
  /** `sent` less `ok`. */
  readonly lost: number;
  readonly onNewConnections: number;
  readonly connectionsOpened: number;
  readonly churn: Readonly<Record<Churn, number>>;
  /** Answered in full, but more than a second after the intended moment; counted in `ok`. */
  readonly late: number;
  /** Begun more than 50 ms after the intended moment: the generator's fault. */
  readonly missedSchedule: number;
  /** The longest time by which a request was begun too late. */
  readonly longestHoldUpMs: number;
  /** True when the generator is to blame for too much: the figures say nothing about the proxy. */
  readonly isVoid: boolean;
  /** The longest time without a full answer, and when it began. */
  readonly longestGap: { readonly ms: number; readonly fromMs: number };
  /** From the intended moment to the last byte, of the requests that are ok. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** The first 200 rows that are not ok. */
  readonly lostRows: readonly Row[];
}

export type LedgerSoFar = Pick<Ledger, 'sent' | 'counts' | 'lost' | 'missedSchedule'>;

export interface Book {
  begin(): void;
  settle(row: Row): void;
  churned(kind: Churn): void;
  connectionOpened(): void;
  soFar(): LedgerSoFar;
  /** @throws Error when the sums do not close. */
  close(durationMs: number): Ledger;
}

export const LATE_MS = 1000;
export const MISSED_SCHEDULE_MS = 50;
/**
 * Of all requests; above it a run is void. A request sent late is still sent and still judged, and
 * on a machine shared with what is judged one stall of 60 ms makes a thousandth of a short run; but
 * a judge that is late for more than this has looked away from part of what happened.
 */
export const MISSED_SCHEDULE_SHARE = 0.01;
const KEPT_ROWS = 200;

export function openBook(startedAtMs: number, onRow?: (row: Row) => void): Book {
  const counts = Object.fromEntries(REQUEST_CLASSES.map((name) => [name, 0])) as Record<
    RequestClass,
    number
  >;
  const churn: Record<Churn, number> = { staleClose: 0, announcedClose: 0 };
  const latencyUs = createHistogram();
  const lostRows: Row[] = [];
  const total = {
    sent: 0,
    onNewConnections: 0,
    connectionsOpened: 0,
    late: 0,
    missedSchedule: 0,
    longestHoldUpMs: 0,
  };
  let longestGap = { ms: 0, fromMs: 0 };
  let lastAnswerMs = 0;

  const settled = () => REQUEST_CLASSES.reduce((sum, name) => sum + counts[name], 0);

  function noteGapUntil(momentMs: number) {
    const ms = momentMs - lastAnswerMs;
    if (ms > longestGap.ms) longestGap = { ms, fromMs: lastAnswerMs };
  }

  function noteAnswer(row: Row) {
    noteGapUntil(row.endMs);
    lastAnswerMs = Math.max(lastAnswerMs, row.endMs);
    const latencyMs = row.endMs - row.intendedMs;
    latencyUs.record(Math.max(1, Math.round(latencyMs * 1000)));
    if (latencyMs > LATE_MS) total.late += 1;
  }

  function settle(row: Row) {
    counts[row.class] += 1;
    if (settled() > total.sent) throw new Error(`Cannot settle request ${row.id}: settled before.`);
    if (row.kind === 'new') total.onNewConnections += 1;
    const holdUpMs = row.begunMs - row.intendedMs;
    total.longestHoldUpMs = Math.max(total.longestHoldUpMs, holdUpMs);
    if (holdUpMs > MISSED_SCHEDULE_MS) total.missedSchedule += 1;
    if (row.class === 'ok') noteAnswer(row);
    else if (lostRows.length < KEPT_ROWS) lostRows.push(row);
    onRow?.(row);
  }

  function close(durationMs: number): Ledger {
    if (settled() !== total.sent) {
      throw new Error(`Cannot close the ledger: ${total.sent} sent, ${settled()} accounted for.`);
    }
    noteGapUntil(durationMs);
    return {
      startedAtMs,
      durationMs,
      ...total,
      counts: { ...counts },
      lost: total.sent - counts.ok,
      churn: { ...churn },
      isVoid: counts.clientFault > 0 || total.missedSchedule > total.sent * MISSED_SCHEDULE_SHARE,
      longestGap,
      latencyMs: quantilesMs(latencyUs, counts.ok),
      lostRows,
    };
  }

  return {
    begin: () => {
      total.sent += 1;
    },
    settle,
    churned: (kind) => {
      churn[kind] += 1;
    },
    connectionOpened: () => {
      total.connectionsOpened += 1;
    },
    soFar: () => ({
      sent: total.sent,
      counts: { ...counts },
      lost: settled() - counts.ok,
      missedSchedule: total.missedSchedule,
    }),
    close,
  };
}

function quantilesMs(histogramUs: ReturnType<typeof createHistogram>, count: number) {
  if (count === 0) return { p50: 0, p99: 0, max: 0 };
  return {
    p50: histogramUs.percentile(50) / 1000,
    p99: histogramUs.percentile(99) / 1000,
    max: histogramUs.max / 1000,
  };
}
