/** Base ids for Envoys that don't take part in hot restart: they have no names and no memory. */
import type { LineageId } from '../core/model.ts';
import type { HotRestartDomain } from '../ports.ts';

export interface HotRestartSwitch {
  /** By Envoy's arguments, from the start. */
  readonly isOff: boolean;
  /** Whether Envoy is built without; asked only where no base id can be had. */
  readonly isNotBuiltIn: () => Promise<boolean>;
}

/** Envoy is told a base id all the same and makes nothing of it. */
const ANY_BASE_ID = 0;

/**
 * The given domain, or for lineages that need none of it one in which nothing stands in the way of
 * a start: a missing /dev/shm must not keep an Envoy waiting that has no use for it.
 */
export function sparingDomain(domain: HotRestartDomain, off: HotRestartSwitch): HotRestartDomain {
  const spared = new Set<LineageId>();
  return {
    reserve: async (lineage) => {
      if (!off.isOff && !spared.has(lineage)) {
        const reserved = await domain.reserve(lineage);
        if (reserved.ok || !(await off.isNotBuiltIn())) return reserved;
      }
      spared.add(lineage);
      return { ok: true, value: ANY_BASE_ID };
    },
    repair: async (lineage) =>
      spared.has(lineage) ? { ok: true, value: 'wasSound' } : domain.repair(lineage),
    obstacleToJoin: async (lineage, joining) =>
      spared.has(lineage) ? 'hot restart is switched off' : domain.obstacleToJoin(lineage, joining),
    release: (lineage) => {
      if (!spared.delete(lineage)) domain.release(lineage);
    },
  };
}
