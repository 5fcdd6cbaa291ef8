/** What only the fake can do: fail on demand, and write down what nobody may do to an Envoy. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createLineage,
  type EnvoyLaunch,
  type EnvoyUnderTest,
  eventually,
} from '../support/envoy-under-test.ts';
import { createFakeEnvoy, type FakeBehaviour, type FakeEnvoy } from '../support/fake-envoy.ts';
import { waitingFor } from './bootstraps.ts';
import { failureOf, launchLive, SUCCESS } from './steps.ts';

let fake: FakeEnvoy;
let envoy: EnvoyUnderTest;

beforeEach(() => {
  fake = createFakeEnvoy();
  envoy = createLineage(fake.binary);
});

afterEach(async () => {
  await envoy.remove();
  fake.remove();
});

/** A tenth of the usual seconds. */
function behaveAs(...behaviours: FakeBehaviour[]): void {
  fake.direct({ timeScale: 0.1, behaviours });
}

describe('violations', () => {
  test('stay empty when a handover goes by the rules', async () => {
    behaveAs();
    const parent = await launchLive(envoy, 0);
    const child = await launchLive(envoy, 1, { args: ['--parent-shutdown-time-s', '1'] });
    expect(await parent.ended).toEqual(SUCCESS);
    child.kill('SIGTERM');
    expect(await child.ended).toEqual(SUCCESS);
    expect(fake.violations()).toEqual([]);
    expect(fake.launches()).toMatchObject([
      { run: 'serve', epoch: 0, stage: 'stopping', baseId: envoy.baseId },
      { run: 'serve', epoch: 1, stage: 'stopping', adminPath: child.adminPath },
    ]);
  });

  test('name a SIGTERM that takes the parent along', async () => {
    behaveAs({ epoch: 1, initializingMs: 'forever' });
    await launchLive(envoy, 0);
    const child = envoy.launch(1);
    await child.untilReadySays('INITIALIZING');
    child.kill('SIGTERM');
    await child.ended;
    expect(fake.violations()).toEqual([
      `epoch 1 (pid ${child.pid}): got SIGTERM while initializing: it takes its parent along`,
    ]);
  });

  test('name a SIGTERM under a living child', async () => {
    const parent = await launchLive(envoy, 0);
    await launchLive(envoy, 1);
    parent.kill('SIGTERM');
    await parent.ended;
    expect(fake.violations()).toEqual([
      `epoch 0 (pid ${parent.pid}): got SIGTERM under the living child at epoch 1`,
    ]);
  });

  test('name a SIGHUP', async () => {
    const launch = await launchLive(envoy, 0);
    launch.kill('SIGHUP');
    await eventually(() =>
      expect(fake.violations()).toEqual([`epoch 0 (pid ${launch.pid}): got SIGHUP`]),
    );
  });

  test('name a wrong epoch and a launch too early', async () => {
    const first = envoy.launch(0, { bootstrap: waitingFor('listeners') });
    await first.untilReadySays('INITIALIZING');
    const second = envoy.launch(2);
    await second.ended;
    expect(fake.violations()).toEqual([
      `epoch 2 (pid ${second.pid}): launched while the highest living epoch is 0`,
      `epoch 2 (pid ${second.pid}): launched while one of its lineage is initializing`,
    ]);
  });
});

describe('behaviours', () => {
  test('apply to so many launches of an epoch', async () => {
    behaveAs({ epoch: 0, times: 2, end: { at: 'start', code: 7, saying: 'not today' } });
    for (const attempt of [envoy.launch(0), envoy.launch(0)]) {
      expect(await attempt.ended).toEqual({ code: 7, signal: null });
      await eventually(() => expect(attempt.stderr()).toBe('not today\n'));
    }
    await launchLive(envoy, 0);
    expect(fake.launches()).toHaveLength(3);
  });

  test.each([
    { at: 'configuration', poisoned: 1n, hasParentAdmin: true },
    { at: 'listeners', poisoned: 1n, hasParentAdmin: false },
    { at: 'initializing', poisoned: 1n, hasParentAdmin: false },
    { at: 'live', poisoned: 0n, hasParentAdmin: false },
  ] as const)('end a child at "$at" with what Envoy leaves there', async (row) => {
    behaveAs({ epoch: 1, end: { at: row.at, signal: 'SIGSEGV' } });
    const parent = await launchLive(envoy, 0);
    const child = envoy.launch(1);
    expect(await child.ended).toEqual({ code: null, signal: 'SIGSEGV' });
    expect(envoy.readMemory().readBigUInt64LE(96)).toBe(row.poisoned);
    expect(await hasOpenAdmin(parent)).toBe(row.hasParentAdmin);
  });

  test('keep the admin silent from the start', async () => {
    behaveAs({ silence: 'fromStart' });
    const launch = envoy.launch(0);
    await eventually(async () => expect(await failureOf(launch.ask('/ready'))).toBe('no answer'));
    launch.kill('SIGTERM');
    expect(await launch.ended).toEqual({ code: null, signal: 'SIGTERM' });
  });

  test('keep the admin silent and SIGTERM without effect once LIVE', async () => {
    behaveAs({ silence: 'onceLive' });
    const launch = envoy.launch(0);
    await eventually(() => expect(fake.launches()).toMatchObject([{ stage: 'live' }]));
    launch.kill('SIGTERM');
    expect(await failureOf(launch.ask('/ready'))).toBe('no answer');
    expect(launch.hasEnded()).toBe(false);
  });

  test('let a launch ignore SIGTERM', async () => {
    behaveAs({ ignoresSigterm: true });
    const launch = await launchLive(envoy, 0);
    launch.kill('SIGTERM');
    await eventually(() => expect(launch.stderr()).toContain('caught ENVOY_SIGTERM'));
    expect((await launch.ask('/ready')).body).toBe('LIVE\n');
  });

  test.each(['SIGTERM', 'SIGUSR1', 'SIGHUP'] as const)(
    'leave %s its default before the run loop, with the parent untouched',
    async (signal) => {
      behaveAs({ epoch: 1, adminAfterMs: 60_000 });
      const parent = await launchLive(envoy, 0);
      const child = envoy.launch(1);
      await eventually(async () => expect(await hasOpenAdmin(parent)).toBe(false));
      child.kill(signal);
      expect(await child.ended).toEqual({ code: null, signal });
      expect(parent.hasEnded()).toBe(false);
    },
  );

  test('abort a parent whose answer finds its child gone', async () => {
    behaveAs({ epoch: 0, repliesAfterMs: 300 });
    const parent = await launchLive(envoy, 0);
    const child = envoy.launch(1);
    await eventually(async () => expect(await hasOpenAdmin(parent)).toBe(false));
    child.kill('SIGKILL');
    expect(await parent.ended).toEqual({ code: null, signal: 'SIGABRT' });
  });

  test('print lines of any length', async () => {
    behaveAs({ prints: ['{"half": ', ''], hugeLineBytes: 200_000, end: {} });
    const launch = envoy.launch(0);
    await launch.ended;
    await eventually(() => expect(launch.stderr()).toHaveLength('{"half": \n\n'.length + 200_001));
  });

  test('refuse or accept a validation apart from launches', async () => {
    behaveAs({ run: 'validate', times: 1, end: { saying: 'refused by script' } });
    const args = ['--mode', 'validate', '--config-yaml', '{}'];
    expect(await envoy.run(args)).toMatchObject({ code: 1, stderr: 'refused by script\n' });
    expect(await envoy.run(args)).toMatchObject(SUCCESS);
  });

  test('tell another hot restart version, which a child refuses', async () => {
    await launchLive(envoy, 0);
    fake.direct({ hotRestartVersion: '12.104' });
    expect(await envoy.run(['--hot-restart-version'])).toMatchObject({ stderr: '12.104' });
    expect(await envoy.launch(1).ended).toEqual({ code: null, signal: 'SIGABRT' });
  });
});

/** False when it refuses new connections. */
async function hasOpenAdmin(launch: EnvoyLaunch): Promise<boolean> {
  return !(await failureOf(launch.ask('/ready'))).includes('ECONNREFUSED');
}
