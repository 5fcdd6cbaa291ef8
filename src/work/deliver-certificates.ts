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
  const deliveries = await Promise.all(recipients.map((one) => deliverTo(one, world)));
  const problems = deliveries.flatMap(({ problem }) => (problem === undefined ? [] : [problem]));
  const afterwards =
    problems.length > 0
      ? deliveries.map(({ giveBack }) => giveBack())
      : recipients.map(({ launch }) => world.runDirectory.forgetOldSecrets(launch));
  for (const result of await Promise.allSettled(afterwards)) {
    if (result.status === 'rejected') world.onTrouble(messageOf(result.reason));
  }
  world.post(
    problems.length > 0
      ? { type: 'deliveryFailed', handover, problems }
      : { type: 'certificatesDelivered', handover },
  );
}

interface Delivery {
  /** Why it does not serve with them; undefined when it does. */
  readonly problem?: string;
  readonly giveBack: () => Promise<void>;
}

const NOTHING_TO_GIVE_BACK = async () => {};

async function deliverTo({ launch, target }: Recipient, world: DeliveryWorld): Promise<Delivery> {
  const living = world.launches.get(launch);
  const material = world.materialOf(target);
  if (living === undefined || material === undefined) return refused(launch, 'it is gone');
  const { secrets } = material;
  try {
    const giveBack =
      secrets.size === 0
        ? NOTHING_TO_GIVE_BACK
        : await world.runDirectory.putSecrets(launch, target.certificates ?? '', secrets);
    const problem = await untilProved(material, living, world.clock);
    return problem === undefined ? { giveBack } : { problem: told(launch, problem), giveBack };
  } catch (error) {
    return refused(launch, messageOf(error));
  }
}

function refused(launch: LaunchId, reason: string): Delivery {
  return { problem: told(launch, reason), giveBack: NOTHING_TO_GIVE_BACK };
}

const told = (launch: LaunchId, reason: string) => `${launch}: ${reason}`;
