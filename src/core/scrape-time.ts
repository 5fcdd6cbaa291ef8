/** How long a scrape may take: what the scraper says it waits, within reason. */

/** What Prometheus waits unless it is told otherwise. */
const USUAL_SECONDS = 10;
const LONGEST_SECONDS = 60;
/** Of the scraper's time each of the two other sources may take so much; the rest is for the way. */
const SHARE = 0.45;

/**
 * The most that one source may take, in milliseconds.
 * @param header `X-Prometheus-Scrape-Timeout-Seconds` as it came. What is no time counts as absent,
 * and nobody is waited for longer than a minute.
 */
export function sourceTimeMs(header: string | undefined): number {
  const seconds = /^\d+(?:\.\d+)?$/.test(header ?? '') ? Number(header) : 0;
  const bounded = seconds > 0 ? Math.min(seconds, LONGEST_SECONDS) : USUAL_SECONDS;
  return Math.ceil(bounded * SHARE * 1_000);
}
