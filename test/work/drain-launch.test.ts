import { describe, expect, test } from 'vitest';
import { AgentError } from '../../src/core/agent-error.ts';
import type { Effect } from '../../src/core/events.ts';
import { launchIdOf } from '../../src/core/model.ts';
import type { AdminAnswer } from '../../src/ports.ts';
import { drainLaunch } from '../../src/work/drain-launch.ts';
import { launchEnvoy } from '../../src/work/launch-envoy.ts';
import { promisesSettled } from '../support/fake-clock.ts';
import { adminAnswer, connectionsAnswer, fakeAdmin } from '../support/fake-ports.ts';
import { createFakeWorld, launchEffect } from '../support/fake-world.ts';

type Purpose = (Effect & { type: 'drainLaunch' })['purpose'];

const launch = launchIdOf(1);
const drain = (purpose: Purpose) => ({ type: 'drainLaunch', launch, purpose }) as const;

/** Launch 1 is LIVE; `orders` answers its POSTs, `counts` the others, the last one for good. */
async function serving({
  orders = async () => adminAnswer(200),
  counts = [3],
}: {
  readonly orders?: (path: string) => Promise<AdminAnswer>;
  readonly counts?: readonly (number | Error)[];
} = {}) {
  let countIndex = 0;
  const admin = fakeAdmin(async (method, path) => {
    if (method === 'POST') return orders(path);
    const count = counts[Math.min(countIndex++, counts.length - 1)] ?? 0;
    if (count instanceof Error) throw count;
    return connectionsAnswer(count);
  });
  const world = createFakeWorld({ admin });
  void launchEnvoy(launchEffect(1), world);
  await promisesSettled();
  world.channel(1).goLive();
  await promisesSettled();
  const counted = () =>
    world.events.flatMap((event) => (event.type === 'connectionsCounted' ? [event.count] : []));
  const asked = (method: string) =>
    world.channel(1).asked.filter((line) => line.startsWith(method));
  return { world, counted, asked };
}

describe('a drain', () => {
  test.each<[Purpose, string[]]>([
    ['stop', ['POST /healthcheck/fail', 'POST /drain_listeners?graceful&skip_exit']],
    ['handover', ['POST /drain_listeners?graceful', 'POST /drain_listeners']],
    ['count', []],
  ])('for a %s gives its orders and counts', async (purpose, orders) => {
    const { world, counted, asked } = await serving();
    await drainLaunch(drain(purpose), world);
    await world.clock.passSlowly(100);
    expect(asked('POST')).toEqual(orders);
    expect(counted()).toEqual([3]);
  });

  test('counts twice a second until the launch is gone', async () => {
    const { world, counted } = await serving({ counts: [3, 2, 1, 0] });
    await drainLaunch(drain('count'), world);
    await promisesSettled();
    await world.clock.passSlowly(1_500);
    expect(counted()).toEqual([3, 2, 1, 0]);
    world.process(1).end({ kind: 'exited', code: 0 });
    await promisesSettled();
    expect(world.clock.armedAtMs()).toEqual([]);
  });

  test('does not report a count that comes when the launch is gone', async () => {
    const { world, counted } = await serving();
    const armedBefore = world.clock.armedAtMs();
    const draining = drainLaunch(drain('count'), world);
    world.launches.get(launch)?.stopCounting?.();
    await draining;
    await promisesSettled();
    expect(counted()).toEqual([]);
    expect(world.clock.armedAtMs()).toEqual(armedBefore);
  });

  test.each<[string, () => Promise<AdminAnswer>, RegExp]>([
    ['is refused', async () => adminAnswer(404), /with status 404/],
    ['gets no answer', () => Promise.reject(new AgentError('adminSilent', 'silent')), /^silent$/],
  ])('goes on when an order %s', async (_, orders, trouble) => {
    const { world, counted, asked } = await serving({ orders });
    await drainLaunch(drain('stop'), world);
    await promisesSettled();
    expect(asked('POST')).toHaveLength(2);
    expect(world.troubles).toEqual([
      expect.stringMatching(trouble),
      expect.stringMatching(trouble),
    ]);
    expect(counted()).toEqual([3]);
  });

  test('tells of an order that is not taken when that begins, and when it is over', async () => {
    let isSilent = true;
    const orders = async () => {
      if (isSilent) throw new AgentError('adminSilent', 'silent');
      return adminAnswer(200);
    };
    const { world } = await serving({ orders });
    await drainLaunch(drain('stop'), world);
    await world.clock.passSlowly(60_000);
    expect(world.troubles).toEqual(['silent', 'silent']);

    isSilent = false;
    await world.clock.passSlowly(5_000);
    expect(world.troubles.slice(2)).toEqual([
      expect.stringMatching(/^L1 has answered \/healthcheck\/fail \(\d+ tries\)\.$/),
      expect.stringMatching(/^L1 has answered \/drain_listeners\S+ \(\d+ tries\)\.$/),
    ]);
  });

  test('tells once that a launch ended which had not taken its orders', async () => {
    const orders = () => Promise.reject(new AgentError('adminSilent', 'silent'));
    const { world } = await serving({ orders });
    await drainLaunch(drain('stop'), world);
    await world.clock.passSlowly(2_500);
    world.process(1).end({ kind: 'killed', signal: 'SIGKILL' });
    await world.clock.passSlowly(10_000);
    expect(world.troubles.slice(2)).toEqual([
      expect.stringMatching(/^L1 ended without an answer to \/healthcheck\/fail \(3 tries\)\.$/),
      expect.stringMatching(/^L1 ended without an answer to \/drain_listeners\S+ \(3 tries\)\.$/),
    ]);
    expect(world.clock.armedAtMs()).toEqual([]);
  });

  test('goes on counting after errors, and never takes them for zero', async () => {
    const { world, counted } = await serving({ counts: [3, new Error('silent'), 2] });
    await drainLaunch(drain('count'), world);
    await promisesSettled();
    await world.clock.passSlowly(1_000);
    expect(counted()).toEqual([3, 2]);
  });

  test('asked for twice gives the orders of both and counts once', async () => {
    const { world, counted, asked } = await serving();
    await Promise.all([drainLaunch(drain('count'), world), drainLaunch(drain('stop'), world)]);
    await promisesSettled();
    await world.clock.passSlowly(1_000);
    expect(asked('POST')).toHaveLength(2);
    expect(counted()).toEqual([3, 3, 3]);
  });

  test('does nothing to a launch that is gone', async () => {
    const world = createFakeWorld();
    await drainLaunch(drain('stop'), world);
    expect(world.troubles).toEqual([]);
  });

  test('does not begin to count a launch that went away during its orders', async () => {
    const refusals: ((error: Error) => void)[] = [];
    const orders = () => new Promise<AdminAnswer>((_, reject) => void refusals.push(reject));
    const { world } = await serving({ orders });
    const draining = drainLaunch(drain('handover'), world);
    await promisesSettled();
    world.process(1).end({ kind: 'exited', code: 0 });
    await promisesSettled();
    for (const refuse of refusals) refuse(new Error('gone'));
    await draining;
    await promisesSettled();
    expect(world.clock.armedAtMs()).toEqual([]);
  });
});
