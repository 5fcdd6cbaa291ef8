/** Where lineages get their base ids, with these settings. */
import { createHotRestartDomain } from '../../adapters/hot-restart-domain.ts';
import type { Log } from '../../adapters/log.ts';
import type { OpenRunDirectory, RunState } from '../../adapters/run-directory.ts';
import { disablesHotRestart } from '../../core/envoy-args-check.ts';
import type { LineageId } from '../../core/model.ts';
import type { EnvoyQueries, HotRestartDomain, NameLocks } from '../../ports.ts';
import type { Settings } from '../../settings.ts';
import { sparingDomain } from '../../work/without-hot-restart.ts';

export interface HotRestartParts {
  readonly settings: Settings;
  readonly binary: string;
  readonly directory: OpenRunDirectory;
  readonly locks: NameLocks;
  /** What the run before this one left in the same run directory. */
  readonly lastRun: RunState;
  readonly log: Log;
}

/** Real ones, or any where Envoy takes no part in hot restart, by its arguments or its build. */
export function hotRestartDomainOf(
  parts: HotRestartParts,
  queries: EnvoyQueries,
): HotRestartDomain {
  return sparingDomain(rememberingDomain(parts), {
    isOff: disablesHotRestart(parts.settings.envoyArgs),
    isNotBuiltIn: async () => {
      const version = await queries.hotRestartVersion(parts.binary);
      return version.ok && version.value === 'disabled';
    },
  });
}

/** The base ids in use are remembered: memory left under them by a run that was killed is ours. */
function rememberingDomain({
  settings,
  directory,
  locks,
  lastRun,
  log,
}: HotRestartParts): HotRestartDomain {
  const domain = createHotRestartDomain({
    identity: `${settings.podName} ${directory.path}`,
    locks,
    fixedBaseId: settings.baseId,
    remembered: lastRun.baseIds,
  });
  // Only a run that is killed pays for it: what it leaves is then a stranger's.
  const forgotten = (error: Error) =>
    log.record({ level: 'warn', message: 'trouble', fields: { reason: error.message } });
  const inUse = new Map<LineageId, number>();
  let rememberedIds = '';
  // Each write waits for the disk, and so does the launch: only what has changed is worth it.
  const remember = async () => {
    const baseIds = [...inUse.values()];
    const ids = baseIds.join();
    if (ids === rememberedIds) return;
    await directory.remember({ baseIds });
    rememberedIds = ids;
  };
  return {
    ...domain,
    reserve: async (lineage) => {
      const reserved = await domain.reserve(lineage);
      if (!reserved.ok) return reserved;
      inUse.set(lineage, reserved.value);
      await remember().catch(forgotten);
      return reserved;
    },
    release: (lineage) => {
      inUse.delete(lineage);
      domain.release(lineage);
    },
  };
}
