import type { Agent } from '../agent.ts';
import {
  atMost,
  type Bench,
  exactly,
  type Figure,
  median,
  quantile,
  rounded,
  type Scenario,
  told,
} from '../scenario.ts';
import { waitFor } from '../waiting.ts';
import { QUIET_TIME_MS, type World } from '../world.ts';
import { launchCount } from './live-time.ts';
import { loadFigures, rateFigures } from './load-figures.ts';
import { rotateUntilServed, type ServedRotation } from './served-rotation.ts';

const ROTATION_COUNT = 50;
const PER_SECOND = { plain: 100, tls: 200 };
const AT_LEAST_PER_SECOND = 290;
/** From the end of the settle time to the first handshake with the new certificate. */
const ALLOWED_MS = 300;

type Delivery = 'sds' | 'restart';

export const sds: Scenario = {
  name: 'sds',
  about: `${ROTATION_COUNT} rotations under load, delivered in place by file SDS, then by restart`,
  async run(bench) {
    return [...(await figuresOf(bench, 'sds')), ...(await figuresOf(bench, 'restart'))];
  },
};

async function figuresOf(bench: Bench, delivery: Delivery): Promise<readonly Figure[]> {
  const { count = ROTATION_COUNT } = bench;
  const world = await bench.openWorld();
  const agent = world.startAgent({
    BATON_CERT_DELIVERY: delivery,
    BATON_DRAIN_TIME: '1s',
    BATON_PARENT_SHUTDOWN_TIME: '2s',
  });
  await agent.ready();
  const plain = await world.startLoad(world.plain, PER_SECOND.plain);
  const tls = await world.startLoad(world.tls, PER_SECOND.tls);
  const served: ServedRotation[] = [];
  for (let rotation = 1; rotation <= count; rotation += 1) {
    await quiet(agent);
    served.push(await rotateUntilServed(world));
    if (rotation % 10 === 0) {
      const lost = plain.progress().lost + tls.progress().lost;
      bench.note(`${delivery}, rotation ${rotation}: ${lost} lost`);
    }
  }
  await quiet(agent);
  const ledgers = [await plain.stop(), await tls.stop()] as const;
  const servedCount = await world.upstream.servedCount();
  const figures = [
    ...servedFigures(served, delivery),
    launchFigure(world, delivery, count),
    ...rateFigures(ledgers, { atLeastPerSecond: AT_LEAST_PER_SECOND, servedCount }),
    ...loadFigures('plain', ledgers[0]),
    ...loadFigures('TLS', ledgers[1]),
  ];
  return figures.map((figure) => ({ ...figure, name: `${delivery}: ${figure.name}` }));
}

/** One launch, and no handover under way. */
function quiet(agent: Agent): Promise<true> {
  return waitFor('quiet agent', async () => {
    const status = await agent.status().catch(() => undefined);
    return (status?.launches.length === 1 && status.handover === undefined) || undefined;
  });
}

function servedFigures(served: readonly ServedRotation[], delivery: Delivery): readonly Figure[] {
  const sinceSettledMs = served.map(({ afterMs }) => afterMs - QUIET_TIME_MS);
  const worstMs = Math.max(...sinceSettledMs);
  const worst = 'served after the settle time, worst';
  const usual = [median(sinceSettledMs), quantile(sinceSettledMs, 0.9)].map(rounded).join(' / ');
  const failedCount = served.reduce((sum, one) => sum + one.failedCount, 0);
  return [
    exactly('rotations served', served.length, served.length),
    told('served after the settle time, median / p90', `${usual} ms`),
    delivery === 'sds'
      ? atMost(worst, worstMs, ALLOWED_MS, ' ms')
      : told(worst, `${rounded(worstMs)} ms`),
    exactly('failed handshakes', failedCount, 0),
  ];
}

/** In place nothing is launched after the first. */
function launchFigure(world: World, delivery: Delivery, rotationCount: number): Figure {
  const expected = delivery === 'sds' ? 0 : rotationCount;
  return exactly('launches after the first', launchCount(world) - 1, expected);
}
