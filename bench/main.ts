/** `npm run bench`: runs scenarios on the built agent and a real Envoy and prints one table. */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { getEnvoy } from './envoy.ts';
import { describeMachine } from './machine.ts';
import type { Figure, Scenario } from './scenario.ts';
import { agentCost } from './scenarios/agent-cost.ts';
import { binaries } from './scenarios/binaries.ts';
import { crash } from './scenarios/crash.ts';
import { handovers } from './scenarios/handovers.ts';
import { rotation } from './scenarios/rotation.ts';
import { type ScenarioResult, tableOf } from './table.ts';
import { openWorld, type World } from './world.ts';

const SCENARIOS: readonly Scenario[] = [handovers, binaries, rotation, crash, agentCost];
const ENVOY_VERSION = '1.40.0';

const USAGE = `npm run bench -- [--list] [--json FILE] [SCENARIO...]
  --list       the scenarios, one a line
  --json FILE  writes the figures there, too
Example: npm run bench -- handovers crash`;

const openWorlds = new Set<World>();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      list: { type: 'boolean' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const unknown = positionals.filter((name) => !SCENARIOS.some((known) => known.name === name));
  if (values.help || unknown.length > 0) {
    console.error(unknown.length > 0 ? `Unknown: ${unknown.join(', ')}.\n${USAGE}` : USAGE);
    return unknown.length > 0 ? 2 : 0;
  }
  if (values.list) {
    for (const { name, about } of SCENARIOS) console.log(`${name.padEnd(12)}${about}`);
    return 0;
  }
  const chosen = SCENARIOS.filter(
    ({ name }) => positionals.length === 0 || positionals.includes(name),
  );
  return measure(chosen, values.json);
}

async function measure(scenarios: readonly Scenario[], jsonPath?: string): Promise<number> {
  const envoy = await getEnvoy(ENVOY_VERSION);
  const machine = await describeMachine(envoy);
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) {
    progress(scenario.name, scenario.about);
    results.push({ scenario: scenario.name, figures: await figuresOf(scenario, envoy) });
  }
  console.log(`${machine}\n\n${tableOf(results)}`);
  if (jsonPath !== undefined) {
    await writeFile(jsonPath, `${JSON.stringify({ machine, results }, undefined, 2)}\n`);
  }
  return results.every(({ figures }) => figures.every(({ isMet }) => isMet)) ? 0 : 1;
}

/** A scenario that can't be measured is a missed bound, and does not keep the others from running. */
async function figuresOf(scenario: Scenario, envoy: string): Promise<readonly Figure[]> {
  try {
    return await scenario.run({
      note: (line) => progress(scenario.name, line),
      async openWorld(options) {
        const world = await openWorld({ envoy, ...options });
        openWorlds.add(world);
        return world;
      },
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    progress(scenario.name, message);
    return [{ name: 'measured to the end', measured: 'no', bound: 'yes', isMet: false }];
  } finally {
    await closeWorlds();
  }
}

async function closeWorlds() {
  for (const world of openWorlds) {
    openWorlds.delete(world);
    await world.close();
  }
}

function progress(scenario: string, line: string) {
  console.error(`[${scenario}] ${line}`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void closeWorlds().finally(() => process.exit(130)));
}
process.exitCode = await main();
