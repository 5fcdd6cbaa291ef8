/** Certificates that go towards their end, and those that are waited for. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openWorld, type World } from '../support/e2e-world.ts';
import {
  createServiceCertificates,
  type ServiceCertificates,
  servedSerial,
} from '../support/service-certificates.ts';

const POLL_MS = 200;
/** The first one, and those that setting up the watches leads to. */
const LOOKS_OF_A_START = 5;
const ENDED = { msg: 'handover ended' };

let folder: string;
let certificates: ServiceCertificates;
let world: World;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-certificates-'));
  certificates = await createServiceCertificates(join(folder, 'certs'));
  const settings = {
    BATON_CERT_DIRS: certificates.volume.folder,
    BATON_CERT_POLL_INTERVAL: `${POLL_MS}ms`,
  };
  world = await openWorld({ settings, bootstrap: { isTls: true } });
});

afterEach(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000);

async function metric(name: string): Promise<number> {
  const { body } = await world.ask('/metrics', world.statusPort);
  const line = body.split('\n').find((one) => one.startsWith(name));
  return Number(line?.split(' ').at(-1));
}

const lookCount = () => metric('baton_certificate_looks_total{verdict="absent"}');

describe('a certificate that nobody renews', () => {
  test('is told of on its way to its end, serves on past it, and is alarm until a new one comes', async () => {
    await certificates.rotate({ notBefore: inSeconds(-22), notAfter: inSeconds(8) });
    const agent = await world.startReadyAgent();
    const serial = await servedSerial(world.port);

    const told = [
      await agent.untilRecord({ msg: 'certificate should have been renewed', level: 'warn' }),
      await agent.untilRecord({ msg: 'certificate ends soon', level: 'error' }),
      await agent.untilRecord({ msg: 'certificate has ended', level: 'error' }),
    ];
    const { certificates: ended, launches } = await agent.status();
    expect(told.map(({ serialNumber }) => serialNumber)).toEqual([serial, serial, serial]);
    expect(ended).toMatchObject({ verdict: 'unchanged', leaves: [{ stage: 'ended' }] });
    expect(launches).toMatchObject([{ id: 'L1', stage: 'live' }]);
    expect(await servedSerial(world.port)).toBe(serial);
    expect(await metric('baton_certificate_not_after_seconds')).toBeLessThan(Date.now() / 1_000);

    const next = await certificates.rotate();
    await agent.untilRecord({ launch: 'L2', ...ENDED });
    await agent.untilServesAlone(1);
    expect(await servedSerial(world.port)).toBe(next);
    expect((await agent.status()).certificates).toMatchObject({ leaves: [{ stage: 'fresh' }] });
    expect(agent.records({ msg: 'certificate has ended' })).toHaveLength(1);
  });
});

describe('a random delay before the handover', () => {
  test('is left out when the certificates in use are about to end', async () => {
    await certificates.rotate({ notAfter: inSeconds(300) });
    const agent = await world.startReadyAgent({ BATON_JITTER: '10h' });

    const serial = await certificates.rotate();
    await agent.untilRecord({ launch: 'L2', ...ENDED });
    await agent.untilServesAlone(1);
    expect(await servedSerial(world.port)).toBe(serial);
  });

  test('is waited out when they last, and the status says for how long at most', async () => {
    const agent = await world.startReadyAgent({ BATON_JITTER: '10h' });
    await certificates.rotate();
    await agent.untilRecord({ msg: 'certificates accepted' }, 2);

    const { waits, handover } = await agent.status();
    expect(handover).toBeUndefined();
    expect(waits).toContainEqual(expect.objectContaining({ timer: 'jitter' }));
    expect(await servedSerial(world.port)).toBe(certificates.firstSerial);
  });
});

describe('certificates that never come', () => {
  test('are waited for in sight, with a look now and then', async () => {
    await certificates.volume.swap({});
    const agent = world.startAgent({ BATON_CERT_WAIT_TIME: '60s' });
    await agent.untilRecord({ msg: 'cannot start yet' });

    const ready = await world.ask('/healthz/ready', world.statusPort);
    await agent.until('a second look', async () => (await lookCount()) > 1);
    const looks = await lookCount();
    const { waits } = await agent.status();
    const [wait] = waits.filter(({ timer }) => timer === 'certificateWait');
    const waitedMs = (60 - (wait?.leftSeconds ?? Number.NaN)) * 1_000;
    expect(ready).toMatchObject({ status: 503, body: expect.stringMatching(/given up in \d+ s/) });
    expect(looks).toBeLessThanOrEqual(LOOKS_OF_A_START + waitedMs / POLL_MS);
  });

  test('are given up when their time is over', async () => {
    await certificates.volume.swap({});
    const agent = world.startAgent({ BATON_CERT_WAIT_TIME: '1s' });

    expect(await agent.ended).toMatchObject({ code: 78 });
    expect(world.envoys()).toEqual([]);
  });
});
