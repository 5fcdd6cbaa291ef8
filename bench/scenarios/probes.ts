import { readdirSync } from 'node:fs';
import http from 'node:http';
import type { Agent } from '../agent.ts';
import { monotonicMs } from '../judge/connection.ts';
import { get } from '../probe.ts';
import { memoryOf } from '../processes.ts';
import {
  atMost,
  type Bench,
  exactly,
  type Figure,
  median,
  rounded,
  type Scenario,
  told,
} from '../scenario.ts';
import type { World } from '../world.ts';
import { MEMORY_SLACK } from './rotations-soak-kept.ts';

const ONE_MILLION = 1_000_000;
const SAMPLE_COUNT = 40;
/** Side by side, half of them on a connection of their own each time, as the kubelet's are. */
const ASKER_COUNT = 16;
const PATHS = ['/healthz/ready', '/healthz/live', '/healthz/startup', '/app-health/app/livez'];

export const probes: Scenario = {
  name: 'probes',
  about: '--count (1,000,000) probe requests of every kind; what the agent keeps of them',
  async run(bench) {
    const { count = ONE_MILLION } = bench;
    const world = await bench.openWorld();
    const application = await startApplication();
    try {
      const agent = world.startAgent(settingsFor(application.port));
      await agent.ready();
      return await figuresOf(bench, { world, agent, count });
    } finally {
      application.close();
    }
  },
};

/** What the probes that are taken over are put to, and what is asked for its readiness. */
async function startApplication() {
  const server = http.createServer((_, response) => response.end('fine'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, close: () => server.close() };
}

function settingsFor(port: number) {
  const probe = { httpGet: { port, path: '/' }, timeoutSeconds: 5 };
  return {
    BATON_APP_READY_URL: `http://127.0.0.1:${port}/ready`,
    ISTIO_KUBE_APP_PROBERS: JSON.stringify({ '/app-health/app/livez': probe }),
  };
}

interface Course {
  readonly world: World;
  readonly agent: Agent;
  readonly count: number;
}

interface Sample {
  readonly residentMb: number;
  readonly anonymousMb: number;
  readonly descriptorCount: number;
}

async function figuresOf(
  bench: Bench,
  { agent, count, world }: Course,
): Promise<readonly Figure[]> {
  const samples: Sample[] = [];
  const perSample = Math.ceil(count / SAMPLE_COUNT);
  const startedAtMs = monotonicMs();
  let failedCount = 0;
  for (let doneCount = 0; doneCount < count; doneCount += perSample) {
    failedCount += await ask(world.statusPort, Math.min(perSample, count - doneCount));
    samples.push(sampleOf(agent));
    bench.note(progressOf(doneCount + perSample, samples));
  }
  const tookMs = monotonicMs() - startedAtMs;
  return [
    told('probes', String(count)),
    told('probes in a second', rounded((count / tookMs) * 1_000)),
    exactly('answered otherwise than by 200', failedCount, 0),
    ...keptFigures(samples),
  ];
}

/** @returns how many were not answered by 200 */
async function ask(port: number, count: number): Promise<number> {
  let failedCount = 0;
  let askedCount = 0;
  const kept = new http.Agent({ keepAlive: true, maxSockets: ASKER_COUNT });
  const askOn = async (asker: number) => {
    while (askedCount < count) {
      const path = PATHS[askedCount % PATHS.length] ?? '/';
      askedCount += 1;
      const answer = asker % 2 === 0 ? get({ port }, path) : getKept(kept, port, path);
      if ((await answer.catch(() => undefined))?.status !== 200) failedCount += 1;
    }
  };
  await Promise.all(Array.from({ length: ASKER_COUNT }, (_, asker) => askOn(asker)));
  kept.destroy();
  return failedCount;
}

function getKept(agent: http.Agent, port: number, path: string) {
  return new Promise<{ readonly status: number }>((resolve, reject) => {
    const request = http.get({ port, path, host: '127.0.0.1', agent }, (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode ?? 0 }));
    });
    request.on('error', reject);
  });
}

function sampleOf({ pid }: Agent): Sample {
  return { ...memoryOf(pid), descriptorCount: readdirSync(`/proc/${pid}/fd`).length };
}

function progressOf(doneCount: number, samples: readonly Sample[]): string {
  const { residentMb = 0, anonymousMb = 0, descriptorCount = 0 } = samples.at(-1) ?? {};
  const memory = `${rounded(residentMb)} MB resident, ${rounded(anonymousMb)} MB anonymous`;
  return `${doneCount} probes: ${memory}, ${descriptorCount} descriptors`;
}

/** The first tenth warms up, and until the middle the heap finds its size; then it must be flat. */
function keptFigures(samples: readonly Sample[]): readonly Figure[] {
  const [start = [], middle = [], end = []] = [0.1, 0.45, 0.9].map((from) =>
    samples.slice(Math.floor(from * samples.length), Math.ceil((from + 0.1) * samples.length)),
  );
  const usual = (some: readonly Sample[], of: keyof Sample) =>
    median(some.map((sample) => sample[of]));
  const story = (of: keyof Sample) =>
    [start, middle, end].map((some) => rounded(usual(some, of))).join(' / ');
  const least = (some: readonly Sample[]) =>
    Math.min(...some.map(({ descriptorCount }) => descriptorCount));
  return [
    told('resident MB, start / middle / end', story('residentMb')),
    told('anonymous MB, start / middle / end', story('anonymousMb')),
    atMost(
      'anonymous at the end / in the middle',
      usual(end, 'anonymousMb') / usual(middle, 'anonymousMb'),
      MEMORY_SLACK,
      ' x',
    ),
    told('descriptors, start / middle / end', story('descriptorCount')),
    atMost('descriptors at the end', least(end), least(start), ''),
  ];
}
