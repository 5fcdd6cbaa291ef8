/** The cases that two other supervisors were put to with the same Envoy and the same judge. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Agent } from '../../agent.ts';
import { monotonicMs } from '../../judge/connection.ts';
import type { Ledger } from '../../judge/ledger.ts';
import { seeSerial } from '../../probe.ts';
import { type Bench, type Figure, rounded } from '../../scenario.ts';
import { delay, waitFor } from '../../waiting.ts';
import type { World } from '../../world.ts';
import { CASES, type CaseName } from './known-cases.ts';
import { startSlowService } from './slow-service.ts';

const REQUESTS_PER_SECOND = 400;
const KEY_LATE_BY_MS = 15_000;
const QUIET_MS = 500;
/** The settle time that users have, as the others had theirs. */
const USERS_QUIET = { BATON_CERT_QUIET_TIME: '1s' };
const NOT_GIVEN_UP = 'Expected the broken bootstrap to be given up still.';
/** How long another supervisor is down for when a configuration breaks. */
const DOWN_ELSEWHERE_MS = 6_500;
/** Of the load: no more of them can be waiting for an answer of the Envoy that dies. */
const KEPT_CONNECTIONS = 16;

interface Played {
  readonly ledger: Ledger;
  /** What it took, when that is told. */
  readonly took?: string;
  /** How many may be lost, with what was in flight. @default 0 */
  readonly mayLose?: number;
}

/** All of them, one after the other, each in a world of its own. */
export async function measureCases(bench: Bench): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const name of Object.keys(CASES) as CaseName[]) {
    const figure = await measureCase(name, bench).catch(({ message }: Error) => {
      const [measured = ''] = message.split('\n');
      return { name: CASES[name].title, measured, bound: 'an end', isMet: false };
    });
    bench.note(`${figure.name}: ${figure.measured}`);
    figures.push(figure);
  }
  return figures;
}

async function measureCase(name: CaseName, bench: Bench): Promise<Figure> {
  const world = await bench.openWorld();
  try {
    const { ledger, took, mayLose = 0 } = await plays[name](world);
    const lost = `${ledger.lost} of ${ledger.sent} lost`;
    return {
      name: CASES[name].title,
      measured: took === undefined ? lost : `${took}, ${lost}`,
      ...(mayLose === Number.POSITIVE_INFINITY ? {} : { bound: `<= ${mayLose} lost` }),
      isMet: !ledger.isVoid && ledger.lost <= mayLose,
    };
  } finally {
    await world.close();
  }
}

const plays: Readonly<Record<CaseName, (world: World) => Promise<Played>>> = {
  async rotation(world) {
    await serving(world, USERS_QUIET);
    const load = await world.startLoad(world.tls, REQUESTS_PER_SECOND);
    const { serialNumber, writtenAtMs } = await world.certificates.rotate();
    const servedAtMs = await untilServed(world, serialNumber);
    const took = `served after ${lasting(servedAtMs - writtenAtMs)}`;
    return { ledger: await settled(load), took };
  },

  async killed(world) {
    const agent = await serving(world);
    const load = await world.startLoad(world.plain, REQUESTS_PER_SECOND);
    await delay(QUIET_MS);
    killFirst(agent);
    await waitFor('end of readiness', async () => !(await agent.status()).ready || undefined);
    await agent.ready();
    const ledger = await settled(load);
    const took = `gap ${lasting(ledger.longestGap.ms)}`;
    return { ledger, took, mayLose: Number.POSITIVE_INFINITY };
  },

  async killedWithStandby(world) {
    const agent = await serving(world, { BATON_STANDBY: 'on' });
    await untilTwoLive(agent);
    const load = await world.startLoad(world.plain, REQUESTS_PER_SECOND);
    await delay(QUIET_MS);
    killFirst(agent);
    await waitFor('death of one', async () => (await liveCount(agent)) < 2 || undefined);
    await untilTwoLive(agent);
    const ledger = await settled(load);
    return { ledger, took: `gap ${lasting(ledger.longestGap.ms)}`, mayLose: KEPT_CONNECTIONS };
  },

  async configBreaks(world) {
    const agent = await serving(world, USERS_QUIET);
    const load = await world.startLoad(world.tls, REQUESTS_PER_SECOND);
    await replaceFile(join(world.folder, 'bootstrap.yaml'), 'no_such_field: 1\n');
    await untilResult(agent, 'refused');
    const { serialNumber, writtenAtMs } = await world.certificates.rotate();
    const servedAtMs = await untilServed(world, serialNumber);
    await delay(DOWN_ELSEWHERE_MS);
    if ((await agent.status()).givenUp.length === 0) throw new Error(NOT_GIVEN_UP);
    const certificate = `the new certificate served after ${lasting(servedAtMs - writtenAtMs)}`;
    const took = `${certificate}, the bootstrap waits for its mend`;
    return { ledger: await settled(load), took };
  },

  async keyComesLate(world) {
    await serving(world);
    const load = await world.startLoad(world.tls, REQUESTS_PER_SECOND);
    const folder = world.certificates.path;
    const oldKey = await readFile(join(folder, 'tls.key'), 'utf8');
    const { serialNumber } = await world.certificates.rotate();
    const newKey = await readFile(join(folder, 'tls.key'), 'utf8');
    // Before it has settled the old key is back: of the new pair only the certificate is there.
    await replaceFile(join(folder, 'tls.key'), oldKey);
    await delay(KEY_LATE_BY_MS);
    await replaceFile(join(folder, 'tls.key'), newKey);
    const keyAtMs = monotonicMs();
    const servedAtMs = await untilServed(world, serialNumber);
    return {
      ledger: await settled(load),
      took: `served ${lasting(servedAtMs - keyAtMs)} after the key`,
    };
  },

  async oldKilled(world) {
    const agent = await serving(world);
    const load = await world.startLoad(world.plain, REQUESTS_PER_SECOND);
    await agent.baton('restart');
    await delay(1_000);
    killFirst(agent);
    await agent.servesAlone(0);
    const ledger = await settled(load);
    return { ledger, took: `gap ${lasting(ledger.longestGap.ms)}`, mayLose: KEPT_CONNECTIONS };
  },

  async stoppedWithRequests(world) {
    const service = await startSlowService({ port: world.plain.port, folder: world.folder });
    const agent = await serving(world, { BATON_BOOTSTRAP: service.bootstrapPath });
    const load = await world.startLoad(world.plain, service.requestsPerSecond);
    await delay(service.answersAfterMs);
    const askedAtMs = monotonicMs();
    const stopped = load.stop();
    agent.signal('SIGTERM');
    await waitFor('end of the agent', () => agent.envoys().length === 0 || undefined);
    const took = `exit after ${lasting(monotonicMs() - askedAtMs)}`;
    const ledger = await stopped;
    await service.close();
    return { ledger, took };
  },
};

async function serving(world: World, settings: Readonly<Record<string, string>> = {}) {
  const agent = world.startAgent(settings);
  await agent.ready();
  return agent;
}

function killFirst(agent: Agent): void {
  const [envoy] = agent.envoys();
  if (envoy === undefined) throw new Error('Cannot kill Envoy: there is none.');
  process.kill(envoy, 'SIGKILL');
}

async function untilTwoLive(agent: Agent): Promise<void> {
  await waitFor('pair of live launches', async () => (await liveCount(agent)) === 2 || undefined);
}

async function liveCount(agent: Agent): Promise<number> {
  const { launches } = await agent.status();
  return launches.filter(({ stage }) => stage === 'live').length;
}

async function settled(load: { stop(): Promise<Ledger> }): Promise<Ledger> {
  await delay(QUIET_MS);
  return load.stop();
}

function tlsOf({ plain, tls }: World) {
  return { ...tls.tls, port: tls.port ?? plain.port };
}

function untilServed(world: World, serialNumber: string): Promise<number> {
  const where = tlsOf(world);
  return waitFor(
    'handshake with the new certificate',
    async () => {
      const seen = await seeSerial(where);
      return seen.serialNumber === serialNumber ? seen.atMs : undefined;
    },
    { everyMs: 10, timeoutMs: 30_000 },
  );
}

async function untilResult(agent: Agent, result: string): Promise<void> {
  await waitFor(`handover that is ${result}`, async () => {
    return (await agent.status()).lastHandover?.result === result || undefined;
  });
}

async function replaceFile(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function lasting(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${rounded(ms / 1000)} s`;
}
