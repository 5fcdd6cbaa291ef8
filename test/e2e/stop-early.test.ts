import { afterEach, describe, expect, test } from 'vitest';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeBehaviour, type FakeEnvoy } from '../support/fake-envoy.ts';

const STOPPED = { code: 0, signal: null };
const SIGNALLED = { msg: 'signal sent' };

let fake: FakeEnvoy;
let world: World;

afterEach(async () => {
  await world.close();
  expect(fake.violations()).toEqual([]);
  fake.remove();
});

async function openFakeWorld(behaviours: readonly FakeBehaviour[], settings = {}) {
  fake = createFakeEnvoy({ behaviours });
  world = await openWorld({ binary: fake.binary, settings });
}

describe('SIGTERM', () => {
  test('during the first start has the new Envoy killed', async () => {
    await openFakeWorld([{ initializingMs: 'forever' }]);
    const agent = world.startAgent();
    await agent.untilRecord({ msg: 'Envoy answers' });

    agent.signal('SIGTERM');

    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.records(SIGNALLED)).toMatchObject([{ launch: 'L1', signal: 'SIGKILL' }]);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('while a new Envoy starts has that one killed and the old one drained', async () => {
    await openFakeWorld([{ epoch: 1, initializingMs: 'forever' }]);
    const agent = await world.startReadyAgent();
    agent.signal('SIGHUP');
    await agent.untilRecord({ msg: 'Envoy answers', launch: 'L2' });

    agent.signal('SIGTERM');

    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.records(SIGNALLED)).toMatchObject([
      { launch: 'L2', signal: 'SIGKILL' },
      { launch: 'L1', signal: 'SIGTERM' },
    ]);
    expect(agent.records({ msg: 'draining', launch: 'L1', purpose: 'stop' })).toHaveLength(1);
    expect(agent.records({ msg: 'Envoy ended', launch: 'L1' })).toMatchObject([
      { outcome: 'exited with code 0' },
    ]);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('while the delay of a token runs ends the agent at once', async () => {
    await openFakeWorld([{ end: { at: 'live' } }], { BATON_RESTART_BACKOFF: '1h' });
    const agent = world.startAgent();
    await agent.untilRecord({ msg: 'next start scheduled' });

    agent.signal('SIGTERM');

    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.records({ msg: 'Envoy started' })).toHaveLength(1);
  });

  test('while it drains is not answered by a restart when Envoy dies', async () => {
    await openFakeWorld([{}], { BATON_TERMINATION_DRAIN_MIN: '9s' });
    const agent = await world.startReadyAgent();
    agent.signal('SIGTERM');
    await agent.untilRecord({ msg: 'draining' });

    for (const { pid } of world.envoys()) process.kill(pid, 'SIGKILL');

    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.records({ msg: 'Envoy started' })).toHaveLength(1);
    expect(agent.records({ timer: 'drainMin', msg: 'deadline reached' })).toEqual([]);
  });

  test('is followed by SIGKILL when Envoy does not obey', async () => {
    await openFakeWorld([{ ignoresSigterm: true }]);
    const agent = await world.startReadyAgent();

    agent.signal('SIGTERM');

    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.records(SIGNALLED)).toMatchObject([{ signal: 'SIGTERM' }, { signal: 'SIGKILL' }]);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('a third time kills everything and ends with code 137', async () => {
    await openFakeWorld([{ ignoresSigterm: true }], { BATON_TERMINATION_DELAY: '9s' });
    const agent = await world.startReadyAgent();

    await agent.until('SIGKILL', () => {
      agent.signal('SIGTERM');
      return agent.records({ ...SIGNALLED, signal: 'SIGKILL' }).length > 0;
    });

    expect(await agent.ended).toEqual({ code: 137, signal: null });
    expect(agent.records({ msg: 'deadline reached', timer: 'kill:L1' })).toEqual([]);
    expect(await world.leftOvers()).toEqual([]);
  });
});
