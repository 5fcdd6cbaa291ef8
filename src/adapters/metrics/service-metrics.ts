/** What traffic felt of the agent, and what it was asked for and did not begin. */
import type { Counter, Histogram, Registry } from 'prom-client';
import type { Policy } from '../../core/model.ts';
import { isReady } from '../../core/readiness.ts';
import { SUPPRESSIONS, suppressionOf, type TakenEvent } from '../../core/suppressed-triggers.ts';
import { findLaunch } from '../../core/turn.ts';

export interface ServiceMetrics {
  observe(taken: TakenEvent): void;
}

const CONNECTION_BUCKETS = [0, 1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000];

interface Kinds {
  readonly Counter: typeof Counter;
  readonly Histogram: typeof Histogram;
}

export function createServiceMetrics(
  { Counter, Histogram }: Kinds,
  registry: Registry,
  policy: Pick<Policy, 'triggers'>,
): ServiceMetrics {
  const registers = [registry];
  const readiness = new Counter({
    name: 'baton_readiness_transitions_total',
    help: 'How often the agent became ready, and how often it ceased to be.',
    labelNames: ['to'],
    registers,
  });
  const suppressed = new Counter({
    name: 'baton_triggers_suppressed_total',
    help: 'Triggers that began no handover of their own, by the reason.',
    labelNames: ['reason'],
    registers,
  });
  const connectionsLeft = new Histogram({
    name: 'baton_launch_connections_left',
    help: 'Connections that an old Envoy still had, as last counted, when it ended.',
    buckets: CONNECTION_BUCKETS,
    registers,
  });
  for (const to of ['ready', 'notReady']) readiness.inc({ to }, 0);
  for (const reason of SUPPRESSIONS) suppressed.inc({ reason }, 0);
  return {
    observe: (taken) => {
      const { before, after } = taken;
      const isNowReady = isReady(after);
      if (isReady(before) !== isNowReady) readiness.inc({ to: isNowReady ? 'ready' : 'notReady' });
      const reason = suppressionOf(taken, policy);
      if (reason !== undefined) suppressed.inc({ reason });
      const count = connectionsOfEnded(taken);
      if (count !== undefined) connectionsLeft.observe(count);
    },
  };
}

/** One that crashed or never served was not old. */
function connectionsOfEnded({ event, before }: TakenEvent): number | undefined {
  if (event.type !== 'launchExited') return undefined;
  const ended = findLaunch(before, event.launch);
  const isOld = ended?.stage === 'retiring' || ended?.stage === 'stopping';
  return isOld ? ended.connections : undefined;
}
