import { describe, expect, test } from 'vitest';
import type { Recipient } from '../../src/core/events.ts';
import { digestOf, handoverIdOf, launchIdOf } from '../../src/core/model.ts';
import type { Material } from '../../src/ports.ts';
import { deliverCertificates } from '../../src/work/deliver-certificates.ts';
import { launchEnvoy } from '../../src/work/launch-envoy.ts';
import { desiredVersion } from '../support/agent-states.ts';
import { promisesSettled } from '../support/fake-clock.ts';
import { adminAnswer, fakeAdmin } from '../support/fake-ports.ts';
import {
  createFakeWorld,
  type FakeWorld,
  launchEffect,
  materialFor,
} from '../support/fake-world.ts';

const H2 = handoverIdOf(2);
const PATH = '/run/baton/certs/tls.crt';

/** What `/certs` says of one certificate that came by a secret. */
const certs = (serial_number: string) =>
  adminAnswer(
    200,
    JSON.stringify({
      certificates: [{ ca_cert: [], cert_chain: [{ path: '<inline>', serial_number }] }],
    }),
  );

/** One secret whose file says its own version, as does the serial number to be shown. */
function materialOf(target: Material['desired']): Material {
  const serialNumber = target.certificates ?? '';
  return {
    ...materialFor(target),
    secrets: new Map([['certificate-1', serialNumber]]),
    expected: { chains: [{ path: PATH, serialNumber }], authorities: [] },
  };
}

const firstSerial = desiredVersion(1).certificates ?? '';
const nextSerial = digestOf('ab12');

/** So many launches that are LIVE, whose admins answer `/certs` as told. */
async function liveWorld(
  shown: (socketPath: string) => string,
  count = 1,
  stats = () => adminAnswer(200),
): Promise<FakeWorld> {
  const plain = fakeAdmin();
  const admin = {
    ...plain,
    open: (socketPath: string) => ({
      ...plain.open(socketPath),
      request: async (_: string, path: string) =>
        path === '/certs' ? certs(shown(socketPath)) : stats(),
    }),
  };
  const world = createFakeWorld({ admin, materialOf });
  for (let launch = 1; launch <= count; launch += 1) {
    void launchEnvoy(launchEffect(launch, { lineage: launch }), world);
    await promisesSettled();
    world.channel(launch).goLive();
    await promisesSettled();
  }
  await world.clock.passSlowly(10_000);
  return world;
}

const recipientOf = (launch: number): Recipient => ({
  launch: launchIdOf(launch),
  target: { ...desiredVersion(1), certificates: nextSerial },
});

function deliver(world: FakeWorld, ...launches: readonly number[]): Promise<void> {
  const recipients = launches.map(recipientOf);
  return deliverCertificates({ type: 'deliverCertificates', handover: H2, recipients }, world);
}

const secretOf = (world: FakeWorld, launch: number) =>
  world.runDirectory.files.get(`/run/baton/sds/L${launch}/current/certificate-1.json`);

describe('a delivery', () => {
  test('puts the secrets under each launch and is over when all show them', async () => {
    const world = await liveWorld(() => nextSerial, 2);
    await deliver(world, 1, 2);

    expect(world.events.at(-1)).toEqual({ type: 'certificatesDelivered', handover: H2 });
    expect([secretOf(world, 1), secretOf(world, 2)]).toEqual([nextSerial, nextSerial]);
  });

  test('waits for an Envoy that takes a moment', async () => {
    let asked = 0;
    const world = await liveWorld(() => {
      asked += 1;
      return asked < 60 ? firstSerial : nextSerial;
    });
    const before = asked;
    asked = 50;
    const delivering = deliver(world, 1);
    await world.clock.passSlowly(4_000);
    await delivering;

    expect(before).toBeGreaterThan(0);
    expect(world.events.at(-1)).toMatchObject({ type: 'certificatesDelivered' });
  });

  test('that one of two does not load is taken back from both', async () => {
    const world = await liveWorld((path) => (path.includes('L1') ? nextSerial : firstSerial), 2);
    expect(secretOf(world, 1)).toBe(firstSerial);
    const delivering = deliver(world, 1, 2);
    await world.clock.passSlowly(6_000);
    await delivering;

    expect(world.events.at(-1)).toMatchObject({
      type: 'deliveryFailed',
      problems: [expect.stringMatching(/^L2: Envoy has not loaded tls\.crt with serial ab12/)],
    });
    expect([secretOf(world, 1), secretOf(world, 2)]).toEqual([firstSerial, firstSerial]);
  });

  test('is not over while Envoy has not accepted a secret, whatever it shows', async () => {
    let version = 'old';
    const world = await liveWorld(
      () => nextSerial,
      1,
      () => adminAnswer(200, `sds.certificate-1.version_text: "${version}"\n`),
    );
    const delivering = deliver(world, 1);
    await world.clock.passSlowly(1_000);
    const meanwhile = world.events.at(-1);
    version = nextSerial;
    await world.clock.passSlowly(1_000);
    await delivering;

    expect(meanwhile).toMatchObject({ type: 'certificatesProved' });
    expect(world.events.at(-1)).toMatchObject({ type: 'certificatesDelivered' });
  });

  test('is done by those that are left when one has gone meanwhile', async () => {
    const world = await liveWorld(() => nextSerial, 1);
    await deliver(world, 1, 7);

    expect(world.events.at(-1)).toEqual({ type: 'certificatesDelivered', handover: H2 });
    expect(secretOf(world, 1)).toBe(nextSerial);
  });

  test('fails when all have gone', async () => {
    const world = await liveWorld(() => nextSerial, 1);
    await deliver(world, 7, 8);

    expect(world.events.at(-1)).toMatchObject({ problems: [expect.stringMatching(/are gone/)] });
  });

  test('tells the words of Envoy beside what it does not show', async () => {
    const world = await liveWorld(() => firstSerial);
    const delivering = deliver(world, 1);
    world.process(1).print('Filesystem config update rejected: bad key');
    await world.clock.passSlowly(6_000);
    await delivering;

    expect(world.events.at(-1)).toMatchObject({
      problems: [
        expect.stringMatching(/serial ab12 \(Filesystem config update rejected: bad key\)$/),
      ],
    });
  });

  test('that can not be written fails with the reason', async () => {
    const world = await liveWorld(() => nextSerial);
    const full: FakeWorld['runDirectory'] = {
      ...world.runDirectory,
      putSecrets: async () => {
        throw new Error('its file system is full');
      },
    };
    await deliver({ ...world, runDirectory: full }, 1);

    expect(world.events.at(-1)).toMatchObject({
      type: 'deliveryFailed',
      problems: ['L1: its file system is full'],
    });
  });

  test('to an Envoy that dies while it is asked ends at once', async () => {
    const world = await liveWorld(() => firstSerial);
    const delivering = deliver(world, 1);
    world.process(1).end({ kind: 'exited', code: 1 });
    await promisesSettled();
    await world.clock.passSlowly(50, 10);
    await delivering;

    expect(world.events).toContainEqual(expect.objectContaining({ type: 'deliveryFailed' }));
  });
});

describe('a launch', () => {
  test('has its secrets before it is started, and is proved once it shows them', async () => {
    const world = await liveWorld(() => firstSerial);

    expect(secretOf(world, 1)).toBe(firstSerial);
    expect(world.events.slice(-2)).toEqual([
      { type: 'launchLive', launch: launchIdOf(1), awaitsProof: true },
      { type: 'certificatesProved', launch: launchIdOf(1) },
    ]);
  });

  test('is not proved when it shows others for five seconds', async () => {
    const world = await liveWorld(() => '0bad');

    expect(world.events.at(-1)).toEqual({
      type: 'certificatesProved',
      launch: launchIdOf(1),
      problem: expect.stringMatching(/has not loaded tls\.crt/),
    });
  });
});
