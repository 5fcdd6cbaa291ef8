/** The agent's own metrics after some events, and a page of metrics taken apart. */
import { expect } from 'vitest';
import { createMetrics, type Metrics } from '../../src/adapters/metrics.ts';
import { initialState, step } from '../../src/core/lifecycle.ts';
import type { Policy } from '../../src/core/model.ts';
import { defaultPolicy, type Happening } from './agent-states.ts';

/** @param nowMs When they are asked for. @default right after the last event */
export async function metricsAfter(
  happenings: readonly Happening[],
  policy: Policy = defaultPolicy,
  nowMs: number = happenings.at(-1)?.[0] ?? 0,
): Promise<Metrics> {
  const metrics = await createMetrics({
    policy,
    batonVersion: '1.2.3',
    nodeVersion: 'v20.20.0',
    startedAtWallMs: 1_700_000_000_500,
    nowMs: () => nowMs,
  });
  let before = initialState;
  for (const [atMs, event] of happenings) {
    const { state: after, effects } = step(before, event, { atMs, chance: 0.5 }, policy);
    metrics.observe({ event, moment: { atMs }, before, after, effects });
    before = after;
  }
  return metrics;
}

/** Every sample by its name and labels; a line that is none, or one that comes twice, fails. */
export function samplesOf(text: string): ReadonlyMap<string, number> {
  const label = String.raw`[a-z_]+="(?:[^"\\\n]|\\["\\n])*"`;
  const sample = new RegExp(`^([a-zA-Z_:][\\w:]*(?:\\{(?:${label}(?:,${label})*)?\\})?) (\\S+)$`);
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# ')) continue;
    const [, name, value] = sample.exec(line) ?? [];
    expect(name, line).toBeDefined();
    expect(samples.has(name ?? ''), line).toBe(false);
    samples.set(name ?? '', value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value));
  }
  return samples;
}
