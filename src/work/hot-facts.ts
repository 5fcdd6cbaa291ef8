/** Whether a new launch could inherit from the one that serves, by Envoy's own protocol. */

import type { EnvoyOptions } from '../core/envoy-args.ts';
import { disablesHotRestart } from '../core/envoy-args-check.ts';
import type { Effect, Event } from '../core/events.ts';
import type { EnvoyQueries, HotRestartDomain, Material, Result } from '../ports.ts';
import type { Launches, LivingLaunch } from './launches.ts';

type Checking = Effect & { readonly type: 'checkDesired' };
type Passed = Event & { readonly type: 'checksPassed' };

export type HotFacts = Pick<Passed, 'speaksSameVersion' | 'obstacleToHot'>;

export interface HotWorld {
  readonly queries: EnvoyQueries;
  readonly domain: HotRestartDomain;
  readonly options: EnvoyOptions;
  readonly launches: Launches;
}

/** What Envoy says in place of a version when hot restart is switched off, or not built in. */
const DISABLED = 'disabled';

/** Problems only when the binary could not be asked now and may be later. Never rejects. */
export async function findHotFacts(
  { inheritsFrom }: Checking,
  material: Material,
  world: HotWorld,
): Promise<Result<HotFacts>> {
  if (inheritsFrom === undefined) return facts(true);
  const parent = world.launches.get(inheritsFrom.launch);
  const spoken = parent?.hotRestartVersion;
  if (parent === undefined || spoken === undefined) return facts(true);
  if (disablesHotRestart(world.options.extraArgs)) return facts(false, SWITCHED_OFF);
  if (spoken === DISABLED) return facts(false, SERVED_WITHOUT);
  const asked = await versionOf(material, parent, world);
  if (!asked.ok)
    return asked.problems.every(({ isTransient }) => isTransient) ? asked : facts(false);
  if (asked.value === DISABLED) return facts(false, NOT_BUILT_IN);
  if (asked.value !== spoken) return facts(false);
  const { lineage, epoch } = inheritsFrom;
  const joining = { epoch, hotRestartVersion: spoken };
  return facts(true, await world.domain.obstacleToJoin(lineage, joining));
}

const SWITCHED_OFF = 'hot restart is switched off (--disable-hot-restart)';
const SERVED_WITHOUT = 'the Envoy that serves takes no part in hot restart';
const NOT_BUILT_IN = 'the new binary is built without hot restart';

/** A file that is the same speaks the same. */
async function versionOf(
  { binary, desired }: Material,
  parent: LivingLaunch,
  { queries }: HotWorld,
): Promise<Result<string>> {
  const { hotRestartVersion: value } = parent;
  if (value !== undefined && parent.binary === desired.binary) return { ok: true, value };
  return queries.hotRestartVersion(binary);
}

/** A binary that cannot say its version is not trusted to inherit from another. */
function facts(speaksSameVersion: boolean, obstacleToHot?: string): Result<HotFacts> {
  const obstacle = obstacleToHot === undefined ? {} : { obstacleToHot };
  return { ok: true, value: { speaksSameVersion, ...obstacle } };
}
