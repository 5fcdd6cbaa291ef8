/** One rotation of a shared bundle, seen by every agent of a fleet. */
import type { Event } from '../../../src/core/events.ts';
import { initialState } from '../../../src/core/lifecycle.ts';
import { type Desired, digestOf, type Policy, sameDesired } from '../../../src/core/model.ts';
import type { State } from '../../../src/core/state.ts';
import type { Facts } from '../../../src/settings/row.ts';
import { policyOf, readSettings, type Settings } from '../../../src/settings.ts';
import { type Delivery, lookAfterMs } from './delivery.ts';
import { type Dice, seededDice } from './dice.ts';
import { type Arrival, play, type Taken } from './play.ts';

export interface FleetRotation {
  readonly agentCount: number;
  readonly seed: number;
  /** As the agents' environment has them. */
  readonly settings: Readonly<Record<string, string>>;
  readonly delivery: Delivery;
  /** From the write of the new bundle to the end of the certificates that it replaces. */
  readonly lifetimeLeftMs: number;
  /**
   * Whether the agents know that end, as they do in earnest. Without it jitter has no bound: what
   * the bound is good for can be counted.
   */
  readonly knowsEnd: boolean;
}

/** Moments in milliseconds since the write, one for each agent and in order. */
export interface FleetCourse {
  readonly begunAtMs: readonly number[];
  /** The new launch is LIVE. */
  readonly servedAtMs: readonly number[];
  /** Agents whose Envoy served a certificate past its end before the new one was LIVE. */
  readonly expiredCount: number;
  /** The most agents that had two Envoys at the same time. */
  readonly mostDoubled: number;
}

/** The same rotation has the same course. @throws Error when the settings are not accepted. */
export function rotateFleet(rotation: FleetRotation): FleetCourse {
  const { agentCount, seed } = rotation;
  const settings = settingsFrom(rotation.settings);
  const policy = policyOf(settings);
  const dice = seededDice(seed);
  const calm = calmState(rotation, policy);
  const log = createLog(rotation);
  play({
    states: Array.from({ length: agentCount }, () => calm),
    arrivals: Array.from({ length: agentCount }, (_, agent) =>
      looks(agent, rotation, settings, dice),
    ).flat(),
    policy,
    dice,
    observe: log.note,
  });
  return log.course();
}

const FACTS: Facts = {
  cpuCount: 2,
  envoyOnPath: '/usr/local/bin/envoy',
  isTerminal: false,
  hostName: 'fleet',
  runDirectory: '/var/run/baton',
};

function settingsFrom(environment: Readonly<Record<string, string>>): Settings {
  const read = readSettings(environment, FACTS);
  if (read.ok) return read.value;
  throw new Error(read.problems.map(({ message }) => message).join(' '));
}

const OLD = desiredOf('old');
const NEW = desiredOf('new');

function desiredOf(certificates: string): Desired {
  return {
    certificates: digestOf(certificates),
    bootstrap: digestOf('bootstrap'),
    binary: digestOf('binary'),
  };
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** When the bundle is written, in wall-clock milliseconds; any other moment would do. */
const WRITTEN_AT_MS = Date.UTC(2030, 0, 1);

/** An agent that has served the old bundle for an hour. */
function calmState({ knowsEnd, lifetimeLeftMs }: FleetRotation, policy: Policy): State {
  const atMs = -HOUR_MS;
  const seen = seenAt(atMs, 'old', lifetimeLeftMs);
  const arrivals = [...(knowsEnd ? [seen] : []), desiredChanged(OLD)].map((event) => {
    return { agent: 0, atMs, event };
  });
  const [calm] = play({ states: [initialState], arrivals, policy, dice: seededDice(0) });
  if (calm === undefined) throw new Error('Cannot begin: there is no agent.');
  return calm;
}

/** What the look that finds the new bundle posts. */
function looks(
  agent: number,
  { delivery, knowsEnd }: FleetRotation,
  settings: Settings,
  dice: Dice,
): readonly Arrival[] {
  const times = {
    settle: {
      quietMs: settings.certificateQuietTimeMs,
      maxWaitMs: settings.certificateMaxWaitMs,
    },
    pollIntervalMs: settings.certificatePollIntervalMs,
  };
  const atMs = lookAfterMs(delivery, times, dice);
  const seen = seenAt(atMs, 'new', 90 * DAY_MS);
  const events = [...(knowsEnd ? [seen] : []), desiredChanged(NEW)];
  return events.map((event) => ({ agent, atMs, event }));
}

function desiredChanged(desired: Desired): Event {
  return { type: 'desiredChanged', desired };
}

/** `endsAtMs`: since the write. */
function seenAt(atMs: number, digest: string, endsAtMs: number): Event {
  const wallMs = WRITTEN_AT_MS + Math.round(atMs);
  const leaf = {
    path: '/etc/certs/tls.crt',
    subject: 'CN=fleet.test',
    serialNumber: '01',
    notBeforeMs: WRITTEN_AT_MS - DAY_MS,
    notAfterMs: WRITTEN_AT_MS + endsAtMs,
  };
  const kept = { digest: digestOf(digest), leaves: [leaf] };
  const seen = { verdict: 'accepted', problems: [], kept, wallMs, atMs } as const;
  return { type: 'certificatesSeen', seen };
}

function createLog({ agentCount, lifetimeLeftMs }: FleetRotation) {
  const begunAtMs: number[] = [];
  const servedAtMs: number[] = [];
  let doubledCount = 0;
  let mostDoubled = 0;
  return {
    /** It is over when all serve the new bundle and no old Envoy is left. */
    note({ atMs, before, after }: Taken): 'over' | undefined {
      if (after.handoverCount > before.handoverCount) begunAtMs.push(atMs);
      if (!isServed(before) && isServed(after)) servedAtMs.push(atMs);
      doubledCount += Number(isDoubled(after)) - Number(isDoubled(before));
      mostDoubled = Math.max(mostDoubled, doubledCount);
      return servedAtMs.length === agentCount && doubledCount === 0 ? 'over' : undefined;
    },
    course(): FleetCourse {
      const expiredCount = servedAtMs.filter((atMs) => atMs > lifetimeLeftMs).length;
      return { begunAtMs, servedAtMs, expiredCount, mostDoubled };
    },
  };
}

function isServed({ committed }: State): boolean {
  return sameDesired(committed, NEW);
}

function isDoubled({ launches }: State): boolean {
  return launches.length > 1;
}
