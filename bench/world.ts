/** Where a scenario takes place: a temporary folder with everything in it, and nothing outside. */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Agent, startAgent } from './agent.ts';
import { benchBootstrap } from './bootstrap.ts';
import { type CertificateFolder, makeCertificateFolder } from './certificate-folder.ts';
import { type EnvoyStamps, stampEnvoy } from './envoy-stamps.ts';
import type { Target } from './judge/connection.ts';
import { type LoadApart, startLoadApart } from './judge/load-apart.ts';
import { startUpstream, type Upstream } from './upstream.ts';

export interface WorldOptions {
  /** @default the bench's own */
  readonly envoy?: string;
}

export interface World {
  readonly folder: string;
  readonly certificates: CertificateFolder;
  readonly upstream: Upstream;
  /** When Envoy was executed; its `binary` is what the agent is given. */
  readonly stamps: EnvoyStamps;
  readonly statusPort: number;
  readonly plain: Target;
  readonly tls: Target & Required<Pick<Target, 'tls'>>;
  /** Settings that run the built-in `sidecar` template on free ports. */
  sidecar(): Promise<Readonly<Record<string, string>>>;
  /** With the bench's bootstrap and short times; `settings` go before them. */
  startAgent(settings?: Readonly<Record<string, string>>): Agent;
  startLoad(target: Target, requestsPerSecond: number): Promise<LoadApart>;
  close(): Promise<void>;
}

/** Times of the bench: long enough for every kept connection to be told, short enough to wait for. */
const SETTINGS = {
  BATON_CERT_QUIET_TIME: '200ms',
  BATON_DRAIN_TIME: '2s',
  BATON_PARENT_SHUTDOWN_TIME: '3s',
  BATON_CONCURRENCY: '2',
  BATON_STATUS_ADDRESS: '127.0.0.1',
  BATON_ADMIN_PORT: '0',
  BATON_LOG_FORMAT: 'json',
} as const;

export const QUIET_TIME_MS = 200;

export async function openWorld({ envoy }: Required<WorldOptions>): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'baton-bench-'));
  const certificates = await makeCertificateFolder(join(folder, 'certificates'));
  const upstream = await startUpstream();
  const stamps = await stampEnvoy(folder, envoy);
  const [plainPort, tlsPort, statusPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const bootstrap = join(folder, 'bootstrap.yaml');
  const ports = { plain: plainPort, tls: tlsPort, upstream: upstream.port };
  await writeFile(bootstrap, benchBootstrap(ports), { mode: 0o600 });
  await mkdir(join(folder, 'run'), { mode: 0o700 });

  const agents: Agent[] = [];
  const loads: LoadApart[] = [];
  const environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    TMPDIR: folder,
    ...SETTINGS,
    BATON_ENVOY_BINARY: stamps.binary,
    BATON_BOOTSTRAP: bootstrap,
    BATON_CERT_DIRS: certificates.path,
    BATON_RUN_DIR: join(folder, 'run'),
    BATON_STATUS_PORT: String(statusPort),
  };
  const plain = { host: '127.0.0.1', port: plainPort, echoesLedgerId: true };
  const { servername, authorityPem: ca } = certificates;

  return {
    folder,
    certificates,
    upstream,
    stamps,
    statusPort,
    plain,
    tls: { ...plain, port: tlsPort, tls: { servername, ca } },
    sidecar: () => sidecarSettings(upstream.port),
    startAgent(settings = {}) {
      const logPath = join(folder, 'agent.log');
      const agent = startAgent({
        environment: { ...environment, ...settings },
        statusPort,
        logPath,
      });
      agents.push(agent);
      return agent;
    },
    async startLoad(target, requestsPerSecond) {
      const entry = new URL('./bench-load.mjs', import.meta.url);
      const load = await startLoadApart({ target, requestsPerSecond }, entry);
      loads.push(load);
      return load;
    },
    async close() {
      for (const load of loads) load.abandon();
      for (const agent of agents) await agent.stop();
      upstream.close();
      stamps.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function sidecarSettings(applicationPort: number) {
  const names = ['INBOUND_PORT', 'OUTBOUND_PORT', 'READY_PORT', 'PROMETHEUS_PORT'];
  const ports = await Promise.all(names.map(freePort));
  return {
    BATON_BOOTSTRAP: 'sidecar',
    BATON_TEMPLATE_APP_PORT: String(applicationPort),
    ...Object.fromEntries(
      names.map((name, index) => [`BATON_TEMPLATE_${name}`, String(ports[index])]),
    ),
  };
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
