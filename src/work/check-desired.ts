/** Everything about a change that can be tried without touching the serving launch. */
import { type EnvoyOptions, envoyArgs } from '../core/envoy-args.ts';
import type { Effect, Event } from '../core/events.ts';
import { EXIT, epochOf, type LaunchId } from '../core/model.ts';
import type { EnvoyQueries, Material, Result, RunDirectory } from '../ports.ts';
import { type Launches, newestLive } from './launches.ts';

type Checking = Effect & { readonly type: 'checkDesired' };

export interface CheckWorld {
  readonly queries: EnvoyQueries;
  readonly runDirectory: RunDirectory;
  readonly options: EnvoyOptions;
  readonly launches: Launches;
  readonly materialOf: (target: Checking['target']) => Material | undefined;
  readonly post: (event: Event) => void;
}

/** No launch has this name: its socket is spoken of in a validation and never made. */
const VALIDATION = 'validate' as LaunchId;

/** Posts checksPassed or checksFailed; never rejects. */
export async function checkDesired(effect: Checking, world: CheckWorld): Promise<void> {
  const { handover } = effect;
  const checked = await check(effect, world);
  if (checked.ok) {
    world.post({ type: 'checksPassed', handover, speaksSameVersion: checked.value });
    return;
  }
  const problems = checked.problems.map(({ message }) => message);
  world.post({ type: 'checksFailed', handover, problems, exitCode: EXIT.configuration });
}

/** Whether the binary speaks the serving launch's hot restart version, or all that is wrong. */
async function check({ target, depth }: Checking, world: CheckWorld): Promise<Result<boolean>> {
  const material = world.materialOf(target);
  if (material === undefined) return { ok: false, problems: [GONE] };
  if (depth === 'full') {
    const verdict = await validate(material, world);
    if (!verdict.ok) return verdict;
  }
  return { ok: true, value: await speaksSameVersion(material, world) };
}

const GONE = { about: 'bootstrap', message: 'Cannot check the change: its files are gone.' };

/** In place, with the same binary, arguments and environment: a lab's approval proves little. */
async function validate(material: Material, world: CheckWorld): Promise<Result<void>> {
  const adminSocketPath = world.runDirectory.adminSocketPath(VALIDATION);
  try {
    const json = material.bootstrapFor({ adminSocketPath });
    return await world.runDirectory.withCandidate(json, async (bootstrapPath) => {
      const place = { bootstrapPath, adminSocketPath, epoch: epochOf(0), baseId: 0 };
      const args = envoyArgs(world.options, place);
      return unnamed(await world.queries.validate(material.binary, args), bootstrapPath);
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, problems: [{ about: 'BATON_RUN_DIR', message }] };
  }
}

/** By the time someone reads the reason the file that Envoy names in it is gone. */
function unnamed(verdict: Result<void>, path: string): Result<void> {
  if (verdict.ok) return verdict;
  const problems = verdict.problems.map(({ about, message }) => ({
    about,
    message: message.replaceAll(path, 'the bootstrap'),
  }));
  return { ok: false, problems };
}

/** A binary that cannot say its version is not trusted to inherit from another. */
async function speaksSameVersion(material: Material, world: CheckWorld): Promise<boolean> {
  const serving = newestLive(world.launches);
  if (serving === undefined) return true;
  if (serving.binary === material.desired.binary) return true;
  const version = await world.queries.hotRestartVersion(material.binary);
  return version.ok && version.value === serving.hotRestartVersion;
}
