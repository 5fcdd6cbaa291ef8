/**
 * New certificates for launches that serve, by file SDS: the files are swapped under each, and each
 * is asked until it has loaded them. All of them or none: what one does not load, all give back.
 */
import { messageOf } from '../core/agent-error.ts';
import type { Effect, Event, Recipient } from '../core/events.ts';
import type { LaunchId } from '../core/model.ts';
import type { Clock, Material, RunDirectory } from '../ports.ts';
import type { Launches } from './launches.ts';
import { untilProved } from './prove-certificates.ts';

type Delivering = Effect & { readonly type: 'deliverCertificates' };

export interface DeliveryWorld {
  readonly clock: Clock;
  readonly launches: Launches;
  readonly runDirectory: RunDirectory;
  readonly materialOf: (target: Recipient['target']) => Material | undefined;
  readonly post: (event: Event) => void;
  readonly onTrouble: (message: string) => void;
}

/** Posts certificatesDelivered or deliveryFailed, within seconds; never rejects. */
export async function deliverCertificates(
  { handover, recipients }: Delivering,
  world: DeliveryWorld,
): Promise<void> {
  const handed = await Promise.all(recipients.map((one) => handTo(one, world)));
  const problems = handed.flatMap(({ problem }) => (problem === undefined ? [] : [problem]));
  // Who has gone meanwhile is replaced, and its successor has them from the start.
  const isAnyLeft = handed.some(({ isGone }) => !isGone);
  const isDone = problems.length === 0 && isAnyLeft;
  const afterwards = isDone
    ? recipients.map(({ launch }) => world.runDirectory.forgetOldSecrets(launch))
    : handed.map(({ giveBack }) => giveBack());
  for (const result of await Promise.allSettled(afterwards)) {
    if (result.status === 'rejected') world.onTrouble(messageOf(result.reason));
  }
  world.post(
    isDone
      ? { type: 'certificatesDelivered', handover }
      : { type: 'deliveryFailed', handover, problems: isAnyLeft ? problems : [ALL_GONE] },
  );
}

const ALL_GONE = 'The Envoys that were to load them are gone.';

interface Handed {
  /** Why it does not serve with them; undefined when it does, or when it is gone. */
  readonly problem?: string;
  readonly isGone: boolean;
  readonly giveBack: () => Promise<void>;
}

const NOTHING_TO_GIVE_BACK = async () => {};

async function handTo({ launch, target }: Recipient, world: DeliveryWorld): Promise<Handed> {
  const living = world.launches.get(launch);
  if (living === undefined) return { isGone: true, giveBack: NOTHING_TO_GIVE_BACK };
  let giveBack = NOTHING_TO_GIVE_BACK;
  try {
    const material = world.materialOf(target);
    if (material === undefined) throw new Error('its files are gone');
    const { secrets } = material;
    if (secrets.size > 0) {
      giveBack = await world.runDirectory.putSecrets(launch, target.certificates ?? '', secrets);
    }
    const problem = await untilProved(material, living, world.clock);
    const isGone = living.ended.aborted;
    return problem === undefined || isGone
      ? { isGone, giveBack }
      : { problem: told(launch, problem), isGone, giveBack };
  } catch (error) {
    return { problem: told(launch, messageOf(error)), isGone: false, giveBack };
  }
}

const told = (launch: LaunchId, reason: string) => `${launch}: ${reason}`;
