import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import type { Agent } from '../agent.ts';
import { benchBootstrap } from '../bootstrap.ts';
import { monotonicMs } from '../judge/connection.ts';
import { cpuMsOf, memoryOf } from '../processes.ts';
import {
  atLeast,
  atMost,
  type Bench,
  type Figure,
  median,
  quantile,
  rounded,
  type Scenario,
  told,
} from '../scenario.ts';
import type { World } from '../world.ts';

/** Some 15 kB of metrics each. */
const CLUSTER_COUNT = 360;
const WARM_UP_COUNT = 30;
const SCRAPE_COUNT = 300;
const TOGETHER = 4;
const MB = 1024 * 1024;

export const scrape: Scenario = {
  name: 'scrape',
  about: `5 MB of Envoy's metrics on the merged page, ${SCRAPE_COUNT} times, then ${TOGETHER} at a time`,
  async run(bench) {
    const world = await bench.openWorld();
    const agent = world.startAgent({ BATON_BOOTSTRAP: await manyClusters(world) });
    await agent.ready();
    return figuresOf(bench, world, agent);
  },
};

async function figuresOf(bench: Bench, world: World, agent: Agent): Promise<readonly Figure[]> {
  const { count = SCRAPE_COUNT } = bench;
  const folder = join(world.folder, 'run');
  const page = () => timedGet(join(folder, 'control.sock'));
  const own = join(folder, `admin-${await servingLaunch(agent)}.sock`);
  const alone = () => timedGet(own);
  const idle = memoryOf(agent.pid).anonymousMb;
  await repeat(WARM_UP_COUNT, page);
  const envoyMs = (await repeat(WARM_UP_COUNT, alone)).map(({ ms }) => ms);
  const cpuBeforeMs = cpuMsOf(agent.pid);
  const anonymousMb: number[] = [];
  const pages = await repeat(count, async () => {
    const timed = await page();
    anonymousMb.push(memoryOf(agent.pid).anonymousMb);
    return timed;
  });
  const cpuMs = (cpuMsOf(agent.pid) - cpuBeforeMs) / count;
  bench.note(`${count} scrapes, one after the other`);
  const together = await repeat(Math.ceil(count / TOGETHER), () => inParallel(page));
  const pageMs = pages.map(({ ms }) => ms);
  const bytes = median(pages.map(({ byteCount }) => byteCount));
  return [
    atLeast('size of the page', bytes / MB, 5, ' MB'),
    atMost('a scrape, median', median(pageMs), 150, ' ms'),
    told('a scrape, p99', `${rounded(quantile(pageMs, 0.99))} ms`),
    told('Envoy asked without the agent, median', `${rounded(median(envoyMs))} ms`),
    atMost('a scrape / Envoy without the agent', median(pageMs) / median(envoyMs), 2, ' x'),
    atMost('processor time of the agent for each', cpuMs, 150, ' ms'),
    told(`${TOGETHER} scrapes at a time, median`, `${rounded(median(together))} ms`),
    ...memoryFigures(anonymousMb, idle),
  ];
}

/** Not always the first: one that a start on a busy machine took too long for is replaced. */
async function servingLaunch(agent: Agent): Promise<string> {
  const { launches } = await agent.status();
  const serving = launches.filter(({ stage }) => stage === 'live').at(-1);
  if (serving === undefined) throw new Error('Cannot ask Envoy without the agent: none serves.');
  return serving.id;
}

/** What lies about before it is collected goes up and down; only a peak above the last one tells. */
function memoryFigures(anonymousMb: readonly number[], idle: number): readonly Figure[] {
  const half = Math.floor(anonymousMb.length / 2);
  const early = Math.max(...anonymousMb.slice(0, half));
  const late = Math.max(...anonymousMb.slice(half));
  return [
    atMost('anonymous memory, its peak above idle', Math.max(early, late) - idle, 64, ' MB'),
    atMost('its peak in the second half above the first', late - early, 5, ' MB'),
  ];
}

/** The bench's own, with clusters that nobody uses. */
async function manyClusters(world: World): Promise<string> {
  const { plain, tls, upstream } = world;
  const ports = { plain: plain.port, tls: tls.port, upstream: upstream.port };
  const clusters = Array.from(
    { length: CLUSTER_COUNT },
    (_, at) => `  - { name: a-cluster-of-many-${at}, type: STATIC, connect_timeout: 1s }\n`,
  );
  const path = join(world.folder, 'many-clusters.yaml');
  await writeFile(path, benchBootstrap(ports) + clusters.join(''), { mode: 0o600 });
  return path;
}

interface Timed {
  readonly ms: number;
  readonly byteCount: number;
}

/** The whole of the metrics, from a connection of its own. @throws Error when it is not 200 */
function timedGet(socketPath: string): Promise<Timed> {
  const beginMs = monotonicMs();
  return new Promise((resolve, reject) => {
    const asked = http.get({ socketPath, path: '/stats/prometheus', agent: false }, (answer) => {
      let byteCount = 0;
      if (answer.statusCode !== 200) reject(new Error(`Cannot scrape: ${answer.statusCode}.`));
      answer.on('data', (chunk: Buffer) => {
        byteCount += chunk.length;
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ ms: monotonicMs() - beginMs, byteCount }));
    });
    asked.on('error', reject);
  });
}

/** How long the last of them took. */
async function inParallel(page: () => Promise<Timed>): Promise<number> {
  const all = await Promise.all(Array.from({ length: TOGETHER }, page));
  return Math.max(...all.map(({ ms }) => ms));
}

async function repeat<Value>(count: number, act: () => Promise<Value>): Promise<readonly Value[]> {
  const values: Value[] = [];
  for (let done = 0; done < count; done += 1) values.push(await act());
  return values;
}
