/** How each moment of a handover is reached, and held where it would pass. */
import type { Gate } from '../support/gates.ts';
import type { Scene } from './scene.ts';
import type { Moment } from './vocabulary.ts';

/** Begins the handover from L1 to L2 and resolves at the moment. */
export const reach: Readonly<Record<Moment, (scene: Scene) => Promise<unknown>>> = {
  beforeSpawn: (scene) => beginAndHold(scene, 'validation'),
  beforeShutdownAdmin: (scene) => beginAndHold(scene, 'execution'),
  beforeLive: (scene) => beginAndHold(scene, 'initialization'),
  async justLive(scene) {
    scene.agent().signal('SIGHUP');
    await scene.agent().untilRecord({ msg: 'Envoy live', launch: 'L2' });
  },
  async duringDrain(scene) {
    await reach.justLive(scene);
    await scene.agent().untilRecord({ msg: 'connections counted', launch: 'L1' }, 2);
  },
  async afterParentEnd(scene) {
    await reach.justLive(scene);
    await untilServesAlone(scene);
  },
};

async function beginAndHold(scene: Scene, gate: Gate): Promise<void> {
  scene.hold(gate);
  scene.agent().signal('SIGHUP');
  await scene.agent().until(`a launch held at ${gate}`, () => scene.isHeld(gate));
  const record = SEEN_AT[gate];
  if (record !== undefined) await scene.agent().untilRecord({ msg: record, launch: 'L2' });
}

/** What tells that the agent, too, knows of the launch at the gate. */
const SEEN_AT: Readonly<Partial<Record<Gate, string>>> = {
  execution: 'Envoy started',
  initialization: 'Envoy answers',
};

/** One Envoy is left, LIVE, and no handover is in progress. */
export async function untilServesAlone(scene: Scene): Promise<void> {
  const agent = scene.agent();
  await agent.until('one Envoy alone', async () => {
    const { launches, handover } = await agent.status();
    const isAlone = launches.length === 1 && launches[0]?.stage === 'live';
    if (!isAlone || handover !== undefined) throw new Error(JSON.stringify({ launches, handover }));
    return true;
  });
}
