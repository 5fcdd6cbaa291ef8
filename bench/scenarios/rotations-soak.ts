import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Agent } from '../agent.ts';
import type { LoadApart } from '../judge/load-apart.ts';
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
import type { World } from '../world.ts';
import { launchCount } from './live-time.ts';
import { loadFigures } from './load-figures.ts';
import { keptFigures, type Sample, sampleOf } from './rotations-soak-kept.ts';
import { rotateUntilServed, type ServedRotation } from './served-rotation.ts';

const ROTATION_COUNT = 1_000;
const PER_SECOND = 150;
const PROBE_INTERVAL_MS = 20;
const NOTE_EVERY = 50;
/** The wait for the end of the old Envoy included: the next write does not wait for that. */
const SERVED_WITHIN_MS = 5_000;

interface Part {
  readonly delivery: 'restart' | 'sds';
  readonly title: string;
  readonly count: number;
  /** When no further rotation is begun. */
  readonly durationMs: number | undefined;
}

export const rotations: Scenario = {
  name: 'rotations',
  about: `--count rotations (${ROTATION_COUNT}) for each delivery, each served before the next is written`,
  async run(bench) {
    const { count = ROTATION_COUNT, durationMs } = bench;
    // A restart takes two seconds at least, whatever else is done; two agents share the rotations.
    const halves = [Math.ceil(count / 2), Math.floor(count / 2)];
    const restarts = await Promise.all(
      halves.map((half, index) => {
        const title = `restart, agent ${index + 1}`;
        return soak(bench, { delivery: 'restart', title, count: half, durationMs });
      }),
    );
    const swaps = await soak(bench, { delivery: 'sds', title: 'sds', count, durationMs });
    return [...restarts.flat(), ...swaps];
  },
};

async function soak(bench: Bench, part: Part): Promise<readonly Figure[]> {
  const world = await bench.openWorld();
  const agent = world.startAgent({
    BATON_CERT_DELIVERY: part.delivery,
    BATON_DRAIN_TIME: '1s',
    BATON_PARENT_SHUTDOWN_TIME: '2s',
  });
  await agent.ready();
  const load = await world.startLoad(world.tls, PER_SECOND);
  const { served, samples } = await rotateAgain({ bench, part, world, agent, load });
  const left = await leftBy(world, agent);
  const ledger = await load.stop();
  await world.close();
  const figures = [
    ...servedFigures(served),
    ...leftFigures(left, part.delivery === 'sds' ? 0 : served.length),
    ...loadFigures('TLS', ledger),
    ...keptFigures(samples),
  ];
  return figures.map((figure) => ({ ...figure, name: `${part.title}: ${figure.name}` }));
}

interface Soaking {
  readonly bench: Bench;
  readonly part: Part;
  readonly world: World;
  readonly agent: Agent;
  readonly load: LoadApart;
}

/** One after the other, the next as soon as the last is served; a sample of each. */
async function rotateAgain({ bench, part, world, agent, load }: Soaking) {
  const served: ServedRotation[] = [];
  const samples: Sample[] = [];
  const endAtMs = performance.now() + (part.durationMs ?? Number.POSITIVE_INFINITY);
  while (served.length < part.count && performance.now() < endAtMs) {
    served.push(await rotateUntilServed(world, PROBE_INTERVAL_MS));
    samples.push(sampleOf(world, agent));
    if (served.length % NOTE_EVERY === 0) {
      bench.note(`${part.title}, rotation ${served.length}: ${load.progress().lost} lost`);
    }
  }
  return { served, samples };
}

interface Left {
  readonly launchCount: number;
  readonly epoch: number;
  readonly tokenCount: number;
  readonly snapshotCount: number;
}

/** Once there is one launch and nothing is under way. */
async function leftBy(world: World, agent: Agent): Promise<Left> {
  const snapshots = () => readdir(join(world.folder, 'run', 'certs'));
  const status = await waitFor('quiet agent', async () => {
    const now = await agent.status();
    const isQuiet = now.launches.length === 1 && now.handover === undefined;
    return isQuiet && (await snapshots()).length === 1 ? now : undefined;
  }).catch(() => agent.status());
  return {
    launchCount: launchCount(world),
    epoch: status.launches[0]?.epoch ?? -1,
    tokenCount: status.tokens.left,
    snapshotCount: (await snapshots()).length,
  };
}

function servedFigures(served: readonly ServedRotation[]): readonly Figure[] {
  const afterMs = served.map((one) => one.afterMs);
  const failedCount = served.reduce((sum, one) => sum + one.failedCount, 0);
  const usual = [median(afterMs), quantile(afterMs, 0.99)].map(rounded).join(' / ');
  return [
    told('rotations', String(served.length)),
    told('write to served, median / p99', `${usual} ms`),
    atMost('write to served, worst', Math.max(...afterMs), SERVED_WITHIN_MS, ' ms'),
    exactly('failed handshakes', failedCount, 0),
  ];
}

function leftFigures(left: Left, handoverCount: number): readonly Figure[] {
  return [
    exactly('launches after the first', left.launchCount - 1, handoverCount),
    exactly('epoch at the end, none left out', left.epoch, handoverCount),
    exactly('tokens left', left.tokenCount, 10),
    exactly('snapshots left', left.snapshotCount, 1),
  ];
}
