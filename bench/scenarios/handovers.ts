import type { Agent } from '../agent.ts';
import { exactly, median, rounded, type Scenario, told } from '../scenario.ts';
import type { World } from '../world.ts';
import { launchCount, nextLive } from './live-time.ts';
import { loadFigures, rateFigures } from './load-figures.ts';

const HANDOVER_COUNT = 20;
const PER_SECOND = { plain: 300, tls: 300 };

export const handovers: Scenario = {
  name: 'handovers',
  about: '20 hot restarts in a row under load, plain and TLS, half on new connections',
  async run(bench) {
    const world = await bench.openWorld();
    const agent = world.startAgent();
    await agent.ready();
    await agent.servesAlone(0);
    const plain = await world.startLoad(world.plain, PER_SECOND.plain);
    const tls = await world.startLoad(world.tls, PER_SECOND.tls);

    const liveTimesMs: number[] = [];
    for (let epoch = 1; epoch <= HANDOVER_COUNT; epoch += 1) {
      const [name, trigger] = triggerOf(epoch);
      const live = nextLive(world, launchCount(world), epoch);
      await Promise.all([live, trigger(world, agent)]);
      const { stamp, liveAtMs } = await live;
      liveTimesMs.push(liveAtMs - stamp.atMs);
      await agent.servesAlone(epoch);
      const lost = plain.progress().lost + tls.progress().lost;
      bench.note(
        `epoch ${epoch} by ${name}: LIVE in ${rounded(liveAtMs - stamp.atMs)} ms, ${lost} lost`,
      );
    }

    const ledgers = { plain: await plain.stop(), tls: await tls.stop() };
    const servedCount = await world.upstream.servedCount();
    return [
      exactly('hot restarts', liveTimesMs.length, HANDOVER_COUNT),
      ...rateFigures([ledgers.plain, ledgers.tls], { atLeastPerSecond: 500, servedCount }),
      ...loadFigures('plain', ledgers.plain),
      ...loadFigures('TLS', ledgers.tls),
      told(
        'execution to LIVE, median / max',
        `${rounded(median(liveTimesMs))} / ${rounded(Math.max(...liveTimesMs))} ms`,
      ),
    ];
  },
};

type Trigger = (world: World, agent: Agent) => unknown;

const TRIGGERS: readonly (readonly [string, Trigger])[] = [
  ['certificates', (world) => world.certificates.rotate()],
  ['signal', (_world, agent) => agent.signal('SIGHUP')],
  ['request', (_world, agent) => agent.baton('restart')],
];

function triggerOf(epoch: number): readonly [string, Trigger] {
  const trigger = TRIGGERS[epoch % TRIGGERS.length];
  if (trigger === undefined) throw new Error('There are no triggers.');
  return trigger;
}
