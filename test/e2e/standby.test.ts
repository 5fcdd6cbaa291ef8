import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { monotonicMs } from '../../bench/judge/connection.ts';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import {
  createFakeEnvoy,
  type FakeBehaviour,
  type FakeEnvoy,
  type FakeScript,
} from '../support/fake-envoy.ts';
import { createServiceCertificates } from '../support/service-certificates.ts';

const LIVE = { msg: 'Envoy live' };
const ENDED = { msg: 'handover ended' };
/** A second of the fake's: its parents leave within the margin of their time. */
const TIME_SCALE = 0.6;
const SETTINGS = { BATON_STANDBY: 'on', BATON_RESTART_BACKOFF: '20ms' };

let world: World;

afterEach(() => world.close());

/** Two are live, nothing is going on, and both serve the newest change. */
function untilPaired(agent: RunningAgent, ...launches: readonly string[]) {
  return agent.until(`the pair ${launches.join(' and ')}`, async () => {
    const now = await agent.status();
    const live = now.launches.filter(({ stage }) => stage === 'live').map(({ id }) => id);
    const isPair = live.length === 2 && now.launches.length === 2 && now.handover === undefined;
    if (!isPair || !launches.every((id) => live.includes(id))) throw new Error(JSON.stringify(now));
    return now;
  });
}

const PATIENCE_MS = 10_000;

/** The load shares this thread: it begins no request meanwhile. @returns when it was gone */
function standStillUntilGone(pid: number): number {
  const never = new Int32Array(new SharedArrayBuffer(4));
  const latestMs = monotonicMs() + PATIENCE_MS;
  while (existsSync(`/proc/${pid}`)) {
    if (monotonicMs() > latestMs) throw new Error(`Cannot wait for the end of ${pid}: it is late.`);
    Atomics.wait(never, 0, 0, 1);
  }
  return monotonicMs();
}

describe('with a standby', () => {
  test('two Envoys serve, and a change replaces both in turn without a loss', async () => {
    world = await openWorld({ settings: SETTINGS });
    const agent = await world.startReadyAgent();
    await untilPaired(agent, 'L1', 'L2');
    // A connection in an accept queue that closes may be lost where the kernel does not migrate it.
    const load = world.startLoad({ newConnectionShare: 0.5 });

    await world.writeBootstrap({ servedBy: 'second' });
    const { launches, ready } = await untilPaired(agent, 'L3', 'L4');
    const answers = await Promise.all(Array.from({ length: 40 }, () => world.ask()));

    expect(ready).toBe(true);
    expect(new Set(launches.map(({ lineage }) => lineage)).size).toBe(2);
    expect(launches.map(({ epoch }) => epoch)).toEqual([1, 1]);
    expect(agent.records(ENDED)).toMatchObject([
      { launch: 'L1', mode: 'cold', triggers: ['start'] },
      { launch: 'L2', mode: 'side-by-side', triggers: ['standby'] },
      { launch: 'L3', mode: 'hot', triggers: ['bootstrap'] },
      { launch: 'L4', mode: 'hot', triggers: ['standby'] },
    ]);
    expect(new Set(answers.map(({ servedBy }) => servedBy))).toEqual(new Set(['second']));
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test.each([0, 1])('the death of one of them (%i) refuses nothing', async (index) => {
    world = await openWorld({ settings: SETTINGS });
    const agent = await world.startReadyAgent();
    const { launches } = await untilPaired(agent, 'L1', 'L2');
    const load = world.startLoad();
    await agent.until('load', () => load.progress().counts.ok > 50);

    const pid = launches[index]?.pid ?? Number.NaN;
    process.kill(pid, 'SIGKILL');
    const goneAtMs = standStillUntilGone(pid);
    await agent.untilRecord({ msg: 'Envoy ended unexpectedly' });
    const during = await agent.status();
    await agent.untilRecord({ launch: 'L3', ...LIVE });
    await untilPaired(agent, 'L3');

    expect(during).toMatchObject({ ready: true, phase: 'running' });
    expect(during.tokens.left).toBe(9);
    const { counts, lost, lostRows, startedAtMs } = await load.stop();
    // A new connection that the dead one had just taken counts as refused.
    expect(lost).toBe(counts.noAnswer + counts.cutMidResponse + counts.refused);
    expect(lostRows.filter(({ begunMs }) => startedAtMs + begunMs > goneAtMs)).toEqual([]);
  });

  test('both are drained at a stop, and nothing is left', async () => {
    world = await openWorld({ settings: SETTINGS });
    const agent = await world.startReadyAgent();
    await untilPaired(agent, 'L1', 'L2');

    agent.signal('SIGTERM');
    const { code } = await agent.ended;

    expect(code).toBe(0);
    expect(agent.records({ msg: 'draining', purpose: 'stop' })).toMatchObject([
      { launch: 'L1' },
      { launch: 'L2' },
    ]);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('the death of both is an outage, answered as any crash is', async () => {
    world = await openWorld({ settings: SETTINGS });
    const agent = await world.startReadyAgent();
    await untilPaired(agent, 'L1', 'L2');

    // The agent stands still, so that it sees both ends at one look.
    agent.signal('SIGSTOP');
    for (const { pid } of world.envoys()) process.kill(pid, 'SIGKILL');
    await agent.until('the end of both', () => world.envoys().length === 0);
    agent.signal('SIGCONT');
    await agent.untilRecord({ msg: 'Envoy ended unexpectedly' }, 2);
    const { launches } = await untilPaired(agent, 'L3');

    expect(launches.map(({ id }) => id)).not.toContain('L1');
    expect((await world.ask()).status).toBe(200);
  });
});

describe('of stand-ins for Envoy', () => {
  let fake: FakeEnvoy;

  afterEach(() => {
    expect(fake.violations()).toEqual([]);
    fake.remove();
  });

  async function startWith(script: FakeScript, settings: Readonly<Record<string, string>> = {}) {
    fake = createFakeEnvoy(script);
    world = await openWorld({ binary: fake.binary, settings: { ...SETTINGS, ...settings } });
    return world.startReadyAgent();
  }

  test('both are replaced in turn though the next change always comes first', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'baton-certificates-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const { volume, rotate } = await createServiceCertificates(folder);
    const settings = { BATON_CERT_DIRS: volume.folder };
    const agent = await startWith({ timeScale: TIME_SCALE }, settings);
    await untilPaired(agent, 'L1', 'L2');

    const changeCertificates = async () => {
      const { desired: before } = await agent.status();
      await rotate();
      await agent.until('the change', async () => {
        const { desired } = await agent.status();
        return desired?.certificates !== before?.certificates;
      });
    };

    // Each launch stands still until the next change is known; one gate is shut behind the other.
    fake.hold('execution');
    await changeCertificates();
    for (const launch of ['L3', 'L4', 'L5', 'L6']) {
      await agent.until('a start', () => fake.isHeld('execution'));
      fake.hold('initialization');
      fake.letGo('execution');
      await agent.until('its admin', () => fake.isHeld('initialization'));
      if (launch !== 'L6') {
        fake.hold('execution');
        await changeCertificates();
      }
      fake.letGo('initialization');
      await agent.untilRecord({ launch, triggers: ['certificates'], ...ENDED });
    }
    await untilPaired(agent, 'L6', 'L7');

    const started = agent.records({ msg: 'starting Envoy' });
    expect(started.map(({ lineage, epoch }) => [lineage, epoch])).toEqual([
      ['G1', 0],
      ['G2', 0],
      ['G2', 1],
      ['G1', 1],
      ['G2', 2],
      ['G1', 2],
      ['G2', 3],
    ]);
    expect(agent.records({ msg: 'Envoy ended unexpectedly' })).toEqual([]);
  });

  /** The first start is a good one, and so is every epoch but 0. */
  const standby = (behaviour: FakeBehaviour): FakeScript => ({
    timeScale: TIME_SCALE,
    behaviours: [
      { epoch: 0, times: 1 },
      { epoch: 0, ...behaviour },
    ],
  });

  test.each<[string, FakeBehaviour, Readonly<Record<string, unknown>>]>([
    ['ends at once', { end: { at: 'start' } }, { msg: 'next start scheduled' }],
    ['initializes for ever', { initializingMs: 'forever' }, { msg: 'Envoy answers', launch: 'L2' }],
  ])('one that %s keeps neither a change nor a restart waiting', async (_, behaviour, seen) => {
    const settings = { BATON_RESTART_BACKOFF: '60s' };
    const agent = await startWith(standby(behaviour), settings);
    await agent.untilRecord(seen);

    await world.writeBootstrap({ servedBy: 'second' });
    const changed = await agent.untilRecord({ triggers: ['bootstrap'], ...ENDED });
    const asked = await agent.baton('restart');

    expect(changed).toMatchObject({ result: 'committed', mode: 'hot', attemptCount: 0 });
    expect(asked).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^committed \(handover H\d+, mode hot/),
    });
    expect(agent.records({ msg: 'Envoy ended unexpectedly', epoch: 1 })).toEqual([]);
    expect((await agent.status()).ready).toBe(true);
  });
});
