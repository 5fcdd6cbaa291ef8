/**
 * The agent's own metrics. Counters follow the transitions; what is a state is read off the latest
 * one at the scrape. None of the library's default metrics, which cost timers and memory in every
 * pod; the two that tell what the agent itself costs are read at the scrape. All names begin with
 * `baton_`: on the merged page the application's own `process_...` stand beside them.
 */
import type { Registry } from 'prom-client';
import { initialState } from '../core/lifecycle.ts';
import type { Policy } from '../core/model.ts';
import type { ScrapeCounts } from '../core/scrape-counts.ts';
import type { State } from '../core/state.ts';
import { createCertificateMetrics } from './metrics/certificate-metrics.ts';
import { createHandoverMetrics, type ObservedTransition } from './metrics/handover-metrics.ts';
import { createScrapeMetrics } from './metrics/scrape-metrics.ts';
import { createServiceMetrics } from './metrics/service-metrics.ts';
import { createStateMetrics } from './metrics/state-metrics.ts';

export type { ObservedTransition } from './metrics/handover-metrics.ts';

export interface MetricsOptions {
  readonly policy: Pick<Policy, 'restartTokens' | 'standby' | 'triggers'>;
  readonly batonVersion: string;
  readonly nodeVersion: string;
  /** Wall-clock milliseconds since 1970. */
  readonly startedAtWallMs: number;
  /** Monotonic milliseconds, as in the moments of the transitions. */
  readonly nowMs: () => number;
  /** Where the metrics are registered. @default a registry of their own */
  readonly registry?: Registry;
}

export interface Metrics {
  observe(transition: ObservedTransition): void;
  addDroppedLines(count: number): void;
  addLeftOutLines(count: number): void;
  /** Of the merged page. */
  readonly scrapes: ScrapeCounts;
  /** In the Prometheus text format. */
  text(): Promise<string>;
}

type Library = typeof import('prom-client');

/** Loads the library only now: it is not needed until the agent runs. */
export async function createMetrics(options: MetricsOptions): Promise<Metrics> {
  const library = await import('prom-client');
  const { registry = new library.Registry() } = options;
  const handovers = createHandoverMetrics(library, registry);
  const service = createServiceMetrics(library, registry, options.policy);
  const states = createStateMetrics(library, registry, options.policy);
  const certificates = createCertificateMetrics(library, registry);
  const scrapes = createScrapeMetrics(library, registry);
  const droppedLines = new library.Counter({
    name: 'baton_envoy_lines_dropped_total',
    help: 'Lines of Envoy that were not passed on because the log was not read fast enough.',
    registers: [registry],
  });
  const leftOutLines = new library.Counter({
    name: 'baton_log_lines_left_out_total',
    help: 'Log lines that were counted instead of written because they repeat others.',
    registers: [registry],
  });
  describeProcess(library, registry, options);
  let latest: State = initialState;
  return {
    scrapes,
    observe: (transition) => {
      latest = transition.after;
      certificates.observe(transition);
      handovers.observe(transition);
      service.observe(transition);
    },
    addDroppedLines: (lineCount) => droppedLines.inc(lineCount),
    addLeftOutLines: (lineCount) => leftOutLines.inc(lineCount),
    text: () => {
      handovers.read(options.nowMs());
      states.read(latest);
      certificates.read(latest);
      return registry.metrics();
    },
  };
}

function describeProcess(
  { Gauge, Counter }: Library,
  registry: Registry,
  options: MetricsOptions,
): void {
  const registers = [registry];
  new Gauge({
    name: 'baton_build_info',
    help: 'Always 1; the versions are its labels.',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version: options.batonVersion, node: options.nodeVersion }, 1);
  new Gauge({
    name: 'baton_process_start_time_seconds',
    help: 'When the agent was started, in seconds since 1970.',
    registers,
  }).set(options.startedAtWallMs / 1000);
  new Gauge({
    name: 'baton_process_resident_memory_bytes',
    help: 'Resident memory of the agent.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: 'baton_process_cpu_seconds_total',
    help: 'User and system time of the agent.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
}
