import { expect, test } from 'vitest';
import { launchIdOf } from '../../src/core/model.ts';
import { launchEnvoy } from '../../src/work/launch-envoy.ts';
import { newestLive } from '../../src/work/launches.ts';
import { createPerform } from '../../src/work/perform.ts';
import { promisesSettled } from '../support/fake-clock.ts';
import { createFakeWorld, launchEffect } from '../support/fake-world.ts';

test('the newest LIVE launch is the last started of those that said so', async () => {
  const world = createFakeWorld();
  expect(newestLive(world.launches)).toBeUndefined();
  for (const launch of [1, 2, 3]) {
    void launchEnvoy(launchEffect(launch), world);
    await promisesSettled();
  }
  expect(newestLive(world.launches)).toBeUndefined();
  for (const launch of [2, 1]) {
    world.channel(launch).goLive();
    await promisesSettled();
    expect(newestLive(world.launches)?.id).toBe('L2');
  }
  world.process(2).end({ kind: 'exited', code: 0 });
  await promisesSettled();
  expect(newestLive(world.launches)?.id).toBe('L1');
});

test('the newest LIVE launch is none that has been told to end', async () => {
  const world = createFakeWorld();
  const perform = createPerform(world);
  for (const launch of [1, 2]) {
    void launchEnvoy(launchEffect(launch), world);
    await promisesSettled();
    world.channel(launch).goLive();
    await promisesSettled();
  }
  perform({ type: 'signalLaunch', launch: launchIdOf(2), signal: 'SIGTERM' });
  expect(newestLive(world.launches)?.id).toBe('L1');
});
