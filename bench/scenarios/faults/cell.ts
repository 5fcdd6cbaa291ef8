/** One cell of the fault matrix on a real Envoy, under load. */
import type { Place } from '../../../test/faults/matrix.ts';
import { play } from '../../../test/faults/play.ts';
import type { Ledger } from '../../judge/ledger.ts';
import type { Bench } from '../../scenario.ts';
import { delay } from '../../waiting.ts';
import { openBenchScene } from './bench-scene.ts';

export const REQUESTS_PER_SECOND = 200;
/** Before the fault and after its outcome. */
const QUIET_MS = 500;

/**
 * The ledger from before the handover to after the outcome. A stop is judged by what was under way
 * when it was asked for: whoever stops an agent sends it no more.
 *
 * @throws Error when anything but the cell's outcome came of the fault
 */
export async function measureCell(place: Place, bench: Bench): Promise<Ledger> {
  const world = await bench.openWorld();
  const scene = await openBenchScene(world, place.fault);
  try {
    const load = await world.startLoad(world.plain, REQUESTS_PER_SECOND);
    await delay(QUIET_MS);
    let ledger: Promise<Ledger> | undefined;
    const isStop = place.cell.outcome === 'stopped';
    await play(place, scene, {
      onStrike: () => {
        if (isStop) ledger = load.stop();
      },
      onOutcome: async () => {
        await delay(QUIET_MS);
        ledger ??= load.stop();
        await ledger;
      },
    });
    return await (ledger ?? load.stop());
  } finally {
    await scene.close();
    await world.close();
  }
}
