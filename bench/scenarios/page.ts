import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Agent } from '../agent.ts';
import { benchBootstrap } from '../bootstrap.ts';
import { get } from '../probe.ts';
import { memoryOf } from '../processes.ts';
import {
  atLeast,
  atMost,
  type Bench,
  type Figure,
  median,
  rounded,
  type Scenario,
  told,
} from '../scenario.ts';
import { delay } from '../waiting.ts';
import type { World } from '../world.ts';
import { keptFigures, type Sample, sampleOf } from './rotations-soak-kept.ts';
import { rotateUntilServed } from './served-rotation.ts';

const ROTATION_COUNT = 600;
const SETTLED_AFTER_MS = 10_000;
/** Every so many rotations a restart, which fills other parts of the page. */
const RESTART_EVERY = 20;
/** Every so many rotations someone loads the page anew. */
const RELOAD_EVERY = 10;
const NOTE_EVERY = 50;
/** The idle agent's, and 5 MB for a page that is open. */
const BUDGET_MB = { residentMb: 56 + 5, anonymousMb: 15 + 5 };

export const page: Scenario = {
  name: 'page',
  about: `the page open for --count (${ROTATION_COUNT}) rotations, over --duration; what the agent takes for it`,
  async run(bench) {
    const world = await bench.openWorld();
    const agent = world.startAgent({
      BATON_BOOTSTRAP: await bootstrapAsJson(world),
      BATON_CERT_DELIVERY: 'sds',
    });
    await agent.ready();
    await delay(SETTLED_AFTER_MS);
    const idle = memoryOf(agent.pid);
    const viewer = openPage(world.statusPort);
    const samples = await rotateBefore(bench, world, agent);
    viewer.close();
    return [
      told('idle, resident / anonymous', mbText(idle.residentMb, idle.anonymousMb)),
      told('rotations', String(samples.length)),
      atLeast('news a page was told', viewer.newsCount(), samples.length, ''),
      told('of them in all', `${rounded(viewer.byteCount() / 1024)} KB`),
      ...budgetFigures(samples),
      ...keptFigures(samples),
    ];
  },
};

/** The library that reads YAML is no part of the budget: the built-in templates need none. */
async function bootstrapAsJson({ folder, plain, tls, upstream }: World): Promise<string> {
  const ports = { plain: plain.port, tls: tls.port, upstream: upstream.port };
  const path = join(folder, 'bootstrap.json');
  await writeFile(path, JSON.stringify(parse(benchBootstrap(ports))), { mode: 0o600 });
  return path;
}

/**
 * In place but for a restart now and then, each served before the next; a sample of each. Without a
 * pause, or spread over the time that was asked for.
 */
async function rotateBefore(bench: Bench, world: World, agent: Agent): Promise<readonly Sample[]> {
  const { count = ROTATION_COUNT, durationMs = 0 } = bench;
  const beginAtMs = performance.now();
  const samples: Sample[] = [];
  while (samples.length < count) {
    const number = samples.length + 1;
    const dueAtMs = beginAtMs + (durationMs * samples.length) / count;
    await delay(Math.max(0, dueAtMs - performance.now()));
    if (number % RELOAD_EVERY === 0) await get({ port: world.statusPort }, '/');
    if (number % RESTART_EVERY === 0) agent.signal('SIGHUP');
    await rotateUntilServed(world);
    samples.push(sampleOf(world, agent));
    if (number % NOTE_EVERY === 0) bench.note(`rotation ${number}: ${memoryText(agent)}`);
  }
  return samples;
}

/** As a browser follows it. */
function openPage(port: number) {
  let newsCount = 0;
  let byteCount = 0;
  const asked = http.get({ port, path: '/events', host: '127.0.0.1', agent: false }, (answer) => {
    answer.setEncoding('utf8').on('data', (text: string) => {
      byteCount += Buffer.byteLength(text);
      newsCount += text.split('\n\n').length - 1;
    });
    answer.on('error', () => {});
  });
  asked.on('error', () => {});
  return {
    newsCount: () => newsCount,
    byteCount: () => byteCount,
    close: () => asked.destroy(),
  };
}

/** The end is what counts: until the middle the heap finds its size. */
function budgetFigures(samples: readonly Sample[]): readonly Figure[] {
  const last = samples.slice(Math.floor(samples.length * 0.9)).map(({ agent }) => agent);
  return (['residentMb', 'anonymousMb'] as const).map((of) =>
    atMost(
      `agent with the page open: ${of === 'residentMb' ? 'resident' : 'anonymous'} at the end`,
      median(last.map((sample) => sample[of])),
      BUDGET_MB[of],
      ' MB',
    ),
  );
}

function memoryText({ pid }: Agent): string {
  const { residentMb, anonymousMb } = memoryOf(pid);
  return mbText(residentMb, anonymousMb);
}

function mbText(residentMb: number, anonymousMb: number): string {
  return `${rounded(residentMb)} / ${rounded(anonymousMb)} MB`;
}
