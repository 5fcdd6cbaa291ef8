/** The merged page of metrics with its sources. */
import { createApplicationMetrics } from '../../adapters/application-metrics.ts';
import { AgentError } from '../../core/agent-error.ts';
import type { Settings } from '../../settings.ts';
import { type Launches, newestLive } from '../../work/launches.ts';
import { createScrape, type Scrape } from '../../work/scrape.ts';
import type { LateMetrics } from './late-metrics.ts';

export interface ScrapingParts {
  readonly settings: Pick<Settings, 'appMetricsUrl'>;
  readonly launches: Launches;
  readonly metrics: LateMetrics;
}

/** Envoy's part is always that of the launch that serves: no series is ever told by two of them. */
export function createScraping({ settings, launches, metrics }: ScrapingParts): Scrape {
  const { appMetricsUrl: url } = settings;
  return createScrape({
    agentText: metrics.text,
    askEnvoy: async (path, timeoutMs) => {
      const serving = newestLive(launches);
      if (serving === undefined) throw new AgentError('unreachable', 'No Envoy is serving.');
      return serving.admin.stream(path, timeoutMs);
    },
    application: url === undefined ? undefined : createApplicationMetrics(url),
    counts: metrics.scrapes,
  });
}
