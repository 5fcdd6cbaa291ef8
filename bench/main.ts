/** `npm run bench`: runs scenarios on the built agent and a real Envoy and prints one table. */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { durationMs } from '../src/settings/duration.ts';
import { getEnvoy } from './envoy.ts';
import { describeMachine } from './machine.ts';
import type { Figure, Scenario } from './scenario.ts';
import { agentCost } from './scenarios/agent-cost.ts';
import { binaries } from './scenarios/binaries.ts';
import { crash } from './scenarios/crash.ts';
import { faults } from './scenarios/faults.ts';
import { fleet } from './scenarios/fleet.ts';
import { handovers } from './scenarios/handovers.ts';
import { page } from './scenarios/page.ts';
import { probes } from './scenarios/probes.ts';
import { rotation } from './scenarios/rotation.ts';
import { rotations } from './scenarios/rotations-soak.ts';
import { scrape } from './scenarios/scrape.ts';
import { sds } from './scenarios/sds.ts';
import { sideBySide } from './scenarios/side-by-side.ts';
import { soak } from './scenarios/soak.ts';
import { standby } from './scenarios/standby.ts';
import { type ScenarioResult, tableOf } from './table.ts';
import { openWorld, type World } from './world.ts';

const SCENARIOS: readonly Scenario[] = [
  handovers,
  binaries,
  rotation,
  sds,
  crash,
  sideBySide,
  standby,
  agentCost,
  scrape,
  fleet,
];
/** Too long to be run unasked. */
const ONLY_BY_NAME: readonly Scenario[] = [faults, soak, rotations, probes, page];
const ALL = [...SCENARIOS, ...ONLY_BY_NAME];
const ENVOY_VERSION = '1.40.0';

const USAGE = `npm run bench -- [--list] [--json FILE] [--duration D] [--count N] [SCENARIO...]
  --list        the scenarios, one a line
  --json FILE   writes the figures there, too
  --duration D  how long a scenario that could go on for ever is to take, e.g. 90s
  --count N     how often it is to do what it does
Without a name all are run but ${ONLY_BY_NAME.map(({ name }) => name).join(', ')}.
Example: npm run bench -- handovers crash`;

const OPTIONS = {
  list: { type: 'boolean' },
  json: { type: 'string' },
  duration: { type: 'string' },
  count: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const openWorlds = new Set<World>();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: OPTIONS });
  const unknown = unknownAmong(positionals, values);
  if (values.help || unknown.length > 0) {
    console.error(unknown.length > 0 ? `Unknown: ${unknown.join(', ')}.\n${USAGE}` : USAGE);
    return unknown.length > 0 ? 2 : 0;
  }
  if (values.list) {
    for (const { name, about } of ALL) console.log(`${name.padEnd(14)}${about}`);
    return 0;
  }
  const named = ALL.filter(({ name }) => positionals.includes(name));
  return measure(positionals.length === 0 ? SCENARIOS : named, {
    jsonPath: values.json,
    durationMs: durationMs(values.duration ?? ''),
    count: values.count === undefined ? undefined : Number(values.count),
  });
}

interface Limits {
  readonly duration?: string | undefined;
  readonly count?: string | undefined;
}

function unknownAmong(
  names: readonly string[],
  { duration = '1s', count = '1' }: Limits,
): readonly string[] {
  return [
    ...names.filter((name) => !ALL.some((known) => known.name === name)),
    ...(durationMs(duration) ? [] : [duration]),
    ...(/^[1-9][0-9]{0,6}$/.test(count) ? [] : [count]),
  ];
}

interface HowTo {
  readonly jsonPath: string | undefined;
  readonly durationMs: number | undefined;
  readonly count: number | undefined;
}

async function measure(scenarios: readonly Scenario[], how: HowTo): Promise<number> {
  const { jsonPath } = how;
  const envoy = await getEnvoy(ENVOY_VERSION);
  const machine = await describeMachine(envoy);
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) {
    progress(scenario.name, scenario.about);
    results.push({ scenario: scenario.name, figures: await figuresOf(scenario, envoy, how) });
  }
  console.log(`${machine}\n\n${tableOf(results)}`);
  if (jsonPath !== undefined) {
    await writeFile(jsonPath, `${JSON.stringify({ machine, results }, undefined, 2)}\n`);
  }
  return results.every(({ figures }) => figures.every(({ isMet }) => isMet)) ? 0 : 1;
}

/** A scenario that can't be measured is a missed bound, and does not keep the others from running. */
async function figuresOf(
  scenario: Scenario,
  envoy: string,
  { durationMs, count }: HowTo,
): Promise<readonly Figure[]> {
  try {
    return await scenario.run({
      ...(durationMs === undefined ? {} : { durationMs }),
      ...(count === undefined ? {} : { count }),
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
