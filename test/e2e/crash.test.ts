import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import type { LogRecord, RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeEnvoy, type FakeScript } from '../support/fake-envoy.ts';
import { takeOverUnseen } from '../support/unseen-takeover.ts';

const CRASHED = { msg: 'Envoy ended unexpectedly' };
const ENDED = { msg: 'handover ended' };
const LIVE = { msg: 'Envoy live' };
const SCHEDULED = { msg: 'next start scheduled' };

let world: World;

afterEach(() => world.close());

describe('an Envoy that is killed', () => {
  test('is started again', async () => {
    world = await openWorld({ settings: { BATON_RESTART_BACKOFF: '20ms' } });
    const agent = await world.startReadyAgent();

    kill(world, 0);
    await agent.untilRecord({ launch: 'L2', ...LIVE });
    const after = await agent.status();

    expect(after).toMatchObject({ phase: 'running', ready: true, tokens: { total: 10, left: 9 } });
    expect(agent.records({ launch: 'L2', ...LIVE })).toMatchObject([{ epoch: 0 }]);
    expect((await world.ask()).status).toBe(200);
  });

  test('has the agent not ready until it is started again, which says why', async () => {
    world = await openWorld({ settings: { BATON_RESTART_BACKOFF: '1h' } });
    const agent = await world.startReadyAgent();

    kill(world, 0);
    await agent.untilRecord(SCHEDULED);
    const during = await agent.status();
    const probed = await world.ask('/healthz/ready', world.statusPort);

    expect(during).toMatchObject({ phase: 'backoff', ready: false });
    expect(during.reason).toMatch(/L1 was ended by SIGKILL/);
    expect(probed.status).toBe(503);
    expect(probed.body).toMatch(/^[^\n]*L1 was ended by SIGKILL[^\n]*\n$/);
  });

  test('after it took over is followed by another of its epoch while its parent drains', async () => {
    const settings = { BATON_RESTART_BACKOFF: '20ms', BATON_PARENT_SHUTDOWN_TIME: '4s' };
    world = await openWorld({ settings });
    const agent = await world.startReadyAgent();

    agent.signal('SIGHUP');
    await agent.untilRecord({ launch: 'L2', ...LIVE });
    kill(world, 1);
    const again = await agent.untilRecord({ msg: 'handover ended', launch: 'L3' });
    await agent.untilServesAlone(1);

    expect(again).toMatchObject({ mode: 'hot', triggers: ['crash'], result: 'committed' });
    expect(agent.records({ launch: 'L3', ...LIVE })[0]).toMatchObject({ epoch: 1 });
    expect(agent.records({ launch: 'L1', msg: 'Envoy ended' })).toMatchObject([
      { outcome: 'exited with code 0' },
    ]);
    expect((await agent.status()).tokens.left).toBe(9);
    expect((await world.ask()).status).toBe(200);
  });

  test('while its child serves is no outage: a new lineage comes before the child aborts', async () => {
    world = await openWorld({ settings: { BATON_PARENT_SHUTDOWN_TIME: '20s' } });
    const agent = await world.startReadyAgent();

    agent.signal('SIGHUP');
    await agent.untilRecord({ launch: 'L2', ...LIVE });
    // A connection in an accept queue that closes may be lost by design: none is opened unasked.
    const load = world.startLoad({ newConnectionShare: 0 });
    await agent.until('load', () => load.progress().counts.ok > 0);
    kill(world, 0);
    const rescue = await agent.untilRecord({ msg: 'handover ended', launch: 'L3' });
    await agent.untilServesAlone(0);

    expect(rescue).toMatchObject({ mode: 'side-by-side', result: 'committed' });
    expect(agent.records({ launch: 'L2', msg: 'signal sent' })).toMatchObject([
      { signal: 'SIGKILL' },
    ]);
    expect((await agent.status()).tokens.left).toBe(10);
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });
});

describe('a takeover that the agent did not see', () => {
  test('and whose Envoy is gone is a crash: the old one accepts nothing any more', async () => {
    const fake = createFakeEnvoy();
    onTestFinished(() => fake.remove());
    world = await openWorld({ binary: fake.binary, settings: { BATON_RESTART_BACKOFF: '1h' } });
    const agent = await world.startReadyAgent();
    // With a client of its own the old one stays to its time.
    const client = connect({ host: '127.0.0.1', port: world.port });
    onTestFinished(() => void client.destroy());
    await once(client, 'connect');

    fake.hold('initialization');
    const asked = agent.baton('restart');
    const { pid } = await agent.untilRecord({ msg: 'Envoy started', launch: 'L2' });
    await agent.untilRecord({ msg: 'Envoy answers', launch: 'L2' });
    await takeOverUnseen({
      agent,
      pid: Number(pid),
      adminPath: join(world.runDirectory, 'admin-L2.sock'),
      port: world.port,
      letGo: () => fake.letGo('initialization'),
    });
    const judged = await agent.untilRecord({ msg: 'lineage judged' });
    await agent.untilRecord(SCHEDULED);
    const during = await agent.status();
    agent.signal('SIGHUP');
    const back = await agent.untilRecord({ launch: 'L3', ...ENDED });
    await agent.untilServesAlone(1);

    expect(judged).toMatchObject({ isSound: true, hasTakenOver: true, level: 'warn' });
    expect(during).toMatchObject({
      phase: 'backoff',
      ready: false,
      launches: [{ id: 'L1', stage: 'retiring' }],
      tokens: { total: 10, left: 9 },
    });
    expect(during.reason).toMatch(/L2 was ended by SIGKILL/);
    expect((await asked).output).toMatch(/^rolledBack .*L2 was ended by SIGKILL/);
    expect(agent.records({ launch: 'L2', ...LIVE })).toEqual([]);
    expect(back).toMatchObject({ mode: 'hot', triggers: ['crash', 'signal'], result: 'committed' });
    expect((await world.ask()).body).toBe('epoch 1\n');
    expect(fake.violations()).toEqual([]);
  });
});

describe('an agent that is killed', () => {
  test('in a handover takes both Envoys along, and the next one starts clean', async () => {
    world = await openWorld({ settings: { BATON_PARENT_SHUTDOWN_TIME: '20s' } });
    const killed = await world.startReadyAgent();
    killed.signal('SIGHUP');
    await killed.untilRecord({ launch: 'L2', ...LIVE });
    const orphans = world.envoys();

    killed.signal('SIGKILL');
    await killed.ended;
    const agent = await world.startReadyAgent();
    await agent.until('the end of the orphans', () => world.envoys().length === 1);

    expect(orphans).toHaveLength(2);
    expect(world.envoys()).toMatchObject([{ epoch: 0 }]);
    expect((await world.ask()).status).toBe(200);
    agent.signal('SIGTERM');
    expect(await agent.ended).toMatchObject({ code: 0 });
    expect(await world.leftOvers()).toEqual([]);
  });
});

describe('an Envoy that goes by itself', () => {
  let fake: FakeEnvoy;

  afterEach(() => {
    expect(fake.violations()).toEqual([]);
    fake.remove();
  });

  async function openFakeWorld(script: FakeScript) {
    fake = createFakeEnvoy(script);
    world = await openWorld({ binary: fake.binary });
  }

  test('has crashed when it exits with code 0 too', async () => {
    await openFakeWorld({ takesOrders: true });
    const agent = await world.startReadyAgent({ BATON_RESTART_BACKOFF: '20ms' });

    fake.order(world.envoys()[0]?.pid ?? 0, { kind: 'exit', code: 0 });
    const ended = await agent.untilRecord(CRASHED);
    await agent.untilRecord({ launch: 'L2', ...LIVE });

    expect(ended).toMatchObject({ outcome: 'exited with code 0', level: 'error' });
    expect((await agent.status()).tokens.left).toBe(9);
  });

  test('until all tokens are spent ends the agent, which lists every attempt', async () => {
    const end = { at: 'live', code: 3, saying: 'its last words' } as const;
    await openFakeWorld({ behaviours: [{ end }] });
    const agent = world.startAgent({ BATON_RESTART_BACKOFF: '20ms', BATON_RESTART_TOKENS: '4' });

    const { code } = await agent.ended;
    const planned = agent.records(SCHEDULED);
    const last = agent.records().at(-1);

    expect(code).toBe(255);
    expect(planned).toMatchObject([
      { delayMs: 20, tokensLeft: 3 },
      { delayMs: 40, tokensLeft: 2 },
      { delayMs: 80, tokensLeft: 1 },
      { delayMs: 160, tokensLeft: 0 },
    ]);
    for (const [index, waitedMs] of waitsOf(agent).entries()) {
      expect(waitedMs).toBeGreaterThanOrEqual(20 * 2 ** index - CLOCKS_DIFFER_MS);
    }
    expect(last).toMatchObject({ level: 'fatal', msg: 'agent gives up', code: 255 });
    expect(last?.['attempts']).toMatchObject(
      ['L1', 'L2', 'L3', 'L4', 'L5'].map((launch) => ({
        launch,
        epoch: 0,
        outcome: 'exited with code 3',
        uptimeMs: expect.any(Number),
        lastLines: expect.arrayContaining([expect.stringContaining('its last words')]),
      })),
    );
    expect(await world.leftOvers()).toEqual([]);
  });

  test('at its very first start is tried again as well', async () => {
    const end = { at: 'initializing', signal: 'SIGSEGV' } as const;
    await openFakeWorld({ behaviours: [{ times: 2, end }] });
    const agent = world.startAgent({ BATON_RESTART_BACKOFF: '20ms' });

    await agent.untilRecord({ launch: 'L3', epoch: 0, ...LIVE });

    expect(agent.records(CRASHED)).toMatchObject([
      { outcome: 'was ended by SIGSEGV' },
      { outcome: 'was ended by SIGSEGV' },
    ]);
    expect((await agent.status()).tokens.left).toBe(8);
  });
});

/** Time stamps are whole milliseconds of another clock than that of the deadlines. */
const CLOCKS_DIFFER_MS = 3;

/** From each crash to the start that follows. */
function waitsOf(agent: RunningAgent): readonly number[] {
  const crashes = agent.records(CRASHED).map(momentOf);
  const starts = agent.records({ msg: 'starting Envoy' }).map(momentOf).slice(1);
  return starts.map((startMs, index) => startMs - (crashes[index] ?? 0));
}

function momentOf(record: LogRecord): number {
  return Date.parse(String(record['time']));
}

function kill({ envoys }: World, epoch: number): void {
  const found = envoys().find((envoy) => envoy.epoch === epoch);
  if (found === undefined) throw new Error(`Cannot kill epoch ${epoch}: it is not there.`);
  process.kill(found.pid, 'SIGKILL');
}
