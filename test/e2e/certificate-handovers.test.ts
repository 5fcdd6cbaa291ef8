/** What a rotation does to an agent that is in the middle of something, and what it must not do. */
import { X509Certificate } from 'node:crypto';
import { chmod, chown, mkdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { signalEnvoy } from '../support/envoys-of.ts';
import { createFakeEnvoy, type FakeBehaviour, type FakeEnvoy } from '../support/fake-envoy.ts';
import { commandAsNobody, NOBODY_ID } from '../support/limits.ts';
import {
  createServiceCertificates,
  type ServiceCertificates,
  servedSerial,
} from '../support/service-certificates.ts';
import { shortKeyFiles } from '../support/weak-certificates.ts';

const ENDED = { msg: 'handover ended' };
const HELD = { msg: 'held at its last good state', part: 'certificates' };
const LIVE = { msg: 'Envoy live' };
const SCHEDULED = { msg: 'next start scheduled' };
const STARTED = { msg: 'Envoy started' };
const STOPPED = { code: 0, signal: null };

let world: World;
let certificates: ServiceCertificates;

afterEach(() => world.close());

async function open(binary?: string): Promise<void> {
  world = await openWorld({ ...(binary ? { binary } : {}), bootstrap: { isTls: true } });
  certificates = await createServiceCertificates(join(world.folder, 'certs'));
}

function start(settings: Readonly<Record<string, string>> = {}): Promise<RunningAgent> {
  return world.startReadyAgent({ BATON_CERT_DIRS: certificates.volume.folder, ...settings });
}

describe('a rotation', () => {
  let fake: FakeEnvoy;

  beforeEach(async () => {
    fake = createFakeEnvoy();
    await open(fake.binary);
  });

  afterEach(async () => {
    await world.close();
    expect(fake.violations()).toEqual([]);
    fake.remove();
  });

  const startsOf = () => fake.launches().filter(({ run }) => run === 'serve');
  const direct = (...behaviours: readonly FakeBehaviour[]) => fake.direct({ behaviours });

  /** A file of the snapshot that the launch of this epoch was given. */
  async function givenFile(epoch: number, name: string): Promise<string> {
    const bootstrap = await readFile(join(world.runDirectory, `envoy-rev${epoch}.json`), 'utf8');
    const snapshot = /"([^"]*)\/tls\.crt"/.exec(bootstrap)?.[1] ?? '';
    return readFile(join(snapshot, name), 'utf8');
  }

  async function givenSerial(epoch: number, name = 'tls.crt'): Promise<string> {
    return new X509Certificate(await givenFile(epoch, name)).serialNumber;
  }

  /** Resolves when the agent has read it; a swap may take more than one look. @returns the serial */
  async function rotateInSightOf(agent: RunningAgent): Promise<string> {
    const wanted = async () => (await agent.status()).desired?.certificates;
    const before = await wanted();
    const serial = await certificates.rotate();
    await agent.until('a look at the rotation', async () => (await wanted()) !== before);
    return serial;
  }

  async function filesIn(folder: string) {
    const textOf = (name: string) => readFile(join(folder, name), 'utf8');
    return { 'tls.crt': await textOf('tls.crt'), 'tls.key': await textOf('tls.key') };
  }

  test('while a new Envoy starts waits for that one to be LIVE, and the last of several wins', async () => {
    const agent = await start();
    fake.hold('initialization');

    const second = await certificates.rotate();
    await agent.until('a start', () => fake.isHeld('initialization'));
    await rotateInSightOf(agent);
    const serial = await rotateInSightOf(agent);
    const [startsMeanwhile, given] = [startsOf().length, await givenSerial(1)];
    fake.letGo('initialization');
    await agent.untilRecord({ launch: 'L3', ...ENDED });

    expect({ startsMeanwhile, given }).toEqual({ startsMeanwhile: 2, given: second });
    expect(await givenSerial(2)).toBe(serial);
    const story = agent.records().filter(({ msg }) => [STARTED.msg, LIVE.msg].includes(msg));
    expect(story.map(({ launch, msg }) => `${launch} ${msg}`)).toEqual(
      ['L1', 'L2', 'L3'].flatMap((launch) => [`${launch} ${STARTED.msg}`, `${launch} ${LIVE.msg}`]),
    );
  });

  test('while the delay of a token runs ends the delay, and gives the tokens back', async () => {
    const agent = await start({ BATON_RESTART_BACKOFF: '1h' });
    signalEnvoy(world.envoys()[0], 'SIGKILL');
    await agent.untilRecord(SCHEDULED);
    const { tokens } = await agent.status();

    const serial = await certificates.rotate();
    await agent.untilRecord({ launch: 'L2', ...LIVE });

    expect(await givenSerial(0)).toBe(serial);
    expect([tokens.left, (await agent.status()).tokens.left]).toEqual([9, 10]);
  });

  test('that is taken back after its Envoy could not start leaves the old one alone', async () => {
    const agent = await start({ BATON_RESTART_BACKOFF: '1h' });
    const [serving] = world.envoys();
    const good = await filesIn(certificates.volume.folder);

    direct({ epoch: 1, end: { at: 'configuration' } });
    await certificates.rotate();
    await agent.untilRecord(SCHEDULED);
    await certificates.volume.swap(good);
    const after = await agent.untilServesAlone(0);
    direct();
    await certificates.rotate();
    await agent.untilRecord({ launch: 'L3', ...ENDED });

    expect(after.launches[0]?.pid).toBe(serving?.pid);
    expect(after.committed).toEqual(after.desired);
    expect(startsOf().map(({ epoch }) => epoch)).toEqual([0, 1, 1]);
  });

  test('after SIGTERM is read and starts nothing', async () => {
    const agent = await start({
      BATON_TERMINATION_DRAIN_MIN: '20s',
      BATON_TERMINATION_DRAIN_MAX: '20s',
    });

    agent.signal('SIGTERM');
    await agent.untilRecord({ msg: 'draining' });
    await rotateInSightOf(agent);
    agent.signal('SIGQUIT');

    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.records(STARTED)).toHaveLength(1);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('of several folders at once is one handover, and so is one of a bundle alone', async () => {
    const ingress = await createServiceCertificates(join(world.folder, 'ingress'));
    const folders = `${certificates.volume.folder},${ingress.volume.folder}`;
    const agent = await start({ BATON_CERT_DIRS: folders });

    // The agent stands still, so that both are there when it looks.
    agent.signal('SIGSTOP');
    const [serial, other] = await Promise.all([certificates.rotate(), ingress.rotate()]);
    agent.signal('SIGCONT');
    await agent.untilRecord({ launch: 'L2', ...ENDED });
    const given = [await givenSerial(1), await givenSerial(1, 'ingress/tls.crt')];
    const files = await filesIn(ingress.volume.folder);
    await ingress.volume.swap({ ...files, 'ca.crt': ingress.authorityPem });
    await agent.untilRecord({ launch: 'L3', ...ENDED });

    expect(given).toEqual([serial, other]);
    expect(await givenFile(2, 'ingress/ca.crt')).toBe(ingress.authorityPem);
    expect(agent.records(ENDED)).toHaveLength(3);
    expect(agent.records(HELD)).toEqual([]);
  });

  test('of the same content, or that is no trigger, is none until someone asks', async () => {
    const agent = await start({ BATON_TRIGGERS: 'bootstrap,binary' });

    const serial = await rotateInSightOf(agent);
    const { handover, launches, desired, committed } = await agent.status();
    const asked = await agent.baton('restart');

    expect({ handover, count: launches.length }).toEqual({ handover: undefined, count: 1 });
    expect(desired?.certificates).not.toBe(committed?.certificates);
    expect(asked.code).toBe(0);
    expect(await givenSerial(1)).toBe(serial);
    expect(agent.records(ENDED)).toHaveLength(2);
  });
});

describe('certificates that Envoy refuses though they hold together', () => {
  test('are said to be refused in its words, and the old ones are served until others come', async () => {
    await open();
    const agent = await start();
    const [serving] = world.envoys();

    await certificates.volume.swap(await shortKeyFiles());
    const refused = await agent.untilRecord({ result: 'refused', ...ENDED });
    const { ready, launches } = await agent.status();
    const meanwhile = await servedSerial(world.port);
    const serial = await certificates.rotate();
    const ended = await agent.untilRecord({ launch: 'L2', ...ENDED });
    await agent.untilServesAlone(1);

    expect(refused).toMatchObject({
      triggers: ['certificates'],
      reason: expect.stringMatching(/only RSA certificates with 2048-bit or larger keys/),
    });
    expect({ ready, pids: launches.map(({ pid }) => pid) }).toEqual({
      ready: true,
      pids: [serving?.pid],
    });
    expect(meanwhile).toBe(certificates.firstSerial);
    expect(ended).toMatchObject({ mode: 'hot', result: 'committed' });
    expect(await servedSerial(world.port)).toBe(serial);
  });
});

describe('certificates that the agent may not read for a while', () => {
  test('are told of, and one handover once it may: the group is often set after the swap', async () => {
    await open();
    await chmod(world.folder, 0o755);
    await mkdir(world.runDirectory);
    await chown(world.runDirectory, NOBODY_ID, NOBODY_ID);
    const { folder } = certificates.volume;
    const agent = world.startAgent({ BATON_CERT_DIRS: folder }, commandAsNobody());
    await agent.untilReady();

    const umask = process.umask(0o077);
    const serial = await certificates.rotate().finally(() => process.umask(umask));
    const held = await agent.untilRecord(HELD);
    const meanwhile = await servedSerial(world.port);
    const data = join(folder, await readlink(join(folder, '..data')));
    for (const name of ['tls.key', 'tls.crt']) await chown(join(data, name), NOBODY_ID, NOBODY_ID);
    const ended = await agent.untilRecord({ launch: 'L2', ...ENDED });
    await agent.untilServesAlone(1);

    expect(held['problems']).toEqual([
      `Cannot use ${folder}/tls.crt: permission denied.`,
      expect.stringContaining(`Cannot use ${folder}/tls.key: permission denied.`),
    ]);
    expect(meanwhile).toBe(certificates.firstSerial);
    expect(ended).toMatchObject({ mode: 'hot', result: 'committed' });
    expect(await servedSerial(world.port)).toBe(serial);
    expect(agent.records(ENDED)).toHaveLength(2);
  });
});
