/** The merged page of metrics, as it is asked for by HTTP. */
import { hasScrapeMark } from '../core/scrape-mark.ts';
import { sourceTimeMs } from '../core/scrape-time.ts';
import type { HttpAnswer, HttpRequest } from '../ports.ts';
import { textAnswer } from './http-answers.ts';
import type { Scrape } from './scrape.ts';

/** The only form that pages of several programs can be put together in. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const TIMEOUT_HEADER = 'x-prometheus-scrape-timeout-seconds';

/** Of the query only `usedonly` is passed on: a filter would be a regular expression of a stranger's. */
export function answerScrape(
  scrape: Scrape,
  query: URLSearchParams,
  { headers }: Pick<HttpRequest, 'headers'>,
): HttpAnswer {
  if (hasScrapeMark(headers)) {
    return textAnswer(508, 'Cannot merge metrics: BATON_APP_METRICS_URL leads back to this page.');
  }
  const timeoutMs = sourceTimeMs(headers[TIMEOUT_HEADER]?.[0]);
  const page = scrape({ timeoutMs, isUsedOnly: query.has('usedonly') });
  if (page === undefined) {
    return textAnswer(503, 'too many scrapes at once', { 'retry-after': '1' });
  }
  return { status: 200, headers: { 'content-type': METRICS_TYPE }, body: page };
}
