/** Which listeners of a bootstrap could not be bound beside the launches that live. */
import type { Tree } from '../core/tree.ts';
import {
  type Place,
  placesInBootstrap,
  placesInDump,
  unshareableListeners,
} from '../core/unshareable-listeners.ts';
import type { AdminChannel, AdminLimits } from '../ports.ts';
import type { KnownPlaces, Launches, LivingLaunch } from './launches.ts';

const MASK = ['name', 'address', 'additional_addresses', 'bind_to_port', 'enable_reuse_port'].map(
  (name) => `listener.${name}`,
);
const STATIC = `/config_dump?resource=static_listeners&mask=${MASK.join(',')}`;
/** Whole: a mask does not reach into a listener that came from a control plane (Envoy 1.40). */
const DYNAMIC = '/config_dump?resource=dynamic_listeners';
const REMEMBERED_WITHIN_MS = 5_000;
/** One that has more to say keeps nobody waiting. */
const MAX_BYTES = 4 * 1024 * 1024;

export interface Neighbours {
  readonly launches: Launches;
  /** How long each may take over each of two answers. */
  readonly answersWithinMs: number;
}

/**
 * In words, empty when there are none. Listeners of a control plane are those that the living
 * launches have; a launch that does not answer has what it last said, or else what the bootstrap says.
 */
export async function findUnshareable(
  bootstrapJson: string,
  { launches, answersWithinMs }: Neighbours,
): Promise<readonly string[]> {
  const limits: AdminLimits = { timeoutMs: answersWithinMs, maxBytes: MAX_BYTES };
  const own = placesInBootstrap(JSON.parse(bootstrapJson) as Tree);
  const found = await Promise.all([...launches.values()].map((launch) => placesOf(launch, limits)));
  const dynamic = found.flatMap((places) => places?.dynamic ?? []);
  const held = found.flatMap((places) => places?.fixed ?? own);
  return unshareableListeners([...own, ...dynamic], [...held, ...dynamic]);
}

/** One that leaves the first question unanswered is not asked another: what it said before counts. */
async function placesOf(
  launch: LivingLaunch,
  limits: AdminLimits,
): Promise<KnownPlaces | undefined> {
  const ask = (path: string) => askFor(path, launch.admin, limits);
  const fixed = await ask(STATIC);
  if (fixed !== undefined) {
    const dynamic = (await ask(DYNAMIC)) ?? launch.places?.dynamic;
    launch.places = { fixed, dynamic };
  }
  return launch.places;
}

/** Asks a launch that has just gone LIVE what it listens on: once it hangs it can't be asked. */
export async function rememberPlaces(launch: LivingLaunch): Promise<void> {
  await placesOf(launch, { timeoutMs: REMEMBERED_WITHIN_MS, maxBytes: MAX_BYTES });
}

async function askFor(
  path: string,
  admin: AdminChannel,
  limits: AdminLimits,
): Promise<readonly Place[] | undefined> {
  try {
    const { status, body } = await admin.request('GET', path, limits);
    if (status !== 200) return undefined;
    return placesInDump(JSON.parse(body.toString('utf8')) as Tree);
  } catch {
    return undefined;
  }
}
