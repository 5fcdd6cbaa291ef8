/** One cell of the matrix from its first moment to its last. */
import { GATES } from '../support/gates.ts';
import { injections } from './injections.ts';
import type { Place } from './matrix.ts';
import { reach } from './moments.ts';
import { expectNextHot, expectOutcome } from './outcomes.ts';
import type { Scene } from './scene.ts';

/** Who wants to know when what happens. */
export interface Audience {
  /** The moment is reached; the fault comes now. */
  readonly onStrike?: () => unknown;
  /** The outcome has come about. */
  readonly onOutcome?: () => unknown;
}

/** @throws Error when anything but the cell's outcome comes of the fault. */
export async function play(place: Place, scene: Scene, audience: Audience = {}): Promise<void> {
  const { fault, moment, cell } = place;
  const { begin, strike, mend, next } = injections[fault];
  const beginIn = begin?.[moment];
  if (beginIn === undefined) await reach[moment](scene);
  await audience.onStrike?.();
  const mended = await beginIn?.(scene);
  if (beginIn === undefined) await strike?.(scene, moment);
  for (const gate of GATES) scene.letGo(gate);
  await mended?.();
  const isMendedFirst = cell.outcome === 'triedAgain';
  if (mend && isMendedFirst) await untilItFailed(scene).then(() => mend(scene));
  await expectOutcome(cell, scene, moment);
  await audience.onOutcome?.();
  if (mend && !isMendedFirst) await mend(scene);
  if (cell.outcome === 'stopped') return;
  await expectNextHot(scene, () => (next ?? bySignal)(scene));
}

async function untilItFailed(scene: Scene): Promise<void> {
  await scene.agent().untilRecord({ msg: 'next start scheduled' });
}

function bySignal(scene: Scene): void {
  scene.agent().signal('SIGHUP');
}
