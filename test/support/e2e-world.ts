/**
 * Where an end-to-end test takes place: a temporary folder with a bootstrap, certificates and a run
 * directory in it, an upstream, ports of its own, and agents that are all gone when it is closed.
 */
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { vi } from 'vitest';
import { type Load, startLoad } from '../../bench/judge/load.ts';
import { type RunningAgent, runToEnd, startBaton } from './e2e-agent.ts';
import { envoyBinary } from './envoy-binary.ts';
import { envoysOf, hasSharedMemory, type SeenEnvoy, sharedMemoryPathOf } from './envoys-of.ts';
import { freePorts } from './free-ports.ts';
import { startUpstream, type Upstream } from './held-upstream.ts';
import { markOfThisRun } from './left-overs.ts';
import { type ServiceBootstrap, serviceBootstrap } from './service-bootstrap.ts';

type Settings = Readonly<Record<string, string>>;

export interface WorldOptions {
  /** @default the real one */
  readonly binary?: string;
  /** For every agent of this world. */
  readonly settings?: Settings;
  readonly bootstrap?: Partial<ServiceBootstrap>;
}

export interface LoadOptions {
  /** Of the requests, how many go on a connection of their own. @default 0.5 */
  readonly newConnectionShare?: number;
  /** By TLS, with a certificate of this authority. @default plain */
  readonly authorityPem?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly servedBy: string;
}

export interface World {
  readonly folder: string;
  readonly bootstrapPath: string;
  readonly runDirectory: string;
  /** Where the service is reached through Envoy. */
  readonly port: number;
  readonly statusPort: number;
  readonly upstream: Upstream;
  environment(settings?: Settings): Settings;
  /** By rename, as an editor does. */
  writeBootstrap(changes?: Partial<ServiceBootstrap>): Promise<void>;
  startAgent(settings?: Settings, command?: readonly [string, ...string[]]): RunningAgent;
  /** The same, once it is ready. */
  startReadyAgent(settings?: Settings): Promise<RunningAgent>;
  /** Runs `baton run` to an end that is expected of itself. */
  runAgent(settings?: Settings): ReturnType<typeof runToEnd>;
  /** On a connection of its own. */
  ask(path?: string, port?: number): Promise<Answer>;
  /** An open-loop load on the service; its ledger is the judge. */
  startLoad(spec?: LoadOptions): Load;
  envoys(): readonly SeenEnvoy[];
  /** What should not be there once the agent is gone, a line each. */
  leftOvers(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** The shortest legal times, and nothing that belongs to the machine. */
const SETTINGS = {
  BATON_CERT_DIRS: '',
  BATON_CERT_QUIET_TIME: '50ms',
  BATON_CERT_MAX_WAIT: '1s',
  BATON_DRAIN_TIME: '1s',
  BATON_PARENT_SHUTDOWN_TIME: '2s',
  BATON_TERMINATION_DRAIN_MIN: '0s',
  BATON_TERMINATION_DRAIN_MAX: '10s',
  BATON_CONCURRENCY: '2',
  BATON_TCP_MIGRATION: 'leave',
  BATON_STATUS_ADDRESS: '127.0.0.1',
  BATON_ADMIN_PORT: '0',
  BATON_LOG_LEVEL: 'debug',
  BATON_LOG_FORMAT: 'json',
};
const LOAD = { requestsPerSecond: 150, keptConnectionCount: 8 };
/** What may stay in the run directory after a stop. */
const KEPT_FILES = new Set(['envoy-last-good.json', 'state.json', 'certs']);
const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'baton-e2e-'));
  const upstream = await startUpstream();
  const [port = 0, statusPort = 0] = await freePorts(2);
  const bootstrapPath = join(folder, 'bootstrap.json');
  const runDirectory = join(folder, 'run');
  const agents: RunningAgent[] = [];
  const loads: Load[] = [];
  const baseIds = new Set<number>();

  const environment = (settings: Settings = {}): Settings => ({
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    TMPDIR: folder,
    ...markOfThisRun(),
    ...SETTINGS,
    BATON_ENVOY_BINARY: options.binary ?? envoyBinary(),
    BATON_BOOTSTRAP: bootstrapPath,
    BATON_RUN_DIR: runDirectory,
    BATON_STATUS_PORT: `${statusPort}`,
    ...options.settings,
    ...settings,
  });
  const writeBootstrap = (changes: Partial<ServiceBootstrap> = {}) => {
    const all = { port, upstreamPort: upstream.port, ...options.bootstrap, ...changes };
    return replaceFile(bootstrapPath, JSON.stringify(serviceBootstrap(all)));
  };
  const startAgent: World['startAgent'] = (settings, command) => {
    const spec = { environment: environment(settings), runDirectory };
    const agent = startBaton(command === undefined ? spec : { ...spec, command });
    agents.push(agent);
    return agent;
  };
  const envoys = () => {
    const seen = envoysOf(runDirectory);
    for (const { baseId } of seen) baseIds.add(baseId);
    return seen;
  };
  const leftOvers = async () => [
    ...envoys().map(({ pid, epoch }) => `process ${pid}, epoch ${epoch}`),
    ...[...baseIds].filter(hasSharedMemory).map(sharedMemoryPathOf),
    ...(await readdir(runDirectory).catch(() => [])).filter((name) => !KEPT_FILES.has(name)),
  ];

  await writeBootstrap();
  return {
    folder,
    bootstrapPath,
    runDirectory,
    port,
    statusPort,
    upstream,
    environment,
    writeBootstrap,
    startAgent,
    async startReadyAgent(settings) {
      const agent = startAgent(settings);
      await agent.untilReady();
      envoys();
      return agent;
    },
    runAgent: (settings) => runToEnd([PROGRAM, 'run'], environment(settings)),
    ask: (path = '/', at = port) => ask(at, path),
    startLoad({ authorityPem: ca, ...spec } = {}) {
      const tls = ca === undefined ? {} : { tls: { ca, servername: 'service.test' } };
      const target = { host: '127.0.0.1', port, echoesLedgerId: true, ...tls };
      const load = startLoad({ ...LOAD, ...spec, target });
      loads.push(load);
      return load;
    },
    envoys,
    leftOvers,
    async close() {
      upstream.letGo();
      await Promise.all(loads.map((load) => load.stop()));
      // Noted while they live: killed like this an agent leaves shared memory behind.
      envoys();
      await Promise.all(agents.map(kill));
      for (const { pid } of envoys()) process.kill(pid, 'SIGKILL');
      await vi.waitUntil(() => envoys().length === 0, { timeout: 10_000 });
      const lastBaseIds = await rememberedBaseIds(runDirectory);
      for (const baseId of [...baseIds, ...lastBaseIds]) {
        await rm(sharedMemoryPathOf(baseId), { force: true });
      }
      await upstream.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function kill({ child, ended }: RunningAgent): Promise<void> {
  child.kill('SIGCONT');
  child.kill('SIGKILL');
  await ended;
}

async function rememberedBaseIds(runDirectory: string): Promise<readonly number[]> {
  const state = await readFile(join(runDirectory, 'state.json'), 'utf8').catch(() => '{}');
  const { baseIds = [] } = JSON.parse(state) as { readonly baseIds?: readonly number[] };
  return baseIds;
}

/** What replaces it is seen whole or not at all. */
export async function replaceFile(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

/** One more, beside those of the world. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

function ask(port: number, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false }, (answer) => {
      const servedBy = String(answer.headers['x-served-by']);
      text(answer).then(
        (body) => resolve({ status: answer.statusCode ?? 0, body, servedBy }),
        reject,
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}
