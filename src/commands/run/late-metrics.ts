/** Metrics that count from the first event on, though their library is loaded after Envoy's start. */

import { systemClock } from '../../adapters/clock.ts';
import { createMetrics, type Metrics, type ObservedTransition } from '../../adapters/metrics.ts';
import type { Policy } from '../../core/model.ts';
import type { ScrapeCounts } from '../../core/scrape-counts.ts';
import type { SparingLog } from './sparing-log.ts';

export interface LateMetrics {
  observe(transition: ObservedTransition): void;
  /** Of the merged page. */
  readonly scrapes: ScrapeCounts;
  load(): Promise<void>;
  text(): Promise<string>;
}

interface MetricsParts {
  readonly log: Pick<SparingLog, 'droppedCount' | 'leftOutCount'>;
  readonly versions: { readonly baton: string; readonly node: string };
}

export function createMetricsLater({ log, versions }: MetricsParts, policy: Policy): LateMetrics {
  const startedAtWallMs = systemClock.wallMs();
  let early: ((metrics: Metrics) => void)[] = [];
  let loading: Promise<Metrics> | undefined;
  let loaded: Metrics | undefined;
  const newlyDropped = newly(log.droppedCount);
  const newlyLeftOut = newly(log.leftOutCount);

  const tell = (what: (metrics: Metrics) => void) => {
    if (loaded === undefined) early.push(what);
    else what(loaded);
  };
  const load = () => {
    loading ??= createMetrics({
      policy,
      batonVersion: versions.baton,
      nodeVersion: versions.node,
      startedAtWallMs,
      nowMs: () => systemClock.moment().atMs,
    }).then((metrics) => {
      for (const what of early) what(metrics);
      early = [];
      loaded = metrics;
      return metrics;
    });
    return loading;
  };
  return {
    observe: (transition) => tell((metrics) => metrics.observe(transition)),
    scrapes: {
      scrape: () => tell(({ scrapes }) => scrapes.scrape()),
      failure: (source, reason) => tell(({ scrapes }) => scrapes.failure(source, reason)),
      leftOut: (source, lines) => tell(({ scrapes }) => scrapes.leftOut(source, lines)),
    },
    load: async () => void (await load()),
    text: async () => {
      const metrics = await load();
      metrics.addDroppedLines(newlyDropped());
      metrics.addLeftOutLines(newlyLeftOut());
      return metrics.text();
    },
  };
}

/** By how much a count has risen since the last question. */
function newly(count: () => number): () => number {
  let toldCount = 0;
  return () => {
    const before = toldCount;
    toldCount = count();
    return toldCount - before;
  };
}
