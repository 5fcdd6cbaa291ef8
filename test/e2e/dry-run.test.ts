import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeBehaviour, type FakeEnvoy } from '../support/fake-envoy.ts';
import { createServiceCertificates, filesOf } from '../support/service-certificates.ts';

const ENDED = { msg: 'handover ended' };
/** The agent itself looks at no change within a test: whoever sees one is the dry run. */
const UNLOOKED = { BATON_CERT_QUIET_TIME: '2m', BATON_CERT_MAX_WAIT: '3m' };
const DRY_RUN = ['restart', '--dry-run'] as const;

let world: World;

/** What may not be another after a dry run. */
async function trace(agent: RunningAgent) {
  const { launches, handover, lastHandover, tokens, desired, givenUp } = await agent.status();
  const { agoSeconds: _, ...lastEnd } = lastHandover ?? { agoSeconds: 0 };
  return {
    launches: launches.map(({ id, pid }) => ({ id, pid })),
    handover,
    lastEnd,
    tokens,
    desired,
    givenUp: givenUp.map(({ parts }) => parts),
    envoys: world.envoys(),
    files: await readdir(world.runDirectory, { recursive: true }),
  };
}

/** Of an agent whose first handover is over, its files written. */
async function calmTrace(agent: RunningAgent) {
  await agent.untilRecord(ENDED);
  await agent.until('the files of the start', async () => {
    const { files } = await trace(agent);
    return files.includes('envoy-last-good.json') && !files.some((file) => file.endsWith('.tmp'));
  });
  return trace(agent);
}

/** Snapshots that it alone has read go right after its answer. */
async function untilTraceIs(agent: RunningAgent, before: Awaited<ReturnType<typeof trace>>) {
  await agent.until('the same files', async () => {
    const { files } = await trace(agent);
    return files.length === before.files.length;
  });
  expect(await trace(agent)).toEqual(before);
}

describe('a dry run on the real Envoy', () => {
  let folder: string | undefined;

  afterEach(async () => {
    await world.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    folder = undefined;
  });

  test('shows what a restart would do, and does nothing', async () => {
    world = await openWorld({ settings: UNLOOKED });
    const agent = await world.startReadyAgent();
    const before = await calmTrace(agent);
    const load = world.startLoad();

    const same = await agent.baton(...DRY_RUN);
    await world.writeBootstrap({ servedBy: 'second' });
    const changed = await agent.baton(...DRY_RUN);
    const cold = await agent.baton(...DRY_RUN, '--mode', 'cold');
    await writeFile(world.bootstrapPath, '{"no_such_field": 1}');
    const refused = await agent.baton(...DRY_RUN);
    await writeFile(world.bootstrapPath, '{');
    const unreadable = await agent.baton(...DRY_RUN);

    expect(same.code, same.output).toBe(0);
    expect(same.stdout).toMatch(
      /^dry run +passed.*\nchanges +none: .*\nmode +hot\noverlap +about /,
    );
    expect(changed.code, changed.output).toBe(0);
    expect(changed.stdout).toMatch(/^changes +bootstrap: \w{8} is LIVE, \w{8} is next$/m);
    expect(cold.stdout).toMatch(/^mode +cold\noverlap +none: nothing serves/m);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(/^problems +Cannot validate the bootstrap .*no_such_field/m);
    expect(unreadable.code).toBe(1);
    expect(unreadable.stdout).toMatch(/^problems +Cannot read .*it is not JSON/m);
    expect(unreadable.stdout).toMatch(/^held +bootstrap: /m);
    await untilTraceIs(agent, before);
    expect(agent.records(ENDED)).toHaveLength(1);
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('reads certificates as they are now, and leaves no copy of them', async () => {
    folder = await mkdtemp(join(tmpdir(), 'baton-certificates-'));
    const certificates = await createServiceCertificates(join(folder, 'certs'));
    const settings = { ...UNLOOKED, BATON_CERT_DIRS: certificates.volume.folder };
    world = await openWorld({ settings, bootstrap: { isTls: true } });
    const agent = await world.startReadyAgent();
    const before = await calmTrace(agent);

    const leaf = await certificates.issue();
    await certificates.volume.swap(filesOf(leaf));
    const rotated = await agent.baton(...DRY_RUN);
    const { 'tls.key': key } = filesOf(await certificates.issue());
    await certificates.volume.swap({ ...filesOf(leaf), 'tls.key': key });
    const mismatched = await agent.baton(...DRY_RUN);

    expect(rotated.code, rotated.output).toBe(0);
    expect(rotated.stdout).toMatch(/^changes +certificates: \w{8} is LIVE, \w{8} is next$/m);
    expect(mismatched.code).toBe(1);
    expect(mismatched.stdout).toMatch(/^problems +Cannot use .*tls\.(crt|key)/m);
    expect(mismatched.stdout).toMatch(/^held +certificates: /m);
    await untilTraceIs(agent, before);
  });

  test('tells why a restart would not be hot', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent({ BATON_ENVOY_ARGS: '--disable-hot-restart' });

    const found = await agent.baton(...DRY_RUN);
    const hot = await agent.baton(...DRY_RUN, '--mode', 'hot');

    expect(found.code, found.output).toBe(0);
    expect(found.stdout).toMatch(/^mode +side-by-side, because hot restart is switched off/m);
    expect(hot.code).toBe(1);
    expect(hot.stdout).toMatch(
      /^problems +A restart would be refused: hot restart is switched off/m,
    );
  });
});

describe('a dry run', () => {
  let fake: FakeEnvoy;

  afterEach(async () => {
    await world.close();
    expect(fake.violations()).toEqual([]);
    fake.remove();
  });

  async function openFakeWorld(behaviours: readonly FakeBehaviour[], settings = {}) {
    fake = createFakeEnvoy({ behaviours });
    world = await openWorld({ binary: fake.binary, settings });
  }

  test('does not disturb a handover under way, whatever step that is in', async () => {
    await openFakeWorld([]);
    const agent = await world.startReadyAgent();
    for (const gate of ['initialization', 'retirement'] as const) fake.hold(gate);

    const restarted = agent.baton('restart');
    await agent.untilRecord({ msg: 'Envoy started', launch: 'L2' });
    const starting = await agent.baton(...DRY_RUN);
    const { handover } = await agent.status();
    fake.letGo('initialization');
    const end = await restarted;
    const retiring = await agent.baton(...DRY_RUN);
    fake.letGo('retirement');
    await agent.untilServesAlone(1);
    const after = await agent.baton(...DRY_RUN);

    expect(starting.stdout).toMatch(/^waits first +H2 .* is starting and has to end first/m);
    expect(starting.stdout).toMatch(/^mode +hot$/m);
    expect(handover).toMatchObject({ id: 'H2', step: 'starting' });
    expect(end).toMatchObject({
      code: 0,
      stdout: 'committed (handover H2, mode hot, launch L2)\n',
    });
    expect(retiring.stdout).toMatch(/^waits first +H2 .* is retiring .*L1 is retiring/m);
    expect(after.stdout).not.toContain('waits first');
    expect([starting, retiring, after].map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(fake.launches().filter(({ run }) => run === 'serve')).toHaveLength(2);
    expect((await agent.status()).tokens.left).toBe(10);
  });

  test('is answered while the agent waits for the next try, and costs no token', async () => {
    const settings = { BATON_RESTART_BACKOFF: '30s', BATON_RESTART_TOKENS: '3' };
    await openFakeWorld([{ run: 'serve', times: 1, end: { at: 'initializing' } }], settings);
    const agent = world.startAgent();
    await agent.until('the backoff', async () => (await agent.status()).phase === 'backoff');
    const before = (await agent.status()).tokens;

    const found = await agent.baton(...DRY_RUN);

    expect(found.code, found.output).toBe(0);
    expect(found.stdout).toMatch(/^waits first +nothing, it would be part of H1 \(backoff\)$/m);
    expect(found.stdout).toMatch(/^mode +cold$/m);
    expect((await agent.status()).tokens).toEqual(before);
    expect((await agent.status()).handover).toMatchObject({ step: 'backoff', attempts: 0 });
  });

  test('is answered while certificates are waited for, with what is missing', async () => {
    await openFakeWorld([], { BATON_CERT_WAIT_TIME: '60s' });
    await world.writeBootstrap({ isTls: true });
    const folder = await mkdtemp(join(world.folder, 'empty-'));
    const agent = world.startAgent({ BATON_CERT_DIRS: folder });
    await agent.until('the wait', async () => (await agent.status()).waits.length > 0);

    const found = await agent.baton(...DRY_RUN);

    expect(found.code).toBe(1);
    expect(found.stdout).toMatch(
      /^problems +Cannot fill \$\{CERT_DIR\}: there are no certificates/m,
    );
  });

  test('fails while the agent drains for its stop', async () => {
    const times = { BATON_TERMINATION_DRAIN_MIN: '20s', BATON_TERMINATION_DRAIN_MAX: '20s' };
    await openFakeWorld([], times);
    const agent = await world.startReadyAgent();
    agent.signal('SIGTERM');
    await agent.until('the drain', async () => (await agent.status()).phase === 'draining');

    const found = await agent.baton(...DRY_RUN);

    expect(found.code).toBe(1);
    expect(found.stdout).toMatch(
      /^problems +A restart would be refused: the agent is stopping\.$/m,
    );
    agent.signal('SIGQUIT');
    expect(await agent.ended).toMatchObject({ code: 0 });
    expect(await world.leftOvers()).toEqual([]);
  });

  test('that is under way is ended with the agent, and leaves nothing', async () => {
    await openFakeWorld([{ run: 'validate', startsAfterMs: 20_000 }]);
    const agent = await world.startReadyAgent();
    const running = agent.baton(...DRY_RUN);
    await agent.until('the validation', () =>
      fake.launches().some(({ run }) => run === 'validate'),
    );

    const second = await agent.baton(...DRY_RUN);
    agent.signal('SIGQUIT');

    expect(second).toMatchObject({ code: 1 });
    expect(second.stderr).toContain('Another dry run is under way');
    expect(await agent.ended).toMatchObject({ code: 0 });
    expect((await running).code).toBe(1);
    expect(await world.leftOvers()).toEqual([]);
  });
});
