import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openWorld, replaceFile, type World } from '../support/e2e-world.ts';
import { signalEnvoy } from '../support/envoys-of.ts';
import {
  createServiceCertificates,
  filesOf,
  type ServiceCertificates,
  servedSerial,
} from '../support/service-certificates.ts';

const ENDED = { msg: 'handover ended' };
const HELD = { msg: 'held at its last good state', part: 'certificates' };

let folder: string;
let certificates: ServiceCertificates;
let world: World;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-certificates-'));
  certificates = await createServiceCertificates(join(folder, 'certs'));
  const settings = { BATON_CERT_DIRS: certificates.volume.folder };
  world = await openWorld({ settings, bootstrap: { isTls: true } });
});

afterEach(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

describe('certificates in a Kubernetes volume', () => {
  test('are served after each swap, the first as the later ones, and nothing is lost', async () => {
    const agent = await world.startReadyAgent();
    const load = world.startLoad({ authorityPem: certificates.authorityPem });
    expect(await servedSerial(world.port)).toBe(certificates.firstSerial);

    for (const epoch of [1, 2, 3]) {
      const serial = await certificates.rotate();
      const ended = await agent.untilRecord(ENDED, epoch + 1);
      expect(ended).toMatchObject({ triggers: ['certificates'], mode: 'hot', result: 'committed' });
      // The old one may take a connection until its child has told it not to.
      await agent.untilServesAlone(epoch);
      expect(await servedSerial(world.port)).toBe(serial);
    }

    expect(agent.records({ msg: 'Envoy ended unexpectedly' })).toEqual([]);
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('that change during a handover are served after one more, the last ones alone', async () => {
    const agent = await world.startReadyAgent();

    await certificates.rotate();
    await agent.untilRecord({ launch: 'L2', ...ENDED });
    for (let count = 0; count < 4; count += 1) await certificates.rotate();
    const serial = await certificates.rotate();
    await agent.untilRecord({ launch: 'L3', ...ENDED });
    await agent.untilServesAlone(2);

    expect(await servedSerial(world.port)).toBe(serial);
    expect(agent.records(ENDED)).toHaveLength(3);
  });

  test('that do not match are not used until they do, and then at once', async () => {
    const agent = await world.startReadyAgent();
    const next = await certificates.issue();
    const other = await certificates.issue();

    await certificates.volume.swap({ ...filesOf(next), 'tls.key': other.keyPem });
    const held = await agent.untilRecord(HELD);
    const meanwhile = await servedSerial(world.port);
    await certificates.volume.swap(filesOf(next));
    await agent.untilRecord({ launch: 'L2', ...ENDED });
    await agent.untilServesAlone(1);

    expect(`${held['problems']}`).toMatch(/tls\.key/);
    expect(meanwhile).toBe(certificates.firstSerial);
    expect(await servedSerial(world.port)).toBe(next.serialNumber);
    expect(agent.records({ msg: 'whole again' })).toHaveLength(1);
    expect(agent.records(ENDED)).toHaveLength(2);
  });

  test('that are deleted are served on, through the restart after a crash too', async () => {
    const agent = await world.startReadyAgent({ BATON_RESTART_BACKOFF: '20ms' });

    await certificates.volume.swap({});
    await agent.untilRecord(HELD);
    const [envoy] = world.envoys();
    signalEnvoy(envoy, 'SIGKILL');
    await agent.untilRecord({ launch: 'L2', ...ENDED });

    expect(await servedSerial(world.port)).toBe(certificates.firstSerial);
    expect(agent.records({ triggers: ['certificates'], ...ENDED })).toEqual([]);
  });

  test('are served beside a bootstrap that was given up, which waits for its mend alone', async () => {
    const agent = await world.startReadyAgent();
    const load = world.startLoad({ authorityPem: certificates.authorityPem });

    await replaceFile(world.bootstrapPath, '{"no_such_field": 1}');
    await agent.untilRecord({ result: 'refused', triggers: ['bootstrap'], ...ENDED });
    const serial = await certificates.rotate();
    const ended = await agent.untilRecord({ launch: 'L2', ...ENDED });
    const { givenUp, committed, desired } = await agent.untilServesAlone(1);
    const servedMeanwhile = await servedSerial(world.port);
    await world.writeBootstrap({ servedBy: 'mended' });
    await agent.untilRecord({ launch: 'L3', ...ENDED });
    const mended = await agent.untilServesAlone(2);

    expect(ended).toMatchObject({ triggers: ['certificates'], mode: 'hot', result: 'committed' });
    expect(servedMeanwhile).toBe(serial);
    expect(givenUp).toMatchObject([{ parts: [{ part: 'bootstrap', digest: desired?.bootstrap }] }]);
    expect(committed?.certificates).toBe(desired?.certificates);
    expect(committed?.bootstrap).not.toBe(desired?.bootstrap);
    expect(mended.givenUp).toEqual([]);
    expect(mended.committed).toEqual(mended.desired);
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('that Envoy does not show are not proved: its bootstrap names what was held', async () => {
    const { folder: mounted } = certificates.volume;
    const named = (await readFile(world.bootstrapPath, 'utf8')).replaceAll('${CERT_DIR}', mounted);
    await replaceFile(world.bootstrapPath, named);
    const agent = await world.startReadyAgent();
    const expired = await certificates.issue({ notAfter: new Date(Date.now() - 1_000) });

    await certificates.volume.swap(filesOf(expired));
    await agent.untilRecord(HELD);
    agent.signal('SIGHUP');
    const ended = await agent.untilRecord({ launch: 'L2', ...ENDED });
    const { launches } = await agent.status();
    const { body: metrics } = await world.ask('/metrics', world.statusPort);

    expect(ended).toMatchObject({ result: 'unproved', level: 'error' });
    expect(`${ended['reason']}`).toMatch(/has not loaded tls\.crt with serial [0-9A-F]+$/);
    expect(launches.at(-1)).toMatchObject({ id: 'L2', unproved: ended['reason'] });
    expect(metrics).toMatch(/^baton_certificates_unproved 1$/m);
    const notices = agent.records({ msg: 'notice about certificates' }).map(({ notice }) => notice);
    const isOfBootstrap = (notice: unknown) => `${notice}`.startsWith('The bootstrap names files');
    expect(notices.filter(isOfBootstrap)).toHaveLength(1);
  });

  test('that come after the start are waited for', async () => {
    const leaf = await certificates.issue();
    await certificates.volume.swap({});
    const agent = world.startAgent({ BATON_CERT_WAIT_TIME: '30s' });
    await agent.untilRecord({ msg: 'cannot start yet' });

    await certificates.volume.swap(filesOf(leaf));
    await agent.untilReady();

    expect(await servedSerial(world.port)).toBe(leaf.serialNumber);
  });
});
