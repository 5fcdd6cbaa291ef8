/** What is counted of the merged page of metrics. */

export const SCRAPED_SOURCES = ['envoy', 'application'] as const;
export type ScrapedSource = (typeof SCRAPED_SOURCES)[number];

/**
 * Why a source is not on the page, or not all of it. `unreachable`: nothing answers. `late`: not
 * within its share of the scraper's time. `tooLong`: what is beyond the limit is missing. `cutOff`:
 * it broke off. `status`: its answer was not 200. `format`: it is no page of metrics.
 */
export const SCRAPE_FAILURES = [
  'unreachable',
  'late',
  'tooLong',
  'cutOff',
  'status',
  'format',
] as const;
export type ScrapeFailure = (typeof SCRAPE_FAILURES)[number];

/**
 * Why lines of a source are not on the page. `invalid`: a reader would reject the whole page for
 * them. `clash`: their metric belongs to a source before it.
 */
export const LEFT_OUT = ['invalid', 'clash'] as const;
/** How many lines, by the reason. */
export type LeftOut = Readonly<Record<(typeof LEFT_OUT)[number], number>>;

export interface ScrapeCounts {
  scrape(): void;
  failure(source: ScrapedSource, reason: ScrapeFailure): void;
  leftOut(source: ScrapedSource, lines: LeftOut): void;
}
