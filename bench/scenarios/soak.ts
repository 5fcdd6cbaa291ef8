import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from '../agent.ts';
import { monotonicMs } from '../judge/connection.ts';
import { seeSerial } from '../probe.ts';
import { memoryOf } from '../processes.ts';
import {
  atLeast,
  atMost,
  type Bench,
  exactly,
  type Figure,
  median,
  rounded,
  type Scenario,
  told,
} from '../scenario.ts';
import { delay, waitFor } from '../waiting.ts';
import type { World } from '../world.ts';
import { launchCount } from './live-time.ts';
import { loadFigures, rateFigures } from './load-figures.ts';
import { MEMORY_SLACK } from './rotations-soak-kept.ts';

const TEN_MINUTES_MS = 600_000;
const PER_SECOND = { plain: 100, tls: 200 };
/** The shortest that Envoy knows, so that handovers really follow one another. */
const SETTINGS = { BATON_DRAIN_TIME: '1s', BATON_PARENT_SHUTDOWN_TIME: '2s' };
/** With the checks before and the settle time no handover takes longer than this. */
const HANDOVER_MS = 5_000;

export const soak: Scenario = {
  name: 'soak',
  about: 'a rotation every second for --duration (10m) under load; what the agent keeps of it',
  async run(bench) {
    const { durationMs = TEN_MINUTES_MS } = bench;
    const world = await bench.openWorld();
    const agent = world.startAgent(SETTINGS);
    await agent.ready();
    const plain = await world.startLoad(world.plain, PER_SECOND.plain);
    const tls = await world.startLoad(world.tls, PER_SECOND.tls);

    const lostCount = () => plain.progress().lost + tls.progress().lost;
    const soaked = await rotateEachSecond({ bench, world, agent, durationMs, lostCount });

    const ledgers = { plain: await plain.stop(), tls: await tls.stop() };
    const servedCount = await world.upstream.servedCount();
    return [
      ...handoverFigures(soaked, durationMs),
      ...rateFigures([ledgers.plain, ledgers.tls], { atLeastPerSecond: 290, servedCount }),
      ...loadFigures('plain', ledgers.plain),
      ...loadFigures('TLS', ledgers.tls),
      ...keptFigures(soaked.samples),
    ];
  },
};

interface Soaking {
  readonly bench: Bench;
  readonly world: World;
  readonly agent: Agent;
  readonly durationMs: number;
  readonly lostCount: () => number;
}

interface Soaked {
  readonly rotationCount: number;
  readonly launchCount: number;
  readonly epoch: number;
  readonly tokensLeft: number;
  readonly samples: readonly Sample[];
}

/** What the agent has at one moment. */
interface Sample {
  readonly residentMb: number;
  readonly anonymousMb: number;
  readonly descriptorCount: number;
  readonly fileCount: number;
  readonly envoyCount: number;
}

/** Ends when the last certificate is served and the last old Envoy is gone. */
async function rotateEachSecond({ bench, world, agent, durationMs, lostCount }: Soaking) {
  const startedAtMs = monotonicMs();
  const samples: Sample[] = [];
  let rotation = await world.certificates.rotate();
  let rotationCount = 1;
  for (; monotonicMs() - startedAtMs < durationMs; rotationCount += 1) {
    await delay(startedAtMs + rotationCount * 1000 - monotonicMs());
    rotation = await world.certificates.rotate();
    samples.push(sampleOf(world, agent));
    if (rotationCount % 30 === 0) bench.note(progressOf(rotationCount, samples, lostCount()));
  }
  const target = { ...world.tls.tls, port: world.tls.port };
  await waitFor('last certificate', async () => {
    const { serialNumber } = await seeSerial(target);
    return serialNumber === rotation.serialNumber || undefined;
  });
  const { launches, tokens } = await waitFor('quiet agent', async () => {
    const status = await agent.status();
    return status.launches.length === 1 && status.handover === undefined ? status : undefined;
  });
  const epoch = launches[0]?.epoch ?? -1;
  return {
    rotationCount,
    launchCount: launchCount(world),
    epoch,
    tokensLeft: tokens.left,
    samples,
  };
}

function sampleOf(world: World, agent: Agent): Sample {
  return {
    ...memoryOf(agent.pid),
    descriptorCount: readdirSync(`/proc/${agent.pid}/fd`).length,
    fileCount: readdirSync(join(world.folder, 'run'), { recursive: true }).length,
    envoyCount: agent.envoys().length,
  };
}

function progressOf(rotationCount: number, samples: readonly Sample[], lostCount: number): string {
  const { residentMb = 0, descriptorCount, fileCount } = samples.at(-1) ?? {};
  const has = `${rounded(residentMb)} MB, ${descriptorCount} descriptors, ${fileCount} files`;
  return `rotation ${rotationCount}: ${lostCount} lost, the agent has ${has}`;
}

function handoverFigures(soaked: Soaked, durationMs: number): readonly Figure[] {
  const handoverCount = soaked.launchCount - 1;
  const most = Math.max(...soaked.samples.map(({ envoyCount }) => envoyCount));
  return [
    told('rotations', String(soaked.rotationCount)),
    atLeast('handovers', handoverCount, Math.floor(durationMs / HANDOVER_MS), ''),
    exactly('epoch at the end, none left out', soaked.epoch, handoverCount),
    atMost('Envoys at once', most, 3, ''),
    exactly('tokens left', soaked.tokensLeft, 10),
  ];
}

/** The least of a while is what is kept between handovers; memory is judged by its middle. */
function keptFigures(samples: readonly Sample[]): readonly Figure[] {
  // The first tenth warms up, and until the middle the heap finds its size; then it must be flat.
  const [start = [], middle = [], end = []] = [0.1, 0.45, 0.9].map((from) =>
    samples.slice(Math.floor(from * samples.length), Math.ceil((from + 0.1) * samples.length)),
  );
  const least = (some: readonly Sample[], of: 'descriptorCount' | 'fileCount') =>
    Math.min(...some.map((sample) => sample[of]));
  const usual = (some: readonly Sample[], of: 'residentMb' | 'anonymousMb') =>
    median(some.map((sample) => sample[of]));
  const story = (count: (some: readonly Sample[]) => number) =>
    [start, middle, end].map(count).map(rounded).join(' / ');
  return [
    told(
      'resident MB, start / middle / end',
      story((some) => usual(some, 'residentMb')),
    ),
    told(
      'anonymous MB, start / middle / end',
      story((some) => usual(some, 'anonymousMb')),
    ),
    atMost(
      'resident at the end / in the middle',
      usual(end, 'residentMb') / usual(middle, 'residentMb'),
      MEMORY_SLACK,
      ' x',
    ),
    told(
      'descriptors, start / middle / end',
      story((some) => least(some, 'descriptorCount')),
    ),
    atMost(
      'descriptors at the end',
      least(end, 'descriptorCount'),
      least(start, 'descriptorCount'),
      '',
    ),
    told(
      'files, start / middle / end',
      story((some) => least(some, 'fileCount')),
    ),
    atMost('files at the end', least(end, 'fileCount'), least(start, 'fileCount'), ''),
  ];
}
