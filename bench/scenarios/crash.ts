import type { Agent } from '../agent.ts';
import { monotonicMs } from '../judge/connection.ts';
import { askOnce } from '../probe.ts';
import { atMost, type Figure, median, rounded, type Scenario, told } from '../scenario.ts';
import { delay, waitFor } from '../waiting.ts';
import type { World } from '../world.ts';

const CRASH_COUNT = 5;
const FIRST_DELAY_MS = 200;
const ALLOWED_MS = FIRST_DELAY_MS + 150;
const PROBE_INTERVAL_MS = 5;

export const crash: Scenario = {
  name: 'crash',
  about: 'SIGKILL of Envoy to the first answer again',
  async run(bench) {
    const world = await bench.openWorld();
    // So that every crash here is a first one, with the first token's delay.
    const agent = world.startAgent({ BATON_RESTART_REFILL_TIME: '1s' });
    const alone = await outagesOf(world, agent, {
      note: (line) => bench.note(`the only Envoy: ${line}`),
      prepare: async () => {},
    });
    const tookOver = await outagesOf(world, agent, {
      note: (line) => bench.note(`just after its takeover: ${line}`),
      prepare: () => handOver(agent),
    });
    return [
      ...figuresOf('answers again after the kill', alone),
      ...figuresOf('answers again after the kill of one that just took over', tookOver),
      told("of it the first token's delay", `${FIRST_DELAY_MS} ms`),
    ];
  },
};

interface Round {
  readonly note: (line: string) => void;
  readonly prepare: () => Promise<void>;
}

async function outagesOf(world: World, agent: Agent, round: Round): Promise<readonly number[]> {
  const outagesMs: number[] = [];
  for (let count = 1; count <= CRASH_COUNT; count += 1) {
    await agent.ready();
    await tokensRefilled(agent);
    await round.prepare();
    const outageMs = await kill(world, agent);
    outagesMs.push(outageMs);
    round.note(`crash ${count}: answers again after ${rounded(outageMs)} ms`);
  }
  return outagesMs;
}

function figuresOf(name: string, outagesMs: readonly number[]): readonly Figure[] {
  return [
    atMost(`${name}, median`, median(outagesMs), ALLOWED_MS, ' ms'),
    told(`${name}, slowest`, `${rounded(Math.max(...outagesMs))} ms`),
  ];
}

/** Until the new one has taken over and the old one drains behind it. */
async function handOver(agent: Agent): Promise<void> {
  await waitFor('quiet', async () => (await agent.status()).launches.length === 1 || undefined);
  agent.signal('SIGHUP');
  await waitFor('takeover', async () => {
    const { launches } = await agent.status();
    return launches.map(({ stage }) => stage).join() === 'retiring,live' || undefined;
  });
}

/** The newest; an older one drains. */
async function kill(world: World, agent: Agent): Promise<number> {
  const envoy = agent.envoys().at(-1);
  if (envoy === undefined) throw new Error('Cannot kill Envoy: there is none.');
  const killedAtMs = monotonicMs();
  process.kill(envoy, 'SIGKILL');
  await firstAnswer(world, false);
  return (await firstAnswer(world, true)) - killedAtMs;
}

/** When a request first ends as asked; the dying Envoy may still answer one. */
async function firstAnswer(world: World, isOk: boolean): Promise<number> {
  return waitFor(
    isOk ? 'answer after the crash' : 'failure after the kill',
    async () =>
      ((await askOnce(world.plain)).class === 'ok') === isOk ? monotonicMs() : undefined,
    { everyMs: PROBE_INTERVAL_MS },
  );
}

async function tokensRefilled(agent: Agent) {
  await waitFor('refilled tokens', async () => {
    const { tokens } = await agent.status();
    return tokens.left === tokens.total || undefined;
  });
  await delay(100);
}
