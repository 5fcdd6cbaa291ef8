/** What became of the sources of the merged page. */
import type { Counter, Registry } from 'prom-client';
import {
  LEFT_OUT,
  SCRAPE_FAILURES,
  SCRAPED_SOURCES,
  type ScrapeCounts,
} from '../../core/scrape-counts.ts';

interface Kinds {
  readonly Counter: typeof Counter;
}

/** Counters from 0 on, so that the first failure is an increase. */
export function createScrapeMetrics({ Counter }: Kinds, registry: Registry): ScrapeCounts {
  const registers = [registry];
  const scrapes = new Counter({
    name: 'baton_scrapes_total',
    help: 'How often the merged page was asked for.',
    registers,
  });
  const failures = new Counter({
    name: 'baton_scrape_failures_total',
    help: 'How often a source was missing from the merged page, or a part of it, by the reason.',
    labelNames: ['source', 'reason'],
    registers,
  });
  const leftOut = new Counter({
    name: 'baton_scrape_lines_left_out_total',
    help: 'Lines of a source that the merged page went without, by the reason.',
    labelNames: ['source', 'reason'],
    registers,
  });
  for (const source of SCRAPED_SOURCES) {
    for (const reason of SCRAPE_FAILURES) failures.inc({ source, reason }, 0);
    for (const reason of LEFT_OUT) leftOut.inc({ source, reason }, 0);
  }
  return {
    scrape: () => scrapes.inc(),
    failure: (source, reason) => failures.inc({ source, reason }),
    leftOut: (source, lines) => {
      for (const reason of LEFT_OUT) leftOut.inc({ source, reason }, lines[reason]);
    },
  };
}
