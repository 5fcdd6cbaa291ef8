/** Certificates by file SDS: served by the Envoy that serves already. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openWorld, replaceFile, type World } from '../support/e2e-world.ts';
import { signalEnvoy } from '../support/envoys-of.ts';
import {
  createServiceCertificates,
  type ServiceCertificates,
  servedSerial,
} from '../support/service-certificates.ts';

const ENDED = { msg: 'handover ended' };
const IN_PLACE = { mode: 'in-place', result: 'committed', triggers: ['certificates'], ...ENDED };

let folder: string;
let certificates: ServiceCertificates;
let world: World;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-certificates-'));
  certificates = await createServiceCertificates(join(folder, 'certs'));
  const settings = {
    BATON_CERT_DIRS: certificates.volume.folder,
    BATON_CERT_DELIVERY: 'sds',
    BATON_RESTART_BACKOFF: '20ms',
  };
  world = await openWorld({ settings, bootstrap: { isTls: true } });
});

afterEach(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

/** Of the launches that have secrets, and of the versions that each has. */
async function secretFolders(): Promise<readonly string[]> {
  const root = join(world.runDirectory, 'sds');
  const launches = (await readdir(root)).sort();
  const versions = await Promise.all(launches.map((launch) => readdir(join(root, launch))));
  return launches.map((launch, at) => `${launch}: ${versions[at]?.length} entries`);
}

/** Snapshots of certificates; one that is used no more goes in the background. */
const copies = () => readdir(join(world.runDirectory, 'certs'));

describe('certificates by file SDS', () => {
  test('are served after each rotation by the same Envoy, and nothing is lost', async () => {
    const agent = await world.startReadyAgent();
    const load = world.startLoad({ authorityPem: certificates.authorityPem });
    const [envoy] = world.envoys();
    expect(await servedSerial(world.port)).toBe(certificates.firstSerial);

    for (let count = 1; count <= 5; count += 1) {
      const serial = await certificates.rotate();
      await agent.untilRecord(IN_PLACE, count);
      expect(await servedSerial(world.port)).toBe(serial);
    }

    expect(world.envoys()).toEqual([envoy]);
    expect(await secretFolders()).toEqual(['L1: 2 entries']);
    await agent.until('one copy alone', async () => (await copies()).length === 1);
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('are what a crashed Envoy is restarted with', async () => {
    const agent = await world.startReadyAgent();
    const serial = await certificates.rotate();
    await agent.untilRecord(IN_PLACE);

    signalEnvoy(world.envoys()[0], 'SIGKILL');
    await agent.untilRecord({ launch: 'L2', ...ENDED });

    expect(await servedSerial(world.port)).toBe(serial);
    expect(await secretFolders()).toEqual(['L2: 2 entries']);
  });

  test('come with the new Envoy where the bootstrap changes as well', async () => {
    const agent = await world.startReadyAgent();
    const load = world.startLoad({ authorityPem: certificates.authorityPem });

    await world.writeBootstrap({ servedBy: 'second' });
    const serial = await certificates.rotate();
    const ended = await agent.untilRecord({ launch: 'L2', ...ENDED });
    await agent.untilServesAlone(1);

    expect(ended).toMatchObject({ mode: 'hot', result: 'committed' });
    expect(await servedSerial(world.port)).toBe(serial);
    expect(await load.stop()).toMatchObject({ lost: 0 });
    const deliveries = agent.records(IN_PLACE).length;
    const next = await certificates.rotate();
    await agent.untilRecord(IN_PLACE, deliveries + 1);
    expect(await servedSerial(world.port)).toBe(next);
  });

  test('come by a restart where the bootstrap names the files themselves', async () => {
    const named = (await readFile(world.bootstrapPath, 'utf8')).replaceAll(
      '${CERT_DIR}',
      certificates.volume.folder,
    );
    await replaceFile(world.bootstrapPath, named);
    const agent = await world.startReadyAgent();
    const load = world.startLoad({ authorityPem: certificates.authorityPem });

    const serial = await certificates.rotate();
    const ended = await agent.untilRecord({ launch: 'L2', ...ENDED });
    await agent.untilServesAlone(1);

    expect(ended).toMatchObject({ mode: 'hot', result: 'committed' });
    expect(await servedSerial(world.port)).toBe(serial);
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('that Envoy does not load come by a restart, which tells why', async () => {
    const agent = await world.startReadyAgent();
    const load = world.startLoad({ authorityPem: certificates.authorityPem });

    // What Envoy watches is gone for good: a new folder of the same name is another one.
    await rm(join(world.runDirectory, 'sds'), { recursive: true });
    const serial = await certificates.rotate();
    const refusal = await agent.untilRecord({ msg: 'certificates not loaded in place' });
    const ended = await agent.untilRecord({ launch: 'L2', ...ENDED });
    const { lastHandover } = await agent.untilServesAlone(1);

    expect(refusal['problems']).toEqual([expect.stringMatching(/^L1: .*tls\.crt with serial/)]);
    expect(ended).toMatchObject({ mode: 'hot', result: 'committed' });
    expect(lastHandover?.modeReason).toBe(`${refusal['problems']}`);
    expect(await servedSerial(world.port)).toBe(serial);
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test("are in nobody's way once the agent was killed, keys included", async () => {
    const agent = await world.startReadyAgent();
    await certificates.rotate();
    await agent.untilRecord(IN_PLACE);
    process.kill(agent.pid, 'SIGKILL');
    await agent.ended;
    expect(await secretFolders()).toEqual(['L1: 2 entries']);

    const next = await world.startReadyAgent();
    expect(await secretFolders()).toEqual(['L1: 2 entries']);
    await next.until('one copy alone', async () => (await copies()).length === 1);
    next.signal('SIGTERM');
    await next.ended;
    expect(await world.leftOvers()).toEqual([]);
  });

  test('are served by both of two', async () => {
    const agent = await world.startReadyAgent({ BATON_STANDBY: 'on' });
    await agent.untilRecord({ launch: 'L2', ...ENDED });
    const serial = await certificates.rotate();
    await agent.untilRecord(IN_PLACE);

    const serials = await Promise.all(Array.from({ length: 20 }, () => servedSerial(world.port)));
    expect(new Set(serials)).toEqual(new Set([serial]));
    expect(await secretFolders()).toEqual(['L1: 2 entries', 'L2: 2 entries']);
  });
});
