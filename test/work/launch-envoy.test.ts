import { describe, expect, test } from 'vitest';
import { type FailureCause, launchIdOf, type Outcome } from '../../src/core/model.ts';
import { launchEnvoy } from '../../src/work/launch-envoy.ts';
import { newestLive } from '../../src/work/launches.ts';
import { createPerform } from '../../src/work/perform.ts';
import { promisesSettled } from '../support/fake-clock.ts';
import { fakeAdmin, refusal } from '../support/fake-ports.ts';
import {
  createFakeWorld,
  type FakeWorld,
  launchEffect,
  type WorldPlan,
} from '../support/fake-world.ts';

const launch = launchIdOf(1);
const CRASH: Outcome = { kind: 'exited', code: 1 };

/** Launch 1 has been spawned. */
async function launched(plan: WorldPlan = {}) {
  const world = createFakeWorld(plan);
  const gone = launchEnvoy(launchEffect(1), world);
  await promisesSettled();
  return { world, gone };
}

describe('a launch', () => {
  test('starts from its bootstrap, at its epoch, on the base id of its lineage', async () => {
    const { world } = await launched();
    const { spec } = world.process(1);
    expect(spec).toMatchObject({ launch, epoch: 0, binary: '/usr/bin/envoy' });
    expect(spec.args.join(' ')).toMatch(
      /^--config-path \/run\/baton\/envoy-rev0\.json --config-yaml \S+admin-L1\.sock\S+ --restart-epoch 0 --base-id 500 /,
    );
    expect(world.runDirectory.files).toEqual(
      new Map([['/run/baton/envoy-rev0.json', '{"admin":"/run/baton/admin-L1.sock"}']]),
    );
    expect(world.events).toEqual([{ type: 'launchSpawned', launch, pid: 100 }]);
  });

  test('is reported LIVE once, and its bootstrap is kept as the last good one', async () => {
    const { world } = await launched();
    world.channel(1).goLive();
    await promisesSettled();
    expect(world.events.slice(1)).toEqual([{ type: 'launchLive', launch }]);
    expect(newestLive(world.launches)?.id).toBe(launch);
    expect(world.runDirectory.files.get('/run/baton/envoy-last-good.json')).toBe(
      '{"admin":"/run/baton/admin-L1.sock"}',
    );
  });

  test('is reported to have answered at most once a second', async () => {
    const { world } = await launched();
    const channel = world.channel(1);
    for (const state of ['PRE_INITIALIZING', 'PRE_INITIALIZING', 'INITIALIZING'])
      channel.say(state);
    world.clock.pass(1_000);
    channel.say('INITIALIZING');
    expect(world.events.slice(1)).toEqual([
      { type: 'launchAnswered', launch, envoyState: 'PRE_INITIALIZING' },
      { type: 'launchAnswered', launch, envoyState: 'INITIALIZING' },
    ]);
    expect(world.launches.get(launch)?.hasAnswered).toBe(true);
  });

  test('is watched for silence once it is LIVE', async () => {
    const admin = fakeAdmin(() => new Promise(() => {}));
    const { world } = await launched({ admin });
    world.clock.pass(60_000);
    expect(world.channel(1).asked).toEqual([]);
    world.channel(1).goLive();
    await promisesSettled();
    world.clock.pass(13_000);
    expect(world.channel(1).asked).toEqual(['GET /ready']);
    expect(world.events.at(-1)).toEqual({ type: 'launchSilent', launch, silentMs: 2_000 });
  });

  test('is over when its process is gone: its channel is closed and nothing is left', async () => {
    const { world, gone } = await launched();
    world.channel(1).goLive();
    await promisesSettled();
    world.process(1).print('bye');
    world.process(1).end({ kind: 'killed', signal: 'SIGSEGV' });
    await gone;
    expect(world.events.at(-1)).toEqual({
      type: 'launchExited',
      launch,
      outcome: { kind: 'killed', signal: 'SIGSEGV' },
      lastLines: ['bye'],
    });
    expect(world.channel(1).isClosed()).toBe(true);
    expect(world.launches.size).toBe(0);
    expect(world.clock.armedAtMs()).toEqual([]);
  });

  test('tells of trouble and goes on when the last good bootstrap cannot be kept', async () => {
    const { world } = await launched();
    world.runDirectory.keepLastGood = () => Promise.reject(new Error('the disk is full'));
    world.channel(1).goLive();
    await promisesSettled();
    expect(world.troubles).toEqual(['the disk is full']);
    expect(world.events.at(-1)?.type).toBe('launchLive');
  });
});

describe('a launch that cannot begin', () => {
  test.each<[string, WorldPlan, string]>([
    [
      'its files are gone',
      { materialOf: () => undefined },
      'Cannot start Envoy: its files are gone.',
    ],
    [
      'there is no base id',
      { domain: { reserve: refusal('Cannot find a free base id: all are held.') } },
      'Cannot find a free base id: all are held.',
    ],
    [
      'nothing can be written',
      { writeFailure: 'Cannot use /run: full.' },
      'Cannot use /run: full.',
    ],
  ])('is reported as a failed start when %s', async (_, plan, message) => {
    const { world, gone } = await launched(plan);
    await gone;
    expect(world.events).toEqual([
      {
        type: 'launchExited',
        launch,
        outcome: { kind: 'notStarted', errno: expect.any(String), message },
        lastLines: [message],
      },
    ]);
    expect(world.processes.spawned).toEqual([]);
    expect(world.launches.size).toBe(0);
  });

  test('says as its last line why the system refused it', async () => {
    const { world, gone } = await launched({
      spawn: { notStarted: { kind: 'notStarted', errno: 'ENOENT', message: 'spawn ENOENT' } },
    });
    await gone;
    expect(world.events).toEqual([
      {
        type: 'launchExited',
        launch,
        outcome: { kind: 'notStarted', errno: 'ENOENT', message: 'spawn ENOENT' },
        cause: 'noBinary',
        lastLines: ['spawn ENOENT'],
      },
    ]);
    expect(world.launches.size).toBe(0);
  });
});

describe('a launch that is ended before there is a process', () => {
  const kill = (world: FakeWorld, signal: 'SIGTERM' | 'SIGKILL') =>
    createPerform(world)({ type: 'signalLaunch', launch, signal });

  test.each(['SIGTERM', 'SIGKILL'] as const)('leaves none when told %s', async (signal) => {
    let open = () => {};
    const gate = () =>
      new Promise<void>((resolve) => {
        open = resolve;
      });
    const { world, gone } = await launched({ spawn: { gate } });
    kill(world, signal);
    open();
    await gone;
    expect(world.processes.living()).toEqual([]);
    expect(world.process(1).signals).toEqual(['SIGKILL']);
    expect(world.events.at(-1)).toMatchObject({
      type: 'launchExited',
      outcome: { kind: 'killed', signal: 'SIGKILL' },
    });
    expect(world.launches.size).toBe(0);
  });

  test('leaves none when told on the way through each step', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const world = createFakeWorld();
      const gone = launchEnvoy(launchEffect(1), world);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      kill(world, 'SIGKILL');
      await gone;
      expect(world.processes.living()).toEqual([]);
      expect(world.events.filter(({ type }) => type === 'launchExited')).toHaveLength(1);
    }
  });
});

describe('the cause of a failed start', () => {
  const rejected = { validate: refusal('Cannot validate: no such field') };

  test.each<[FailureCause, string, WorldPlan['queries'], Outcome]>([
    ['cannotBind', "cannot bind '127.0.0.1:80': Address already in use", {}, CRASH],
    ['configurationRejected', 'no such field', rejected, CRASH],
    ['unknown', 'no such field', {}, CRASH],
    ['unknown', 'no such field', rejected, { kind: 'exited', code: 0 }],
    ['unknown', 'no such field', rejected, { kind: 'killed', signal: 'SIGABRT' }],
  ])('is %s after "%s"', async (cause, line, queries = {}, outcome) => {
    const { world, gone } = await launched({ queries });
    world.process(1).print(line);
    world.process(1).end(outcome);
    await gone;
    expect(world.events.at(-1)).toMatchObject({ type: 'launchExited', cause, lastLines: [line] });
  });

  test('is asked of the same binary with the same arguments', async () => {
    const { world, gone } = await launched({ queries: rejected });
    world.process(1).end(CRASH);
    await gone;
    const { binary, args } = world.process(1).spec;
    expect(world.queries.asked).toEqual([['validate', binary, ...args].join(' ')]);
  });

  test('is not looked for when it has been LIVE', async () => {
    const { world, gone } = await launched({ queries: rejected });
    world.channel(1).goLive();
    await promisesSettled();
    world.process(1).end(CRASH);
    await gone;
    expect(world.events.at(-1)).not.toHaveProperty('cause');
    expect(world.queries.asked).toEqual([]);
  });
});
