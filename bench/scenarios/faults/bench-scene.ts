/** The scene of a measured cell: a world of the bench, with an Envoy that can be held. */
import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mountSmallFolder } from '../../../test/faults/full-folder.ts';
import { holdEnvoy } from '../../../test/faults/held-envoy.ts';
import { injections } from '../../../test/faults/injections.ts';
import type { Fault } from '../../../test/faults/matrix.ts';
import type { AgentSeen, Scene } from '../../../test/faults/scene.ts';
import { issueAuthority } from '../../../test/support/certificates.ts';
import { envoysOf } from '../../../test/support/envoys-of.ts';
import { serviceBootstrap } from '../../../test/support/service-bootstrap.ts';
import type { Agent } from '../../agent.ts';
import { waitFor } from '../../waiting.ts';
import type { World } from '../../world.ts';

export interface BenchScene extends Scene {
  /** Before its world is closed. */
  close(): Promise<void>;
}

/** As short as in the tests, but for the token's delay, which is what users have. */
const SETTINGS = {
  BATON_DRAIN_TIME: '1s',
  BATON_PARENT_SHUTDOWN_TIME: '2s',
  BATON_TERMINATION_DRAIN_MIN: '0s',
  BATON_TERMINATION_DRAIN_MAX: '10s',
  BATON_LOG_LEVEL: 'debug',
};

/** Ready, at epoch 0, with the settings that the fault needs. */
export async function openBenchScene(world: World, fault: Fault): Promise<BenchScene> {
  const runDirectory = join(world.folder, 'run');
  const held = await holdEnvoy(world.folder, world.stamps.binary);
  const small = fault === 'runDirectoryIsFull' ? await mountSmallFolder(runDirectory) : undefined;
  const bootstrapPath = join(world.folder, 'service.json');
  let contentCount = 0;
  const changeBootstrap: Scene['changeBootstrap'] = (change = {}) => {
    contentCount += 1;
    const ports = { port: world.plain.port, upstreamPort: world.upstream.port };
    const service = serviceBootstrap({ ...ports, servedBy: `content ${contentCount}`, ...change });
    return replaceFile(bootstrapPath, JSON.stringify(held.complete(service)));
  };
  const envoys = () => envoysOf(runDirectory);
  const start = async () => {
    const agent = world.startAgent({
      ...SETTINGS,
      ...injections[fault].settings,
      BATON_ENVOY_BINARY: held.binary,
      BATON_BOOTSTRAP: bootstrapPath,
    });
    await agent.ready();
    return seenAgent(agent, join(world.folder, 'agent.log'));
  };

  await changeBootstrap();
  let agent = await start();
  return {
    ...held,
    isReal: true,
    port: world.plain.port,
    runDirectory,
    agent: () => agent,
    async startAgain() {
      agent = await start();
    },
    envoys,
    leftOvers: async () => envoys().map(({ pid }) => `process ${pid}`),
    async order() {
      throw new Error('Cannot give orders to a real Envoy.');
    },
    changeBootstrap,
    breakBootstrap: () => replaceFile(bootstrapPath, '{"no_such_field": 1}'),
    breakCertificates: () => breakKeyIn(world.certificates.path),
    fillRunDirectory: async () => small?.fill(),
    emptyRunDirectory: async () => small?.empty(),
    async close() {
      await small?.unmount();
      await held.close();
    },
  };
}

async function breakKeyIn(folder: string): Promise<void> {
  const { keyPem } = await (await issueAuthority()).issueLeaf({ commonName: 'bench.test' });
  await replaceFile(join(folder, 'tls.key'), keyPem);
}

async function replaceFile(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** What the plays of the matrix ask of an agent, from its log and its status. */
function seenAgent(agent: Agent, logPath: string): AgentSeen {
  const records: AgentSeen['records'] = (wanted = {}) =>
    readFileSync(logPath, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
      .filter((record) => isLike(record, wanted));
  const until: AgentSeen['until'] = async (what, check) => {
    const { value } = await waitFor(what, async () => {
      const seen = await Promise.resolve()
        .then(check)
        .catch(() => false as const);
      return seen === false ? undefined : { value: seen as Exclude<typeof seen, false> };
    });
    return value;
  };
  return {
    pid: agent.pid,
    get ended() {
      return until('end of the agent', () => !isRunning(agent.pid)).then(() => {
        const [stopped] = records({ msg: 'agent stops' });
        return { code: stopped === undefined ? null : Number(stopped['code']) };
      });
    },
    records,
    until,
    untilRecord: (wanted, nth = 1) =>
      until(`record ${nth} like ${JSON.stringify(wanted)}`, () => {
        return records(wanted)[nth - 1] ?? Promise.reject(new Error('not logged'));
      }),
    status: agent.status,
    signal: agent.signal,
    baton: (...args) => agent.baton(...args).then(() => ({ code: 0 })),
  };
}

function isLike(record: object, wanted: object): boolean {
  return Object.entries(wanted).every(
    ([name, value]) => JSON.stringify(Reflect.get(record, name)) === JSON.stringify(value),
  );
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
