import { describe, expect, test } from 'vitest';
import type { Effect } from '../../src/core/events.ts';
import { handoverIdOf } from '../../src/core/model.ts';
import { checkDesired } from '../../src/work/check-desired.ts';
import { launchEnvoy } from '../../src/work/launch-envoy.ts';
import { desiredVersion } from '../support/agent-states.ts';
import { promisesSettled } from '../support/fake-clock.ts';
import { fakeMemory, refusal } from '../support/fake-ports.ts';
import {
  createFakeWorld,
  launchEffect,
  materialFor,
  type WorldPlan,
} from '../support/fake-world.ts';

const handover = handoverIdOf(1);

async function checked(
  plan: WorldPlan = {},
  effect: Partial<Effect & { type: 'checkDesired' }> = {},
) {
  const world = createFakeWorld(plan);
  const target = desiredVersion(1);
  await checkDesired({ type: 'checkDesired', handover, target, depth: 'full', ...effect }, world);
  return world;
}

function failedWith(message: string) {
  return { type: 'checksFailed', handover, problems: [message], exitCode: 78 };
}

describe('a check', () => {
  test('validates a candidate with the arguments of a launch, and removes it', async () => {
    const world = await checked();
    expect(world.queries.asked).toEqual([
      expect.stringMatching(
        /^validate \/usr\/bin\/envoy --config-path \S+envoy-candidate-1\.json .*--restart-epoch 0 --base-id 0 --concurrency 2 /,
      ),
    ]);
    expect(world.runDirectory.files.size).toBe(0);
    expect(world.events).toEqual([{ type: 'checksPassed', handover, speaksSameVersion: true }]);
  });

  test('leaves Envoy out when only the rendering is asked for', async () => {
    const world = await checked({ writeFailure: 'full' }, { depth: 'render' });
    expect(world.queries.asked).toEqual([]);
    expect(world.events).toEqual([{ type: 'checksPassed', handover, speaksSameVersion: true }]);
  });

  test.each<[string, WorldPlan, string]>([
    [
      'its files are gone',
      { materialOf: () => undefined },
      'Cannot check the change: its files are gone.',
    ],
    [
      'Envoy says no',
      { queries: { validate: refusal('Cannot validate the bootstrap: no such field') } },
      'Cannot validate the bootstrap: no such field',
    ],
    [
      'the bootstrap cannot be filled',
      {
        materialOf: (desired) => ({
          ...materialFor(desired),
          validationFor: () => {
            throw new Error('Expected a value for CERT_DIR.');
          },
        }),
      },
      'Expected a value for CERT_DIR.',
    ],
  ])('fails when %s', async (_, plan, message) => {
    const world = await checked(plan);
    expect(world.events).toEqual([failedWith(message)]);
    expect(world.runDirectory.files.size).toBe(0);
  });
});

/** Launch 1 is LIVE; then a version is checked beside it. */
async function checkedBesideServing(plan: WorldPlan, version: number) {
  const world = createFakeWorld(plan);
  void launchEnvoy(launchEffect(1), world);
  await promisesSettled();
  world.channel(1).goLive();
  await promisesSettled();
  const target = desiredVersion(version);
  await checkDesired({ type: 'checkDesired', handover, target, depth: 'full' }, world);
  return world.events.at(-1);
}

describe('a failure of the surroundings', () => {
  test('is none of the change when nothing can be written', async () => {
    const world = await checked({ writeFailure: 'Cannot use /run: full.' });
    expect(world.events).toEqual([{ ...failedWith('Cannot use /run: full.'), isTransient: true }]);
  });

  test('is none of the change when Envoy could not be asked', async () => {
    const validate = refusal('Cannot validate the bootstrap: it could not be started (EAGAIN)');
    const problems = validate.ok ? [] : validate.problems;
    const transient = problems.map((problem) => ({ ...problem, isTransient: true as const }));
    const world = await checked({ queries: { validate: { ok: false, problems: transient } } });
    expect(world.events[0]).toMatchObject({ type: 'checksFailed', isTransient: true });
  });
});

describe('a second Envoy', () => {
  test('has room where there is no limit', async () => {
    expect(await checkedBesideServing({}, 1)).toEqual({
      type: 'checksPassed',
      handover,
      speaksSameVersion: true,
    });
  });

  test('lacks memory where what the serving one has is more than is left', async () => {
    const memory = fakeMemory({ freeBytes: 10_000_000, ownBytes: 20_000_000 });
    expect(await checkedBesideServing({ memory }, 1)).toMatchObject({
      memoryShortage: { neededBytes: 20_000_000 + 4 * 1024 * 1024, freeBytes: 10_000_000 },
    });
  });

  test('needs more when it is of another binary', async () => {
    const memory = fakeMemory({ freeBytes: 50_000_000, ownBytes: 20_000_000 });
    expect(await checkedBesideServing({ memory }, 1)).not.toHaveProperty('memoryShortage');
    expect(await checkedBesideServing({ memory }, 2)).toHaveProperty('memoryShortage');
  });

  test('that is killed at the validation leaves a word about memory that is short', async () => {
    const memory = fakeMemory({ freeBytes: 0, ownBytes: 20 * 1024 * 1024 });
    const message = 'Cannot validate the bootstrap: it was ended by SIGKILL';
    const problem = { about: 'envoy', message, isTransient: true } as const;
    const queries = { validate: { ok: false, problems: [problem] } } as const;
    expect(await checkedBesideServing({ memory, queries }, 1)).toMatchObject({
      problems: [`${message} (memory is short, 24 MiB needed and 0 MiB free)`],
      isTransient: true,
    });
  });

  test('is not thought of when nothing serves', async () => {
    const world = await checked({ memory: fakeMemory({ freeBytes: 0, ownBytes: 20_000_000 }) });
    expect(world.events[0]).not.toHaveProperty('memoryShortage');
  });

  test('could not bind what two cannot share', async () => {
    const listeners = [{ name: 'l', address: { pipe: { path: '/run/l.sock' } } }];
    const validationFor = () => JSON.stringify({ static_resources: { listeners } });
    const materialOf: WorldPlan['materialOf'] = (desired) => ({
      ...materialFor(desired),
      validationFor,
    });
    expect(await checkedBesideServing({ materialOf }, 1)).toMatchObject({
      unshareableListeners: ['listener l (unix socket /run/l.sock)'],
    });
  });
});
