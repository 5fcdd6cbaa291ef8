/**
 * The agent's own metrics. Counters follow the transitions; what is a state is read off the latest
 * one at the scrape. None of the library's default metrics, which cost timers and memory in every
 * pod; the two that tell what the agent itself costs are read at the scrape.
 */
import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Effect, Event } from '../core/events.ts';
import type { Part, Phase, Policy, Stage } from '../core/model.ts';
import { isReady } from '../core/readiness.ts';
import { tokensLeft } from '../core/restart-tokens.ts';
import { isStandbyMissing } from '../core/standby-status.ts';
import type { HandoverEnd, State } from '../core/state.ts';
import { createCertificateMetrics } from './metrics/certificate-metrics.ts';

export interface MetricsOptions {
  readonly policy: Pick<Policy, 'restartTokens' | 'standby'>;
  readonly batonVersion: string;
  readonly nodeVersion: string;
  /** Wall-clock milliseconds since 1970. */
  readonly startedAtWallMs: number;
}

/** What the runner tells of each event it took. */
export interface ObservedTransition {
  readonly event: Event;
  readonly before: State;
  readonly after: State;
  readonly effects: readonly Effect[];
}

export interface Metrics {
  observe(transition: ObservedTransition): void;
  addDroppedLines(count: number): void;
  /** In the Prometheus text format. */
  text(): Promise<string>;
}

const PHASES: readonly Phase[] = ['waiting', 'running', 'backoff', 'draining', 'stopped'];
const STAGES: readonly Stage[] = ['starting', 'live', 'retiring', 'stopping'];
const PARTS: readonly Part[] = ['certificates', 'bootstrap', 'binary'];
const DURATION_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** Loads the library only now: it is not needed until the agent runs. */
export async function createMetrics(options: MetricsOptions): Promise<Metrics> {
  const library = await import('prom-client');
  const registry = new library.Registry();
  const counters = createCounters(library, registry);
  const gauges = createGauges(library, registry);
  const certificates = createCertificateMetrics(library, registry);
  describeProcess(library, registry, options);
  let latest: State | undefined;
  return {
    observe: (transition) => {
      latest = transition.after;
      certificates.observe(transition);
      count(counters, transition);
    },
    addDroppedLines: (lineCount) => counters.droppedLines.inc(lineCount),
    text: () => {
      if (latest !== undefined) {
        readGauges(gauges, latest, options.policy);
        certificates.read(latest);
      }
      return registry.metrics();
    },
  };
}

type Library = typeof import('prom-client');

interface Counters {
  readonly launches: Counter<'mode'>;
  readonly crashes: Counter<'outcome' | 'when'>;
  readonly handovers: Counter<'mode' | 'trigger' | 'result'>;
  readonly handoverSeconds: Histogram<'mode' | 'result'>;
  readonly droppedLines: Counter;
}

function createCounters({ Counter, Histogram }: Library, registry: Registry): Counters {
  const registers = [registry];
  return {
    launches: new Counter({
      name: 'baton_launches_total',
      help: 'Starts of Envoy, by the mode of their handover.',
      labelNames: ['mode'],
      registers,
    }),
    crashes: new Counter({
      name: 'baton_crashes_total',
      help: 'Ends of Envoy that nobody asked for, and hangs.',
      labelNames: ['outcome', 'when'],
      registers,
    }),
    handovers: new Counter({
      name: 'baton_handovers_total',
      help: 'Handovers that have ended, by their first trigger.',
      labelNames: ['mode', 'trigger', 'result'],
      registers,
    }),
    handoverSeconds: new Histogram({
      name: 'baton_handover_duration_seconds',
      help: 'From the beginning of a handover to its commit or its end.',
      labelNames: ['mode', 'result'],
      buckets: DURATION_BUCKETS,
      registers,
    }),
    droppedLines: new Counter({
      name: 'baton_envoy_lines_dropped_total',
      help: 'Lines of Envoy that were not passed on because the log was not read fast enough.',
      registers,
    }),
  };
}

interface Gauges {
  readonly ready: Gauge;
  readonly phase: Gauge<'phase'>;
  readonly launches: Gauge<'stage'>;
  readonly tokens: Gauge;
  readonly tokensLeft: Gauge;
  readonly held: Gauge<'part'>;
  readonly givenUp: Gauge;
  readonly silent: Gauge;
  readonly standbyMissing: Gauge;
}

function createGauges({ Gauge }: Library, registry: Registry): Gauges {
  const gauge = <Label extends string = never>(
    name: string,
    help: string,
    ...labelNames: readonly Label[]
  ) => new Gauge<Label>({ name, help, labelNames: [...labelNames], registers: [registry] });
  return {
    ready: gauge('baton_ready', 'Whether traffic may come: 1 or 0.'),
    phase: gauge('baton_phase', '1 for the phase the agent is in, 0 for the others.', 'phase'),
    launches: gauge('baton_launches', 'Living launches by stage.', 'stage'),
    tokens: gauge('baton_restart_tokens', 'Restart tokens in all.'),
    tokensLeft: gauge('baton_restart_tokens_left', 'Restart tokens not spent yet.'),
    held: gauge(
      'baton_held',
      '1 for a part on disk that is held at its last good state, 0 for the others.',
      'part',
    ),
    givenUp: gauge(
      'baton_change_given_up',
      '1 while what is on disk was given up and something older serves.',
    ),
    silent: gauge(
      'baton_envoy_silent_seconds',
      'For how long the most silent Envoy has left its admin unanswered; 0: all answer.',
    ),
    standbyMissing: gauge(
      'baton_standby_missing',
      '1 while BATON_STANDBY is on and fewer than two Envoys serve.',
    ),
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
    name: 'process_start_time_seconds',
    help: 'When the agent was started, in seconds since 1970.',
    registers,
  }).set(options.startedAtWallMs / 1000);
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the agent.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system time of the agent.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
}

function count(counters: Counters, { before, after, effects }: ObservedTransition): void {
  const crash = after.crashes.at(-1);
  if (crash !== undefined && after.crashes.length > before.crashes.length) {
    const when = crash.wasLive ? 'live' : 'starting';
    counters.crashes.inc({ outcome: crash.outcome.kind, when });
  }
  for (const effect of effects) {
    if (effect.type === 'reportHandover') countEnd(counters, effect.end);
    if (effect.type === 'launchEnvoy') {
      counters.launches.inc({ mode: after.handover?.mode ?? 'cold' });
    }
  }
}

function countEnd(counters: Counters, end: HandoverEnd): void {
  const { mode = 'none', result, triggers } = end;
  counters.handovers.inc({ mode, trigger: triggers[0] ?? 'none', result });
  const seconds = (end.endedAtMs - end.startedAtMs) / 1000;
  counters.handoverSeconds.observe({ mode, result }, seconds);
}

function readGauges(gauges: Gauges, state: State, policy: MetricsOptions['policy']): void {
  gauges.ready.set(isReady(state) ? 1 : 0);
  gauges.tokens.set(policy.restartTokens);
  gauges.tokensLeft.set(tokensLeft(state.crashes.length, policy));
  gauges.givenUp.set(state.refused === undefined ? 0 : 1);
  gauges.standbyMissing.set(isStandbyMissing(state, policy) ? 1 : 0);
  gauges.silent.set(Math.max(0, ...state.launches.map(({ silentMs = 0 }) => silentMs / 1000)));
  for (const phase of PHASES) gauges.phase.set({ phase }, phase === state.phase ? 1 : 0);
  for (const part of PARTS) gauges.held.set({ part }, state.held.has(part) ? 1 : 0);
  for (const stage of STAGES) {
    const living = state.launches.filter((launch) => launch.stage === stage);
    gauges.launches.set({ stage }, living.length);
  }
}
