import { describe, expect, test } from 'vitest';
import type { Effect } from '../../src/core/events.ts';
import { handoverIdOf } from '../../src/core/model.ts';
import { checkDesired } from '../../src/work/check-desired.ts';
import { launchEnvoy } from '../../src/work/launch-envoy.ts';
import { desiredVersion } from '../support/agent-states.ts';
import { promisesSettled } from '../support/fake-clock.ts';
import { type QueryAnswers, refusal } from '../support/fake-ports.ts';
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
      'nothing can be written',
      { writeFailure: 'Cannot use /run: full.' },
      'Cannot use /run: full.',
    ],
    [
      'the bootstrap cannot be filled',
      {
        materialOf: (desired) => ({
          ...materialFor(desired),
          bootstrapFor: () => {
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

describe('the hot restart version', () => {
  /** Launch 1 is LIVE with a binary that says 11.104; then version 2 is checked. */
  async function checkedBesideServing(queries: QueryAnswers, version: number) {
    const world = createFakeWorld({ queries });
    void launchEnvoy(launchEffect(1), world);
    await promisesSettled();
    world.channel(1).goLive();
    await promisesSettled();
    const target = desiredVersion(version);
    await checkDesired({ type: 'checkDesired', handover, target, depth: 'render' }, world);
    return world;
  }

  test('is not asked for when the binary is the one that serves', async () => {
    const world = await checkedBesideServing({}, 1);
    expect(world.queries.asked).toEqual([]);
    expect(world.events.at(-1)).toMatchObject({ speaksSameVersion: true });
  });

  test.each<[string, QueryAnswers, boolean]>([
    ['the same', {}, true],
    ['another', { hotRestartVersion: { ok: true, value: '11.120' } }, false],
    ['unknown', { hotRestartVersion: refusal('Cannot read it.') }, false],
  ])('of another binary is %s', async (_, queries, speaksSameVersion) => {
    const world = await checkedBesideServing(queries, 2);
    expect(world.queries.asked).toEqual(['hotRestartVersion /usr/bin/envoy']);
    expect(world.events.at(-1)).toEqual({ type: 'checksPassed', handover, speaksSameVersion });
  });
});
