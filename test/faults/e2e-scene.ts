/** The scene of a test: the built agent in a world of its own, with a fake or a real Envoy. */
import { join } from 'node:path';
import { vi } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, replaceFile, type World } from '../support/e2e-world.ts';
import { envoyBinary } from '../support/envoy-binary.ts';
import { createFakeEnvoy, type FakeEnvoy } from '../support/fake-envoy.ts';
import { type ServiceBootstrap, serviceBootstrap } from '../support/service-bootstrap.ts';
import { createServiceCertificates, filesOf } from '../support/service-certificates.ts';
import { mountSmallFolder } from './full-folder.ts';
import { holdEnvoy } from './held-envoy.ts';
import { injections } from './injections.ts';
import type { Fault } from './matrix.ts';
import type { Scene } from './scene.ts';

export interface E2eScene extends Scene {
  readonly world: World;
  /** Breaches of the hot restart protocol; a real Envoy tells of none. */
  violations(): readonly string[];
  close(): Promise<void>;
}

export type EnvoyKind = 'fake' | 'real';

/** A second of the fake's: a parent leaves within the margin of its time, the sooner the better. */
const TIME_SCALE = 0.75;
/** Long enough to be seen draining, twice over, on a busy machine. */
const PARENT_SHUTDOWN_TIME = '3s';

/** What Envoy is, and what its bootstrap has to hold. */
interface Cast extends Pick<Scene, 'hold' | 'isHeld' | 'letGo' | 'order'> {
  readonly binary: string;
  complete(bootstrap: ReturnType<typeof serviceBootstrap>): object;
  violations(): readonly string[];
  close(): Promise<void>;
}

/** Ready, at epoch 0, with the settings that the fault needs. */
export async function openScene(kind: EnvoyKind, fault: Fault): Promise<E2eScene> {
  const fake = createFakeEnvoy({ timeScale: TIME_SCALE, takesOrders: true });
  const world = await openWorld({
    binary: fake.binary,
    settings: {
      BATON_PARENT_SHUTDOWN_TIME: PARENT_SHUTDOWN_TIME,
      BATON_RESTART_BACKOFF: '20ms',
      ...injections[fault].settings,
    },
  });
  const cast = kind === 'fake' ? castFake(fake) : await castReal(world.folder);
  const props = await prepareProps(fault, world);
  let contentCount = 0;
  const changeBootstrap = (change: Partial<ServiceBootstrap> = {}) => {
    contentCount += 1;
    const ports = { port: world.port, upstreamPort: world.upstream.port };
    const service = serviceBootstrap({ ...ports, servedBy: `content ${contentCount}`, ...change });
    return replaceFile(world.bootstrapPath, JSON.stringify(cast.complete(service)));
  };
  const start = () => world.startReadyAgent({ BATON_ENVOY_BINARY: cast.binary, ...props.settings });

  const close = async () => {
    await props.close();
    await world.close();
    await cast.close();
    fake.remove();
  };
  const startFirst = async () => {
    await changeBootstrap();
    return await start();
  };

  let agent: RunningAgent = await startFirst().catch(async (cause) => {
    await close();
    throw cause;
  });
  return {
    world,
    isReal: kind === 'real',
    port: world.port,
    runDirectory: world.runDirectory,
    agent: () => agent,
    async startAgain() {
      agent = await start();
    },
    envoys: world.envoys,
    leftOvers: world.leftOvers,
    hold: cast.hold,
    isHeld: cast.isHeld,
    letGo: cast.letGo,
    order: cast.order,
    changeBootstrap,
    breakBootstrap: () => replaceFile(world.bootstrapPath, '{"no_such_field": 1}'),
    breakCertificates: props.breakCertificates,
    fillRunDirectory: props.fillRunDirectory,
    emptyRunDirectory: props.emptyRunDirectory,
    violations: cast.violations,
    close,
  };
}

function castFake(fake: FakeEnvoy): Cast {
  return {
    ...fake,
    async order(pid, order) {
      fake.order(pid, order);
      await vi.waitUntil(() => fake.hasObeyed(pid), { timeout: 10_000, interval: 10 });
    },
    complete: (bootstrap) => bootstrap,
    close: async () => {},
  };
}

async function castReal(folder: string): Promise<Cast> {
  return {
    ...(await holdEnvoy(folder, envoyBinary())),
    async order() {
      throw new Error('Cannot give orders to a real Envoy.');
    },
    violations: () => [],
  };
}

interface Props
  extends Pick<Scene, 'breakCertificates' | 'fillRunDirectory' | 'emptyRunDirectory'> {
  readonly settings: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** What only some faults need. */
async function prepareProps(fault: Fault, world: World): Promise<Props> {
  const none = async () => {
    throw new Error(`Cannot do that for ${fault}: the scene has nothing for it.`);
  };
  const nothing = { breakCertificates: none, fillRunDirectory: none, emptyRunDirectory: none };
  if (fault === 'certificatesBreak') {
    const certificates = await createServiceCertificates(join(world.folder, 'certs'));
    const { folder } = certificates.volume;
    const breakCertificates = async () => {
      const [one, other] = [await certificates.issue(), await certificates.issue()];
      await certificates.volume.swap({ ...filesOf(one), 'tls.key': other.keyPem });
    };
    return { ...nothing, breakCertificates, settings: { BATON_CERT_DIRS: folder }, close: gone };
  }
  if (fault !== 'runDirectoryIsFull') return { ...nothing, settings: {}, close: gone };
  const small = await mountSmallFolder(world.runDirectory);
  return {
    ...nothing,
    fillRunDirectory: small.fill,
    emptyRunDirectory: small.empty,
    settings: {},
    close: small.unmount,
  };
}

async function gone(): Promise<void> {}
