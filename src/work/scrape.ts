/**
 * The merged page of metrics: the agent's own, Envoy's, the application's last. Whatever is wrong
 * with a source, the page goes on without it, or without the rest of it, and the agent counts that.
 */
import { AgentError } from '../core/agent-error.ts';
import {
  createExposition,
  type ExpositionForm,
  type ExpositionSource,
} from '../core/exposition.ts';
import {
  SCRAPE_FAILURES,
  type ScrapeCounts,
  type ScrapedSource,
  type ScrapeFailure,
} from '../core/scrape-counts.ts';
import type { ApplicationMetrics, StreamedAnswer } from '../ports.ts';

export interface ScrapeParts {
  readonly agentText: () => Promise<string>;
  /** Of the launch that serves. @throws AgentError when none does */
  readonly askEnvoy: (path: string, timeoutMs: number) => Promise<StreamedAnswer>;
  /** Absent when it has none. */
  readonly application: ApplicationMetrics | undefined;
  readonly counts: ScrapeCounts;
}

export interface ScrapeQuestion {
  /** What each source may take. */
  readonly timeoutMs: number;
  /** Only what has been used since Envoy was started. */
  readonly isUsedOnly: boolean;
}

/** Undefined when too many are being answered already. */
export type Scrape = (question: ScrapeQuestion) => AsyncIterable<Uint8Array> | undefined;

/** Of each source, unpacked. */
const MOST_BYTES = 10 * 1024 * 1024;
/** More scrapers than one target has; each of them costs Envoy's main thread the whole page. */
const MOST_AT_ONCE = 4;

export function createScrape(parts: ScrapeParts): Scrape {
  let count = 0;
  const counted = async function* (question: ScrapeQuestion) {
    count += 1;
    try {
      yield* pageOf(parts, question);
    } finally {
      count -= 1;
    }
  };
  return (question) => (count < MOST_AT_ONCE ? counted(question) : undefined);
}

async function* pageOf(
  { agentText, askEnvoy, application, counts }: ScrapeParts,
  { timeoutMs, isUsedOnly }: ScrapeQuestion,
): AsyncGenerator<Uint8Array> {
  counts.scrape();
  const begin = createExposition();
  const own = begin('text');
  yield* own.take(new TextEncoder().encode(await agentText()));
  yield* own.end();
  const path = isUsedOnly ? '/stats/prometheus?usedonly' : '/stats/prometheus';
  yield* merged('envoy', () => askEnvoy(path, timeoutMs), { begin, counts });
  if (application !== undefined) {
    yield* merged('application', () => application.read(timeoutMs), { begin, counts });
  }
}

interface Merging {
  readonly begin: (form: ExpositionForm) => ExpositionSource;
  readonly counts: ScrapeCounts;
}

async function* merged(
  source: ScrapedSource,
  ask: () => Promise<StreamedAnswer>,
  { begin, counts }: Merging,
): AsyncGenerator<Uint8Array> {
  let answer: StreamedAnswer | undefined;
  let read: ExpositionSource | undefined;
  try {
    answer = await ask();
    read = begin(formOf(answer));
    for await (const bytes of bounded(answer)) yield* read.take(bytes);
    yield* read.end();
    if (!read.hasSamples() && read.leftOut().invalid > 0) throw failure('format');
  } catch (error) {
    counts.failure(source, reasonOf(error));
  } finally {
    answer?.discard();
    if (read !== undefined) counts.leftOut(source, read.leftOut());
  }
}

/** @throws AgentError when it is nothing to read */
function formOf({ status, contentType = 'text/plain' }: StreamedAnswer): ExpositionForm {
  if (status !== 200) throw failure('status');
  const [type = ''] = contentType.toLowerCase().split(';', 1);
  if (type.trim() === 'application/openmetrics-text') return 'openMetrics';
  if (type.trim() === 'text/plain') return 'text';
  throw failure('format');
}

async function* bounded({ chunks }: StreamedAnswer): AsyncGenerator<Uint8Array> {
  let leftBytes = MOST_BYTES;
  for await (const chunk of chunks) {
    yield chunk.subarray(0, leftBytes);
    leftBytes -= chunk.length;
    if (leftBytes < 0) throw failure('tooLong');
  }
}

function failure(reason: ScrapeFailure): AgentError {
  return new AgentError(reason, 'Cannot merge a source of metrics.');
}

function reasonOf(error: unknown): ScrapeFailure {
  const code = error instanceof AgentError ? error.code : undefined;
  return SCRAPE_FAILURES.find((one) => one === code) ?? 'unreachable';
}
