import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { monotonicMs } from '../judge/connection.ts';
import { cpuMsOf, memoryOf } from '../processes.ts';
import {
  atMost,
  type Bench,
  type Figure,
  median,
  rounded,
  type Scenario,
  told,
} from '../scenario.ts';
import { delay, waitFor } from '../waiting.ts';

const PAIR_COUNT = 11;
const BUDGET_MB = { resident: 56, anonymous: 15 };
const SETTLED_AFTER_MS = 10_000;
const IDLE_MS = 60_000;

export const agentCost: Scenario = {
  name: 'agent',
  about: 'what the agent itself costs: start, memory and processor time when idle',
  async run(bench) {
    return [...(await startFigures(bench)), ...(await idleFigures(bench))];
  },
};

/** In pairs, one after the other, so that both see the same machine. */
async function startFigures(bench: Bench): Promise<readonly Figure[]> {
  const bareMs: number[] = [];
  const firstMs: number[] = [];
  const servingMs: number[] = [];
  for (let pair = 0; pair < PAIR_COUNT; pair += 1) {
    bareMs.push(await bareNode());
    const { first, serving } = await agentStart(bench);
    firstMs.push(first);
    servingMs.push(serving);
  }
  const bare = median(bareMs);
  return [
    atMost('start to first exec of Envoy / bare Node', median(firstMs) / bare, 2, ' x'),
    told('start to first exec of Envoy', `${rounded(median(firstMs))} ms`),
    told('start to exec of the Envoy that serves', `${rounded(median(servingMs))} ms`),
    told('"node -e 0", start to exit', `${rounded(bare)} ms`),
  ];
}

async function bareNode(): Promise<number> {
  const startedAtMs = monotonicMs();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return monotonicMs() - startedAtMs;
}

async function agentStart(bench: Bench) {
  const world = await bench.openWorld();
  const sidecar = await world.sidecar();
  const startedAtMs = monotonicMs();
  const agent = world.startAgent(sidecar);
  const [first, serving] = await waitFor('launch', () => {
    const stamps = world.stamps.all();
    const launch = stamps.find(({ isLaunch }) => isLaunch);
    return stamps[0] && launch && [stamps[0].atMs, launch.atMs];
  });
  await agent.ready();
  await world.close();
  return { first: (first ?? 0) - startedAtMs, serving: (serving ?? 0) - startedAtMs };
}

async function idleFigures(bench: Bench): Promise<readonly Figure[]> {
  const world = await bench.openWorld();
  const agent = world.startAgent(await world.sidecar());
  await agent.ready();
  await delay(SETTLED_AFTER_MS);
  const memory = memoryOf(agent.pid);
  bench.note(`idle for ${IDLE_MS / 1000} s`);
  const cpuBeforeMs = cpuMsOf(agent.pid);
  await delay(IDLE_MS);
  const cpuShare = ((cpuMsOf(agent.pid) - cpuBeforeMs) / IDLE_MS) * 100;
  return [
    atMost('resident memory, idle', memory.residentMb, BUDGET_MB.resident, ' MB'),
    atMost('anonymous memory, idle', memory.anonymousMb, BUDGET_MB.anonymous, ' MB'),
    atMost('processor time, idle', cpuShare, 0.1, ' % of a core'),
  ];
}
