import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';

const STOPPED = { code: 0, signal: null };
const TERMINATED = { msg: 'signal sent', signal: 'SIGTERM' };
const ANSWERED = { status: 'fulfilled', value: { status: 200, body: 'held\n' } };

let world: World;

afterEach(() => world.close());

/** Resolves once these requests are under way; the upstream does not answer them before it is told. */
async function holdRequests(agent: RunningAgent, count: number) {
  const asked = Array.from({ length: count }, () => world.ask('/held'));
  const answers = Promise.allSettled(asked);
  await agent.until('held requests', () => world.upstream.heldCount() === count);
  return { answers };
}

describe('an agent told to stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'ends with code 0 and leaves nothing after %s',
    async (signal) => {
      world = await openWorld();
      const agent = await world.startReadyAgent();

      agent.signal(signal);

      expect(await agent.ended).toEqual(STOPPED);
      expect(agent.records().at(-1)).toMatchObject({ msg: 'agent stops', reason: signal, code: 0 });
      expect(await world.leftOvers()).toEqual([]);
    },
  );

  test('lets slow requests end first, is not ready meanwhile and says so to the end', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent();
    const load = world.startLoad();
    const { answers } = await holdRequests(agent, 3);

    agent.signal('SIGTERM');
    await agent.untilRecord({ msg: 'draining', purpose: 'stop' });
    const ledger = await load.stop();
    const probed = await world.ask('/healthz/ready', world.statusPort);
    await agent.untilRecord({ msg: 'connections counted', connections: 3 });
    world.upstream.letGo();

    expect(await answers).toMatchObject([ANSWERED, ANSWERED, ANSWERED]);
    expect(await agent.ended).toEqual(STOPPED);
    expect(ledger).toMatchObject({ lost: 0 });
    expect(probed).toMatchObject({ status: 503, body: expect.stringMatching(/^draining: .*\n$/) });
    expect(agent.records({ msg: 'deadline reached', timer: 'drainMax' })).toEqual([]);
    expect(agent.records({ launch: 'L1', ...TERMINATED })).toHaveLength(1);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('drains no shorter than its minimum though nobody is connected', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent({ BATON_TERMINATION_DRAIN_MIN: '700ms' });

    agent.signal('SIGTERM');
    await agent.ended;
    const story = agent.records().filter(({ msg }) => /counted|reached|signal sent/.test(msg));

    expect(story[0]).toMatchObject({ msg: 'connections counted', connections: 0 });
    expect(story.at(-2)).toMatchObject({ msg: 'deadline reached', timer: 'drainMin' });
    expect(story.at(-1)).toMatchObject(TERMINATED);
  });

  test('drains no longer than its maximum though a request never ends', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent({ BATON_TERMINATION_DRAIN_MAX: '700ms' });
    const { answers } = await holdRequests(agent, 1);

    agent.signal('SIGTERM');

    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.records({ msg: 'deadline reached', timer: 'drainMax' })).toHaveLength(1);
    expect(await answers).toMatchObject([{ status: 'rejected' }]);
  });

  test('waits no more when it is told a second time', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent();
    await holdRequests(agent, 1);

    await agent.until('signal to Envoy', () => {
      agent.signal('SIGTERM');
      return agent.records(TERMINATED).length > 0;
    });

    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.records({ msg: 'deadline reached', timer: 'drainMax' })).toEqual([]);
    expect(await world.leftOvers()).toEqual([]);
  });

  test.each([
    ['SIGQUIT', async (agent: RunningAgent) => agent.signal('SIGQUIT')],
    ['baton quit', async (agent: RunningAgent) => void (await agent.baton('quit'))],
  ])('does not drain when it is told by %s', async (_, tell) => {
    world = await openWorld();
    const agent = await world.startReadyAgent({ BATON_TERMINATION_DRAIN_MIN: '10s' });
    await holdRequests(agent, 1);

    await tell(agent);

    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.records({ msg: 'draining' })).toEqual([]);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('begins no handover any more', async () => {
    world = await openWorld();
    const agent = await world.startReadyAgent();
    await holdRequests(agent, 1);

    agent.signal('SIGTERM');
    await agent.untilRecord({ msg: 'draining' });
    agent.signal('SIGHUP');
    const asked = await agent.baton('restart');
    await world.writeBootstrap({ servedBy: 'second' });
    await agent.untilRecord({ msg: 'desired state read' }, 2);
    world.upstream.letGo();

    expect(await agent.ended).toEqual(STOPPED);
    expect(asked).toMatchObject({ code: 1, output: 'refused: the agent is stopping\n' });
    expect(agent.records({ msg: 'Envoy started' })).toHaveLength(1);
  });

  test('ends both Envoys of a handover, the newest first', async () => {
    world = await openWorld({ settings: { BATON_PARENT_SHUTDOWN_TIME: '20s' } });
    const agent = await world.startReadyAgent();
    const load = world.startLoad();

    agent.signal('SIGHUP');
    await agent.untilRecord({ msg: 'Envoy live', launch: 'L2' });
    // Between two requests of the load there may be no connection for a moment.
    const { answers } = await holdRequests(agent, 1);
    agent.signal('SIGTERM');
    await agent.untilRecord({ msg: 'draining', launch: 'L2', purpose: 'stop' });
    expect(await load.stop()).toMatchObject({ lost: 0 });
    world.upstream.letGo();

    expect(await answers).toMatchObject([ANSWERED]);
    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.records({ msg: 'signal sent' })[0]).toMatchObject({ launch: 'L2' });
    expect(agent.records({ msg: 'signal sent', signal: 'SIGKILL' })).toEqual([]);
    // Its child tells the parent to go just before we do: the signal may come when it is no longer
    // handled, after the last of its connections.
    const endOf = (launch: string) => agent.records({ msg: 'Envoy ended', launch });
    expect(endOf('L2')).toMatchObject([{ outcome: 'exited with code 0' }]);
    const byEitherWord = expect.stringMatching(/^(exited with code 0|was ended by SIGTERM)$/);
    expect(endOf('L1')).toMatchObject([{ outcome: byEitherWord, connectionsLeft: 0 }]);
    expect(await world.leftOvers()).toEqual([]);
  });
});

test('SIGUSR1 has every Envoy reopen its logs', async () => {
  world = await openWorld();
  const accessLogPath = join(world.folder, 'access.log');
  await world.writeBootstrap({ accessLogPath });
  const agent = await world.startReadyAgent();

  await rename(accessLogPath, `${accessLogPath}.1`);
  agent.signal('SIGUSR1');
  await agent.until('a new access log', async () => {
    await world.ask();
    return existsSync(accessLogPath);
  });

  expect(agent.records({ msg: 'Envoy started' })).toHaveLength(1);
});
