import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort, openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeBehaviour, type FakeEnvoy } from '../support/fake-envoy.ts';

const ENDED = { msg: 'handover ended' };

let world: World;

afterEach(() => world.close());

describe('a change that cannot be served', () => {
  test('is tried again in the same epoch until it can, and meanwhile nothing is lost', async () => {
    world = await openWorld({ settings: { BATON_RESTART_BACKOFF: '20ms' } });
    const agent = await world.startReadyAgent();
    const [serving] = world.envoys();
    const load = world.startLoad();
    const port = await freePort();
    const holder = createServer().listen(port, '127.0.0.1');
    await once(holder, 'listening');

    await world.writeBootstrap({ servedBy: 'second', morePort: port });
    await agent.untilRecord({ msg: 'Envoy ended unexpectedly', epoch: 1 }, 2);
    const meanwhile = world.envoys()[0];
    holder.close();
    const ended = await agent.untilRecord({ result: 'committed', mode: 'hot', ...ENDED }, 1);
    await agent.untilServesAlone(1);

    expect(meanwhile?.pid).toBe(serving?.pid);
    expect(agent.records({ msg: 'Envoy ended unexpectedly' })[0]).toMatchObject({
      cause: 'cannotBind',
    });
    expect(agent.records({ msg: 'lineage judged' })[0]).toMatchObject({ isSound: true });
    expect(ended['attemptCount']).toBeGreaterThanOrEqual(2);
    expect((await world.ask('/', port)).servedBy).toBe('second');
    expect((await agent.status()).tokens.left).toBe(10);
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('is refused when Envoy says so beforehand, and the next one is taken', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent();
    const [serving] = world.envoys();

    await writeFile(world.bootstrapPath, '{"no_such_field": 1}');
    const refused = await agent.untilRecord({ result: 'refused', ...ENDED });
    const after = await agent.status();
    const served = await world.ask();
    await world.writeBootstrap({ servedBy: 'second' });
    await agent.untilRecord({ result: 'committed', launch: 'L2', ...ENDED });
    await agent.untilServesAlone(1);

    expect(refused['reason']).toContain('no_such_field');
    expect(after).toMatchObject({ ready: true, launches: [{ pid: serving?.pid, stage: 'live' }] });
    expect(after.givenUp).toMatchObject([
      { parts: [{ part: 'bootstrap' }], reason: expect.stringContaining('no_such_field') },
    ]);
    expect(served).toMatchObject({ status: 200, servedBy: 'first' });
    expect((await world.ask()).servedBy).toBe('second');
  });
});

describe('a new Envoy', () => {
  let fake: FakeEnvoy;

  afterEach(() => {
    expect(fake.violations()).toEqual([]);
    fake.remove();
  });

  async function startServing(behaviours: readonly FakeBehaviour[], settings = {}) {
    fake = createFakeEnvoy({ behaviours });
    world = await openWorld({
      binary: fake.binary,
      // The old one is there at every look, however late that comes.
      settings: {
        BATON_RESTART_BACKOFF: '20ms',
        BATON_PARENT_SHUTDOWN_TIME: '60s',
        ...settings,
      },
    });
    return world.startReadyAgent();
  }

  test.each<readonly [string, FakeBehaviour, object]>([
    ['exits with code 0', { end: { at: 'initializing', code: 0 } }, {}],
    ['aborts', { end: { at: 'initializing', signal: 'SIGABRT' } }, {}],
    ['dies with its names and memory taken', { end: { at: 'configuration' } }, {}],
    [
      'initializes for ever',
      { initializingMs: 'forever' },
      { BATON_INIT_DEADLINE: '3s', BATON_LIVE_DEADLINE: '30s' },
    ],
    ['never answers', { silence: 'fromStart' }, { BATON_LIVE_DEADLINE: '5s' }],
  ])('that %s is followed by another of the same epoch', async (_, behaviour, settings) => {
    const agent = await startServing([{ epoch: 1, times: 1, ...behaviour }], settings);
    const [serving] = world.envoys();

    agent.signal('SIGHUP');
    const failed = await agent.untilRecord({ msg: 'Envoy ended unexpectedly', launch: 'L2' });
    const { launches, ready } = await agent.status();
    const ended = await agent.untilRecord({ launch: 'L3', ...ENDED });

    expect(failed).toMatchObject({ epoch: 1 });
    expect({ ready, pid: launches[0]?.pid }).toEqual({ ready: true, pid: serving?.pid });
    expect(ended).toMatchObject({ result: 'committed', mode: 'hot', attemptCount: 1 });
    expect(agent.records({ msg: 'Envoy live', launch: 'L3' })[0]).toMatchObject({ epoch: 1 });
    expect(agent.records({ msg: 'signal sent', signal: 'SIGTERM' })).toEqual([]);
  });

  test('that fails as often as there are tokens is given up, and the old one serves on', async () => {
    const agent = await startServing([{ epoch: 1, end: { at: 'configuration', code: 1 } }], {
      BATON_RESTART_TOKENS: '2',
    });
    const [serving] = world.envoys();

    const asked = await agent.baton('restart');
    const { ready, launches, tokens, handover } = await agent.status();

    expect(asked.code).toBe(1);
    expect(asked.stdout).toMatch(
      /^rolledBack \(handover H2, mode hot, launch L4, 3 failed attempts\): L4 exited/,
    );
    expect({ ready, pid: launches[0]?.pid, left: tokens.left, handover }).toEqual({
      ready: true,
      pid: serving?.pid,
      left: 2,
      handover: undefined,
    });
  });
});
