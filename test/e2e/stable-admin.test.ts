/** The admin port and `baton request` while the Envoy behind them is replaced in every way. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { runToEnd } from '../support/e2e-agent.ts';
import { freePort, openWorld, type World } from '../support/e2e-world.ts';
import { signalEnvoy } from '../support/envoys-of.ts';
import {
  createServiceCertificates,
  type ServiceCertificates,
} from '../support/service-certificates.ts';
import { type Asked, startAsker } from '../support/steady-asker.ts';

const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;
const ENDED = { msg: 'handover ended' };
const LIVE = { msg: 'Envoy live' };
const QUESTIONS = [
  { method: 'GET', path: '/ready' },
  { method: 'GET', path: '/stats?filter=server.live' },
  { method: 'POST', path: '/logging?level=warning' },
] as const;

let world: World;
let adminPort: number;
let folder: string;
let certificates: ServiceCertificates;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-certificates-'));
  certificates = await createServiceCertificates(join(folder, 'certs'));
  adminPort = await freePort();
  const settings = {
    BATON_ADMIN_PORT: `${adminPort}`,
    BATON_CERT_DIRS: certificates.volume.folder,
    BATON_CERT_DELIVERY: 'sds',
    BATON_RESTART_BACKOFF: '50ms',
  };
  world = await openWorld({ settings, bootstrap: { isTls: true } });
});

afterEach(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

/** Those that Envoy did not answer, a line each: one that drains says of itself that it isn't ready. */
function unanswered(asked: readonly Asked[]): readonly string[] {
  return asked
    .filter(({ status, reason }) => status !== 200 && reason !== 'DRAINING\n')
    .map(({ method, path, status, reason }) => `${method} ${path}: ${status} ${reason}`);
}

function kill(epoch: number): void {
  const found = world.envoys().find((envoy) => envoy.epoch === epoch);
  signalEnvoy(found, 'SIGKILL');
}

/**
 * Where no Envoy is left for a while, a change that was under way may or may not have been made: it is
 * not made again unasked.
 */
function expectWordsForTheRest(asked: readonly Asked[]): void {
  expect(unanswered(asked.filter(({ method }) => method === 'GET'))).toEqual([]);
  const others = asked.filter(({ method, status }) => method === 'POST' && status !== 200);
  const words = { status: 503, retryAfter: '1', reason: expect.stringMatching(/^Cannot ask/) };
  expect(others).toEqual(others.map((one) => ({ ...one, ...words })));
}

describe('the admin port', () => {
  test('answers every question from the first start on, through every handover to another Envoy', async () => {
    const agent = world.startAgent();
    await agent.untilRecord({ msg: 'agent starts' });
    const asker = startAsker(adminPort, QUESTIONS);
    await agent.untilReady();
    await agent.baton('restart', '--mode', 'hot');
    await agent.untilServesAlone(1);
    await certificates.rotate();
    await agent.untilRecord({ mode: 'in-place', result: 'committed', ...ENDED });
    await agent.baton('restart', '--mode', 'side-by-side');
    await agent.untilServesAlone(0);
    const asked = await asker.stop();

    expect(unanswered(asked)).toEqual([]);
    expect(asked.length).toBeGreaterThan(100);
    const modes = agent.records({ result: 'committed', ...ENDED }).map(({ mode }) => mode);
    expect(modes).toEqual(['cold', 'hot', 'in-place', 'side-by-side']);
  });

  test('answers every read through cold handovers, where none serves for a while', async () => {
    const agent = await world.startReadyAgent();
    const asker = startAsker(adminPort, QUESTIONS);
    for (const launch of ['L2', 'L3', 'L4']) {
      await agent.baton('restart', '--mode', 'cold');
      await agent.untilRecord({ launch, mode: 'cold', result: 'committed', ...ENDED });
    }
    expectWordsForTheRest(await asker.stop());
  });

  test('answers every read through crashes and a rescue', async () => {
    const agent = await world.startReadyAgent({ BATON_PARENT_SHUTDOWN_TIME: '20s' });
    const asker = startAsker(adminPort, QUESTIONS);
    kill(0);
    await agent.untilRecord({ launch: 'L2', ...LIVE });
    agent.signal('SIGHUP');
    await agent.untilRecord({ launch: 'L3', ...LIVE });
    // The old one, whose child would end with it.
    kill(0);
    await agent.untilRecord({ launch: 'L4', ...ENDED });
    await agent.untilServesAlone(0);
    expectWordsForTheRest(await asker.stop());
  });

  test('answers to the end of a stop', async () => {
    const agent = await world.startReadyAgent({ BATON_TERMINATION_DRAIN_MIN: '2s' });
    const client = connect({ host: '127.0.0.1', port: world.port });
    onTestFinished(() => void client.destroy());
    const asker = startAsker(adminPort, QUESTIONS);
    agent.signal('SIGTERM');
    await agent.untilRecord({ msg: 'draining', purpose: 'stop' });
    await agent.until('answers', () => asker.asked().length > 50);
    const asked = await asker.stop();
    client.destroy();

    expect(unanswered(asked)).toEqual([]);
    expect(await agent.ended).toMatchObject({ code: 0 });
  });

  test('ends a long answer whole that was under way when another took over', async () => {
    const agent = await world.startReadyAgent();
    const dumps = Promise.all(Array.from({ length: 20 }, dump));
    await agent.baton('restart', '--mode', 'hot');
    const during = await Promise.all(Array.from({ length: 20 }, dump));
    await agent.untilServesAlone(1);

    for (const { status, body } of [...(await dumps), ...during]) {
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ configs: expect.any(Array) });
    }
  });

  test('that is taken ends the agent before Envoy is started, also when the bootstrap says it', async () => {
    const holder = createServer().listen(adminPort, '127.0.0.1');
    onTestFinished(() => void holder.close());
    const bySetting = await world.runAgent();
    await world.writeBootstrap({ adminPort });
    const { BATON_ADMIN_PORT: _, ...environment } = world.environment();
    const byBootstrap = await runToEnd([PROGRAM, 'run'], environment);

    for (const { code, output } of [bySetting, byBootstrap]) {
      expect(code).toBe(98);
      expect(output).toContain(`Cannot listen on port ${adminPort} of 127.0.0.1`);
      expect(output).not.toContain('Envoy started');
    }
    expect(await world.leftOvers()).toEqual([]);
  });
});

describe('`baton request`', () => {
  test('is answered by the next Envoy where the last one is gone', async () => {
    const agent = await world.startReadyAgent({ BATON_RESTART_BACKOFF: '1s' });
    kill(0);
    await agent.untilRecord({ msg: 'Envoy ended unexpectedly' });
    const asked = await Promise.all([
      agent.baton('request', 'GET', '/ready'),
      agent.baton('request', 'POST', '/logging?level=warning'),
    ]);

    expect(asked.map(({ code }) => code)).toEqual([0, 0]);
    expect(asked[0]?.output).toBe('LIVE\n');
  });
});

function dump(): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const path = '/config_dump';
    get({ host: '127.0.0.1', port: adminPort, path, agent: false }, (answer) => {
      text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject);
    }).on('error', reject);
  });
}
