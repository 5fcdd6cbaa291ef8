import { describe, expect, test } from 'vitest';
import type { Effect } from '../../src/core/events.ts';
import { epochOf, launchIdOf, lineageIdOf, requestIdOf } from '../../src/core/model.ts';
import { deferred } from '../../src/work/deferred.ts';
import { createPerform } from '../../src/work/perform.ts';
import { committedEnd } from '../support/agent-face.ts';
import { promisesSettled } from '../support/fake-clock.ts';
import { refusal } from '../support/fake-ports.ts';
import { createFakeWorld, type FakeWorld, launchEffect } from '../support/fake-world.ts';

const forget = (launch: number): Effect => ({ type: 'forgetLaunch', launch: launchIdOf(launch) });

/** Begins each effect and lets what can settle do so. */
async function performed(world: FakeWorld, ...effects: Effect[]) {
  const perform = createPerform(world);
  for (const effect of effects) perform(effect);
  await promisesSettled();
  return perform;
}

describe('to perform', () => {
  test('a signal sends it to the process', async () => {
    const world = createFakeWorld();
    const perform = await performed(world, launchEffect(1));
    perform({ type: 'signalLaunch', launch: launchIdOf(1), signal: 'SIGTERM' });
    expect(world.process(1).signals).toEqual(['SIGTERM']);
  });

  test.each([
    [undefined, true, 'repaired'],
    [
      refusal('Cannot repair it: it belongs to uid 7.'),
      false,
      'Cannot repair it: it belongs to uid 7.',
    ],
  ])('a repair reports how it went', async (repair, isSound, reason) => {
    const world = createFakeWorld(repair === undefined ? {} : { domain: { repair } });
    const perform = await performed(world, launchEffect(1));
    perform({ type: 'repairLineage', lineage: lineageIdOf(1) });
    await promisesSettled();
    expect(world.events.at(-1)).toEqual({
      type: 'lineageRepaired',
      lineage: 'G1',
      isSound,
      reason,
    });
  });

  test('a report answers those who asked', async () => {
    const world = createFakeWorld();
    await performed(world, {
      type: 'reportHandover',
      end: committedEnd,
      requests: [requestIdOf('R1'), requestIdOf('R2')],
    });
    expect(world.told).toEqual(['R1 R2 ended committed']);
  });

  test('a launch beside others tells of it when it is of a lineage of its own', async () => {
    const world = createFakeWorld();
    const perform = await performed(world, launchEffect(1), launchEffect(2));
    expect(world.told).toEqual([]);
    perform(launchEffect(3, { epoch: epochOf(0), lineage: 2 }));
    expect(world.told).toEqual(['side by side']);
  });

  test('an exit gives the code on', async () => {
    const world = createFakeWorld();
    await performed(world, { type: 'exitAgent', code: 98, reason: 'cannot bind' });
    expect(world.told).toEqual(['exit 98']);
  });

  test('checks and drains begins them', async () => {
    const world = createFakeWorld();
    await performed(
      world,
      {
        type: 'checkDesired',
        handover: 'H1' as never,
        target: launchEffect(1).target,
        depth: 'full',
      },
      launchEffect(1),
    );
    await performed(world, { type: 'drainLaunch', launch: launchIdOf(1), purpose: 'handover' });
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'checksPassed' }));
    expect(world.channel(1).asked).toContain('POST /drain_listeners?graceful');
  });
});

describe('to forget a launch', () => {
  test('removes its files and gives its base id back', async () => {
    const world = createFakeWorld();
    const perform = await performed(world, launchEffect(1));
    world.process(1).end({ kind: 'exited', code: 0 });
    await promisesSettled();
    perform(forget(1));
    expect(world.runDirectory.removed).toEqual([
      '/run/baton/admin-L1.sock',
      '/run/baton/envoy-rev0.json',
    ]);
    expect(world.domain.reserved.size).toBe(0);
    expect(world.told).toEqual(['L1 forgotten']);
  });

  test('keeps the base id while another launch of its lineage lives', async () => {
    const world = createFakeWorld();
    const perform = await performed(world, launchEffect(1), launchEffect(2));
    perform(forget(1));
    expect([...world.domain.reserved.keys()]).toEqual(['G1']);
    perform(forget(2));
    expect(world.domain.reserved.size).toBe(0);
  });

  test('keeps the bootstrap that a living launch of another lineage has at the same epoch', async () => {
    const world = createFakeWorld();
    const other = launchEffect(2, { epoch: epochOf(0), lineage: 2 });
    const perform = await performed(world, launchEffect(1), other);
    perform(forget(1));
    expect(world.runDirectory.removed).toEqual(['/run/baton/admin-L1.sock']);
    expect([...world.domain.reserved.keys()]).toEqual(['G2']);
  });

  test('does nothing a second time', async () => {
    const world = createFakeWorld();
    await performed(world, launchEffect(1), forget(1), forget(1));
    expect(world.told).toEqual(['L1 forgotten']);
  });

  test('tells of trouble when a file cannot be removed', async () => {
    const world = createFakeWorld();
    world.runDirectory.removeBootstrap = () => Promise.reject(new Error('read-only'));
    await performed(world, launchEffect(1), forget(1));
    expect(world.troubles).toEqual(['read-only']);
  });

  test('keeps one that is still being prepared from ever being started', async () => {
    const world = createFakeWorld();
    const reserved = deferred<{ ok: true; value: number }>();
    world.domain.reserve = () => reserved.promise;
    const perform = createPerform(world);
    perform(launchEffect(1));
    perform(forget(1));
    reserved.resolve({ ok: true, value: 7 });
    await promisesSettled();
    expect(world.launches.size).toBe(0);
    expect(world.preparing.size).toBe(0);
  });
});
