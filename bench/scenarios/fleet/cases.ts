/** The rotations that are played, and what is told of each. */
import { quantile } from '../../scenario.ts';
import { type FleetCourse, type FleetRotation, rotateFleet } from './course.ts';
import type { Delivery } from './delivery.ts';

export const AGENT_COUNT = 10_000;
const SEED = 1;

export interface FleetCase {
  readonly title: string;
  readonly rotation: FleetRotation;
  /** Over how long chance alone is to spread what all would do at once; absent: not by chance alone. */
  readonly spreadMs?: number;
}

export interface PlayedCase extends FleetCase {
  readonly course: FleetCourse;
  readonly summary: CourseSummary;
}

export interface CourseSummary {
  /** The most handovers that began within one second. */
  readonly peakPerSecond: number;
  /** From the write of the bundle until it is served, in milliseconds. */
  readonly served: { readonly p50Ms: number; readonly p99Ms: number; readonly lastMs: number };
}

const MINUTE_MS = 60_000;
/** What is left of the certificates when their successors come in time, and when they come late. */
const FRESH_MS = 30 * 24 * 60 * MINUTE_MS;
const LATE_MS = 3 * MINUTE_MS;
/** So short that jitter has room even then. */
const SHORT_MARGIN_MS = MINUTE_MS;

const JITTERS = [
  { jitter: '0s', name: 'no jitter' },
  { jitter: '30s', name: 'jitter 30s', spreadMs: 30_000 },
  { jitter: '60s', name: 'jitter 60s', spreadMs: MINUTE_MS },
  { jitter: '5m', name: 'jitter 5m', spreadMs: 5 * MINUTE_MS },
] as const;

/** Each is of this many agents. The last one has no bound: it tells what the bound is good for. */
export function fleetCases(agentCount = AGENT_COUNT): readonly FleetCase[] {
  const common = { agentCount, seed: SEED, knowsEnd: true };
  const inTime = (delivery: Delivery) =>
    JITTERS.map(({ jitter, name, ...spread }) => ({
      title: `${delivery}, ${name}`,
      rotation: {
        ...common,
        delivery,
        settings: { BATON_JITTER: jitter },
        lifetimeLeftMs: FRESH_MS,
      },
      ...(delivery === 'shared volume' ? spread : {}),
    }));
  const late = (delivery: Delivery, rest: Partial<FleetRotation> = {}) => ({
    title: `${delivery}, jitter 5m, ${LATE_MS / MINUTE_MS} min left`,
    rotation: {
      ...common,
      delivery,
      settings: { BATON_JITTER: '5m', BATON_CERT_EXPIRY_MARGIN: `${SHORT_MARGIN_MS}ms` },
      lifetimeLeftMs: LATE_MS,
      ...rest,
    },
  });
  const unbounded = late('kubelet', { knowsEnd: false });
  return [
    ...inTime('shared volume'),
    ...inTime('kubelet'),
    { ...late('shared volume'), spreadMs: LATE_MS - SHORT_MARGIN_MS },
    late('kubelet'),
    { ...unbounded, title: `${unbounded.title}, end unknown` },
  ];
}

export function playCase(one: FleetCase): PlayedCase {
  const course = rotateFleet(one.rotation);
  return { ...one, course, summary: summaryOf(course) };
}

function summaryOf({ begunAtMs, servedAtMs }: FleetCourse): CourseSummary {
  return {
    peakPerSecond: Math.max(0, ...perBin(begunAtMs, 1_000)),
    served: {
      p50Ms: quantile(servedAtMs, 0.5),
      p99Ms: quantile(servedAtMs, 0.99),
      lastMs: quantile(servedAtMs, 1),
    },
  };
}

/** How many fall into each span of this width, from the write to the last one. */
export function perBin(momentsMs: readonly number[], widthMs: number): readonly number[] {
  const counts: number[] = [];
  for (const momentMs of momentsMs) {
    const bin = Math.floor(momentMs / widthMs);
    while (counts.length <= bin) counts.push(0);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}
