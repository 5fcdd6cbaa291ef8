/** Everything that work is done with, made of fakes, and what came of it. */
import type { Effect, Event } from '../../src/core/events.ts';
import { type Epoch, epochOf, launchIdOf, lineageIdOf } from '../../src/core/model.ts';
import type { Material } from '../../src/ports.ts';
import type { World } from '../../src/work/perform.ts';
import { desiredVersion } from './agent-states.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import {
  type DomainPlan,
  type FakeAdmin,
  type FakeChannel,
  type FakeDomain,
  type FakeProcess,
  type FakeProcesses,
  type FakeQueries,
  type FakeRunDirectory,
  fakeAdmin,
  fakeDomain,
  fakeMemory,
  fakeProcesses,
  fakeQueries,
  fakeRunDirectory,
  type QueryAnswers,
  type SpawnPlan,
} from './fake-ports.ts';

export interface WorldPlan {
  readonly spawn?: SpawnPlan;
  readonly domain?: DomainPlan;
  readonly queries?: QueryAnswers;
  readonly admin?: FakeAdmin;
  /** @default no limit, and nothing was ever killed */
  readonly memory?: World['memory'];
  readonly options?: Partial<World['options']>;
  /** What every write to the run directory fails with. */
  readonly writeFailure?: string;
  /** @default one for every target */
  readonly materialOf?: World['materialOf'];
}

export interface FakeWorld extends World {
  readonly clock: FakeClock;
  readonly processes: FakeProcesses;
  readonly domain: FakeDomain;
  readonly runDirectory: FakeRunDirectory;
  readonly queries: FakeQueries;
  readonly admin: FakeAdmin;
  /** Everything that was posted, oldest first. */
  readonly events: readonly Event[];
  readonly troubles: readonly string[];
  /** Other things that were told, in words. */
  readonly told: readonly string[];
  /** @throws Error when it has not been started */
  process(launch: number): FakeProcess;
  /** @throws Error when nobody has opened it */
  channel(launch: number): FakeChannel;
}

export function createFakeWorld(plan: WorldPlan = {}): FakeWorld {
  const events: Event[] = [];
  const troubles: string[] = [];
  const told: string[] = [];
  const processes = fakeProcesses(plan.spawn);
  const admin = plan.admin ?? fakeAdmin();
  const runDirectory = fakeRunDirectory(plan.writeFailure);
  return {
    clock: createFakeClock(),
    processes,
    admin,
    runDirectory,
    domain: fakeDomain(plan.domain),
    queries: fakeQueries(plan.queries),
    memory: plan.memory ?? fakeMemory(),
    options: { ...fakeOptions, ...plan.options },
    launches: new Map(),
    hangDeadlineMs: 30_000,
    preparing: new Map(),
    ignoredListeners: [],
    materialOf: plan.materialOf ?? materialFor,
    post: (event) => void events.push(event),
    onTrouble: (message) => void troubles.push(message),
    onSideBySide: () => void told.push('side by side'),
    answer: (requests, end) => void told.push(`${requests.join(' ')} ended ${end.result}`),
    exit: (code) => void told.push(`exit ${code}`),
    onLive: () => undefined,
    onForgotten: (launch) => void told.push(`${launch} forgotten`),
    events,
    troubles,
    told,
    process: (launch) =>
      found(processes.spawned.find(({ spec }) => spec.launch === launchIdOf(launch))),
    channel: (launch) => {
      const path = runDirectory.adminSocketPath(launchIdOf(launch));
      return found(admin.channels.find(({ socketPath }) => socketPath === path));
    },
  };
}

const fakeOptions = {
  concurrency: 2,
  drainTimeMs: 45_000,
  parentShutdownTimeMs: 60_000,
  drainStrategy: 'gradual',
  logLevel: 'warning',
  componentLogLevel: undefined,
  extraArgs: [],
} as const;

export const FAKE_BINARY = '/usr/bin/envoy';

/** Its bootstrap names the admin socket it was made for. */
export function materialFor(desired: Material['desired']): Material {
  return {
    desired,
    binary: FAKE_BINARY,
    bootstrapFor: ({ adminSocketPath }) => JSON.stringify({ admin: adminSocketPath }),
    validationFor: ({ adminSocketPath }) => JSON.stringify({ admin: adminSocketPath }),
    secrets: new Map(),
    isDeliverable: false,
    expected: { chains: [], authorities: [] },
  };
}

export type Launching = Effect & { readonly type: 'launchEnvoy' };

/** Launch n of lineage G1, at epoch n - 1 and of version 1 unless told otherwise. */
export function launchEffect(
  launch: number,
  { epoch = epochOf(launch - 1), lineage = 1, version = 1 }: LaunchFacts = {},
): Launching {
  return {
    type: 'launchEnvoy',
    launch: launchIdOf(launch),
    epoch,
    lineage: lineageIdOf(lineage),
    target: desiredVersion(version),
  };
}

interface LaunchFacts {
  readonly epoch?: Epoch;
  readonly lineage?: number;
  readonly version?: number;
}

function found<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('There is no such launch.');
  return value;
}
