/** The table of docs/metrics.md: every metric of the agent's own as it is registered. */
import { type MetricObjectWithValues, type MetricValue, Registry } from 'prom-client';
import { createMetrics } from '../../src/adapters/metrics.ts';
import { markdownTable } from '../../test/faults/markdown-table.ts';

type Registered = MetricObjectWithValues<MetricValue<string>> & {
  readonly labelNames?: readonly string[];
};

/** By name; with the values of a label where all of them are known from the start. */
export async function metricsTable(): Promise<string> {
  const rows = (await registered()).map((metric) => [
    `\`${metric.name}\``,
    metric.type.toString(),
    labelsOf(metric).join('; '),
    metric.help,
  ]);
  return markdownTable(['metric', 'type', 'labels', 'meaning'], rows);
}

async function registered(): Promise<readonly Registered[]> {
  const registry = new Registry();
  const metrics = await createMetrics({
    policy: { restartTokens: 1, standby: false, triggers: new Set() },
    batonVersion: '0',
    nodeVersion: '0',
    startedAtWallMs: 0,
    nowMs: () => 0,
    registry,
  });
  // What is a state has its values from the first reading on.
  await metrics.text();
  const described = new Map(registry.getMetricsAsArray().map((metric) => [metric.name, metric]));
  const measured = await registry.getMetricsAsJSON();
  return measured
    .map((metric) => ({ ...described.get(metric.name), ...metric }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

function labelsOf({ labelNames = [], values }: Registered): readonly string[] {
  return labelNames.map((label) => {
    const known = new Set(values.flatMap(({ labels }) => labels[label] ?? []));
    const shown = [...known].map((value) => `\`${value}\``).join(', ');
    return known.size > 1 ? `\`${label}\`: ${shown}` : `\`${label}\``;
  });
}
