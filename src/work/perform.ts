/** Does what the core decided: one function per effect, and no decision of its own. */
import { messageOf } from '../core/agent-error.ts';
import type { Effect, Event } from '../core/events.ts';
import type { ExitCode, LaunchId, LineageId, RequestId } from '../core/model.ts';
import type { HandoverEnd } from '../core/state.ts';
import { type CheckWorld, checkDesired } from './check-desired.ts';
import { type DeliveryWorld, deliverCertificates } from './deliver-certificates.ts';
import { type DrainWorld, drainLaunch } from './drain-launch.ts';
import { type LaunchWorld, launchEnvoy } from './launch-envoy.ts';
import { wasTakenOver } from './takeover.ts';

export interface World extends CheckWorld, DeliveryWorld, DrainWorld, LaunchWorld {
  readonly post: (event: Event) => void;
  /** An Envoy is about to be started beside others, of a lineage of its own. */
  readonly onSideBySide: () => void;
  /** Tells those who asked for a handover how it ended. */
  readonly answer: (requests: readonly RequestId[], end: HandoverEnd) => void;
  readonly exit: (code: ExitCode) => void;
  /** A launch is gone; snapshots and files nobody uses may go as well. */
  readonly onForgotten: (launch: LaunchId) => void;
}

/** Never throws: work goes on by itself and reports what came of it as events. */
export function createPerform(world: World): (effect: Effect) => void {
  const lineages = new Map<LaunchId, Placed>();
  return (effect) => {
    switch (effect.type) {
      case 'checkDesired':
        return void checkDesired(effect, world);
      case 'deliverCertificates':
        return void deliverCertificates(effect, world);
      case 'launchEnvoy':
        if (effect.epoch === 0 && lineages.size > 0) world.onSideBySide();
        lineages.set(effect.launch, effect);
        return void launchEnvoy(effect, world);
      case 'signalLaunch':
        return signalLaunch(effect, world);
      case 'drainLaunch':
        return void drainLaunch(effect, world);
      case 'repairLineage':
        return void repairLineage(effect.lineage, world);
      case 'forgetLaunch':
        return forgetLaunch(effect.launch, lineages, world);
      case 'reportHandover':
        return world.answer(effect.requests, effect.end);
      case 'exitAgent':
        return world.exit(effect.code);
    }
  };
}

type Signalling = Effect & { readonly type: 'signalLaunch' };

function signalLaunch({ launch, signal }: Signalling, world: World): void {
  const living = world.launches.get(launch);
  if (living === undefined) {
    world.preparing.get(launch)?.abort();
    return;
  }
  living.isToEnd = true;
  living.process.signal(signal);
}

type Placed = Effect & { readonly type: 'launchEnvoy' };

async function repairLineage(lineage: LineageId, world: World): Promise<void> {
  const repaired = await world.domain.repair(lineage);
  // A child that takes over clears the bit itself, right after it told its parent to close.
  const mayHave = repaired.ok && repaired.value === 'wasSound';
  const isTakenOver = mayHave && (await wasTakenOver(lineage, world));
  const taken = isTakenOver ? ({ hasTakenOver: true } as const) : {};
  const reason = repaired.ok
    ? repaired.value
    : repaired.problems.map(({ message }) => message).join(' ');
  world.post({ type: 'lineageRepaired', lineage, isSound: repaired.ok, reason, ...taken });
}

/** Its files go; its bootstrap only when no living launch has the same epoch by now. */
function forgetLaunch(id: LaunchId, placed: Map<LaunchId, Placed>, world: World): void {
  const gone = placed.get(id);
  placed.delete(id);
  // The core does not wait for it any more: it must not come to life behind its back.
  world.preparing.get(id)?.abort();
  if (gone === undefined) return;
  const living = [...placed.values()];
  const trouble = (error: unknown) => world.onTrouble(messageOf(error));
  world.runDirectory.removeAdminSocket(id).catch(trouble);
  world.runDirectory.removeSecrets(id).catch(trouble);
  if (!living.some(({ epoch }) => epoch === gone.epoch)) {
    world.runDirectory.removeBootstrap(gone.epoch).catch(trouble);
  }
  if (!living.some(({ lineage }) => lineage === gone.lineage)) world.domain.release(gone.lineage);
  world.onForgotten(id);
}
