/** One launch from its first file to its last word: the steps, none of the decisions. */
import { messageOf } from '../core/agent-error.ts';
import { type EnvoyOptions, envoyArgs } from '../core/envoy-args.ts';
import type { Effect, Event } from '../core/events.ts';
import { failureCause } from '../core/failure-cause.ts';
import type { FailureCause, LaunchId, Outcome } from '../core/model.ts';
import type {
  Clock,
  EnvoyAdmin,
  EnvoyProcess,
  EnvoyProcesses,
  EnvoyQueries,
  HotRestartDomain,
  LaunchPlaces,
  Material,
  Problem,
  RunDirectory,
  SpawnSpec,
} from '../ports.ts';
import type { Launches, LivingLaunch } from './launches.ts';
import { isNothing, untilProved } from './prove-certificates.ts';
import { watchLaunch } from './watch-launch.ts';

type Exited = Event & { readonly type: 'launchExited' };
type Launching = Effect & { readonly type: 'launchEnvoy' };

/** How often a launch that is not LIVE yet is reported to have answered, at most. */
const ANSWER_REPORT_MS = 200;

export interface LaunchWorld {
  readonly clock: Clock;
  readonly domain: HotRestartDomain;
  readonly runDirectory: RunDirectory;
  readonly processes: EnvoyProcesses;
  readonly queries: EnvoyQueries;
  readonly admin: EnvoyAdmin;
  readonly options: EnvoyOptions;
  readonly launches: Launches;
  readonly hangDeadlineMs: number;
  /** Launches without a process yet; aborting one keeps it from ever having one. */
  readonly preparing: Map<LaunchId, AbortController>;
  /** What the target is made of; undefined when nobody has put it together. */
  readonly materialOf: (target: Launching['target']) => Material | undefined;
  readonly post: (event: Event) => void;
  /** It has just gone LIVE: what is to be asked of it while it answers. */
  readonly onLive: (launch: LivingLaunch) => void;
  readonly onTrouble: (message: string) => void;
}

/** Ends when the process is gone, and then reports its exit; never rejects. */
export async function launchEnvoy(effect: Launching, world: LaunchWorld): Promise<void> {
  const { launch } = effect;
  const preparing = new AbortController();
  world.preparing.set(launch, preparing);
  const prepared = await prepare(effect, world);
  if ('problem' in prepared || preparing.signal.aborted) {
    world.preparing.delete(launch);
    world.post({ type: 'launchExited', launch, ...neverStarted(prepared) });
    return;
  }
  const process = await world.processes.spawn(prepared);
  world.preparing.delete(launch);
  if (preparing.signal.aborted) process.signal('SIGKILL');
  if (process.pid !== undefined) world.post({ type: 'launchSpawned', launch, pid: process.pid });
  const living = follow(effect, process, world);
  const outcome = await process.exited;
  const wasLive = living.hotRestartVersion !== undefined;
  forget(living, world);
  const cause = wasLive ? undefined : await diagnose(outcome, process, { spec: prepared, world });
  const lastLines = linesOf(process, outcome);
  world.post({
    type: 'launchExited',
    launch,
    outcome,
    lastLines,
    ...(cause === undefined ? {} : { cause }),
  });
}

function neverStarted(prepared: Prepared): Pick<Exited, 'outcome' | 'lastLines'> {
  const { about: errno, message } = 'problem' in prepared ? prepared.problem : CANCELLED;
  return { outcome: { kind: 'notStarted', errno, message }, lastLines: [message] };
}

const CANCELLED: Problem = { about: 'cancelled', message: 'It was ended before it was started.' };

type Prepared = SpawnSpec | { readonly problem: Problem };

async function prepare(effect: Launching, world: LaunchWorld): Promise<Prepared> {
  const { launch, epoch, target } = effect;
  const material = world.materialOf(target);
  if (material === undefined) {
    return { problem: { about: 'bootstrap', message: 'Cannot start Envoy: its files are gone.' } };
  }
  const reserved = await world.domain.reserve(effect.lineage);
  const [obstacle] = reserved.ok ? [] : reserved.problems;
  if (!reserved.ok) return { problem: obstacle ?? NO_BASE_ID };
  const { adminSocketPath, secretsFolder } = placesOf(launch, world);
  try {
    const { secrets } = material;
    if (secrets.size > 0)
      await world.runDirectory.putSecrets(launch, target.certificates ?? '', secrets);
    const json = material.bootstrapFor({ adminSocketPath, secretsFolder });
    const bootstrapPath = await world.runDirectory.writeBootstrap(epoch, json);
    const place = { bootstrapPath, adminSocketPath, epoch, baseId: reserved.value };
    return { launch, epoch, binary: material.binary, args: envoyArgs(world.options, place) };
  } catch (error) {
    return { problem: { about: 'BATON_RUN_DIR', message: messageOf(error) } };
  }
}

function placesOf(launch: LaunchId, { runDirectory }: LaunchWorld): LaunchPlaces {
  return {
    adminSocketPath: runDirectory.adminSocketPath(launch),
    secretsFolder: runDirectory.secretsFolder(launch),
  };
}

const NO_BASE_ID: Problem = { about: 'BATON_BASE_ID', message: 'Cannot find a free base id.' };

/** Opens the launch's admin and reports what it says, until the process is gone. */
function follow(effect: Launching, process: EnvoyProcess, world: LaunchWorld): LivingLaunch {
  const { launch, epoch, lineage, target } = effect;
  const admin = world.admin.open(world.runDirectory.adminSocketPath(launch));
  const ended = new AbortController();
  const { signal } = ended;
  const { binary } = target;
  const living: LivingLaunch = { id: launch, lineage, binary, process, admin, ended: signal };
  world.launches.set(launch, living);
  void process.exited.then(() => ended.abort());
  let reportedAtMs = Number.NEGATIVE_INFINITY;
  const onAnswer = (envoyState: string) => {
    living.hasAnswered = true;
    const { atMs } = world.clock.moment();
    if (atMs - reportedAtMs < ANSWER_REPORT_MS) return;
    reportedAtMs = atMs;
    world.post({ type: 'launchAnswered', launch, envoyState });
  };
  admin.untilLive(epoch, { signal, onAnswer }).then(
    ({ hotRestartVersion, version }) => {
      if (signal.aborted) return;
      living.stopWatching = watchLaunch(living, world);
      living.hasAnswered = true;
      living.hotRestartVersion = hotRestartVersion;
      living.version = version;
      keepLastGood(effect, world);
      world.onLive(living);
      void reportLive(effect, living, world);
    },
    // Only the end of the process ends the asking, and that is reported by its exit.
    () => undefined,
  );
  return living;
}

/** LIVE comes first: what follows from it can't wait for a proof. Never rejects. */
async function reportLive(
  { launch, target }: Launching,
  living: LivingLaunch,
  world: LaunchWorld,
): Promise<void> {
  const material = world.materialOf(target);
  if (material === undefined || isNothing(material.expected)) {
    world.post({ type: 'launchLive', launch });
    return;
  }
  world.post({ type: 'launchLive', launch, awaitsProof: true });
  const problem = await untilProved(material, living, world.clock);
  world.post({
    type: 'certificatesProved',
    launch,
    ...(problem === undefined ? {} : { problem }),
  });
}

/** For people who look for what last worked; nothing reads it again. */
function keepLastGood({ launch, target }: Launching, world: LaunchWorld): void {
  const json = world.materialOf(target)?.bootstrapFor(placesOf(launch, world));
  if (json === undefined) return;
  world.runDirectory
    .keepLastGood(json)
    .catch((error: unknown) => world.onTrouble(messageOf(error)));
}

function forget(living: LivingLaunch, { launches }: LaunchWorld): void {
  living.stopCounting?.();
  living.stopWatching?.();
  living.admin.close();
  launches.delete(living.id);
}

/** Why it never was LIVE: from its last lines, and where they don't tell from a validation. */
async function diagnose(
  outcome: Outcome,
  process: EnvoyProcess,
  { spec, world }: { readonly spec: SpawnSpec; readonly world: LaunchWorld },
): Promise<FailureCause> {
  const cause = failureCause(outcome, process.lastLines());
  if (cause !== 'unknown' || outcome.kind !== 'exited' || outcome.code !== 1) return cause;
  const verdict = await world.queries.validate(spec.binary, spec.args);
  return verdict.ok ? 'unknown' : 'configurationRejected';
}

/** What did not start has printed nothing; why it did not is its last word. */
function linesOf(process: EnvoyProcess, outcome: Outcome): readonly string[] {
  return outcome.kind === 'notStarted' ? [outcome.message] : process.lastLines();
}
