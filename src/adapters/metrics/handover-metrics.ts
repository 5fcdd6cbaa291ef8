/** Launches, their ends and handovers, as they are counted and timed. */
import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Moment } from '../../core/model.ts';
import type { Handover, HandoverEnd, HandoverStep } from '../../core/state.ts';
import type { TakenEvent } from '../../core/suppressed-triggers.ts';

/** What the runner tells of each event it took. */
export interface ObservedTransition extends TakenEvent {
  readonly moment: Pick<Moment, 'atMs'>;
}

export interface HandoverMetrics {
  observe(transition: ObservedTransition): void;
  /** @param nowMs Monotonic, as in the moments of the transitions. */
  read(nowMs: number): void;
}

const STEPS: readonly HandoverStep[] = [
  'checking',
  'clearing',
  'starting',
  'repairing',
  'backoff',
  'headroom',
  'delivering',
  'retiring',
];
const DURATION_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

interface Kinds {
  readonly Counter: typeof Counter;
  readonly Gauge: typeof Gauge;
  readonly Histogram: typeof Histogram;
}

export function createHandoverMetrics(kinds: Kinds, registry: Registry): HandoverMetrics {
  const counters = createCounters(kinds, registry);
  const steps = createStepMetrics(kinds, registry);
  return {
    observe: (transition) => {
      steps.observe(transition);
      count(counters, transition);
    },
    read: steps.read,
  };
}

interface Counters {
  readonly launches: Counter<'mode'>;
  readonly crashes: Counter<'outcome' | 'when'>;
  readonly handovers: Counter<'mode' | 'trigger' | 'result'>;
  readonly handoverSeconds: Histogram<'mode' | 'result'>;
}

function createCounters(kinds: Kinds, registry: Registry): Counters {
  const registers = [registry];
  const counter = <Label extends string>(
    name: string,
    help: string,
    ...labelNames: readonly Label[]
  ) => new kinds.Counter<Label>({ name, help, labelNames: [...labelNames], registers });
  return {
    launches: counter(
      'baton_launches_total',
      'Starts of Envoy, by the mode of their handover.',
      'mode',
    ),
    crashes: counter(
      'baton_crashes_total',
      'Ends of Envoy that nobody asked for, and hangs.',
      'outcome',
      'when',
    ),
    handovers: counter(
      'baton_handovers_total',
      'Handovers that have ended, by their first trigger.',
      'mode',
      'trigger',
      'result',
    ),
    handoverSeconds: new kinds.Histogram({
      name: 'baton_handover_duration_seconds',
      help: 'From the beginning of a handover to its commit or its end.',
      labelNames: ['mode', 'result'],
      buckets: DURATION_BUCKETS,
      registers,
    }),
  };
}

function count(counters: Counters, { before, after, effects }: TakenEvent): void {
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

/** The handover under way: which one, in which step, since when. */
interface Underway extends Pick<Handover, 'id' | 'step'> {
  readonly sinceMs: number;
}

function createStepMetrics({ Gauge, Histogram }: Kinds, registry: Registry): HandoverMetrics {
  const registers = [registry];
  const seconds = new Histogram({
    name: 'baton_handover_step_duration_seconds',
    help: 'For how long a handover was in one of its steps.',
    labelNames: ['step'],
    buckets: DURATION_BUCKETS,
    registers,
  });
  const inProgress = new Gauge({
    name: 'baton_handover_in_progress_seconds',
    help: 'For how long the handover under way has been in the step it is in; 0 for the others.',
    labelNames: ['step'],
    registers,
  });
  let underway: Underway | undefined;
  return {
    observe: ({ moment, after: { handover } }) => {
      if (handover?.id === underway?.id && handover?.step === underway?.step) return;
      if (underway !== undefined) {
        seconds.observe({ step: underway.step }, (moment.atMs - underway.sinceMs) / 1_000);
      }
      underway = handover && { id: handover.id, step: handover.step, sinceMs: moment.atMs };
    },
    read: (nowMs) => {
      for (const step of STEPS) {
        const sinceMs = underway?.step === step ? underway.sinceMs : nowMs;
        inProgress.set({ step }, Math.max(0, nowMs - sinceMs) / 1_000);
      }
    },
  };
}
