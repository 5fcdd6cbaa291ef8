/** Sees to it that it is the newcomer whom the kernel kills for want of memory. */
import { preferAsVictim } from '../../adapters/envoy-process/oom-preference.ts';
import type { Transition } from '../../agent.ts';
import { findLaunch, servingLaunch } from '../../core/turn.ts';

/** A launch that is started beside a serving one comes first until it serves itself. */
export function keepKillOrder({ event, after }: Pick<Transition, 'event' | 'after'>): void {
  if (event.type === 'launchSpawned' && servingLaunch(after) !== undefined) {
    preferAsVictim(event.pid, true);
  }
  if (event.type === 'launchLive') {
    const pid = findLaunch(after, event.launch)?.pid;
    if (pid !== undefined) preferAsVictim(pid, false);
  }
}
