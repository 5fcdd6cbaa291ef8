import { describe, expect, test } from 'vitest';
import { epochOf, handoverIdOf, launchIdOf, lineageIdOf } from '../../src/core/model.ts';
import { findHotFacts } from '../../src/work/hot-facts.ts';
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

const inheritsFrom = { launch: launchIdOf(1), lineage: lineageIdOf(1), epoch: epochOf(1) };

interface Plan extends WorldPlan {
  /** The serving one's. @default '11.104' */
  readonly hotRestartVersion?: string;
  /** Of the target; version 1 has the binary that serves. @default 1 */
  readonly version?: number;
  readonly inheritsFrom?: typeof inheritsFrom | undefined;
}

/** Launch 1 is LIVE; then the facts are asked for a launch that would be its child. */
async function found({ hotRestartVersion = '11.104', version = 1, ...plan }: Plan) {
  const world = createFakeWorld(plan);
  void launchEnvoy(launchEffect(1), world);
  await promisesSettled();
  world.channel(1).goLive({ hotRestartVersion });
  await promisesSettled();
  const target = desiredVersion(version);
  const parent = 'inheritsFrom' in plan ? plan.inheritsFrom : inheritsFrom;
  const inheriting = parent === undefined ? {} : { inheritsFrom: parent };
  const facts = await findHotFacts(
    { type: 'checkDesired', handover: handoverIdOf(1), target, depth: 'full', ...inheriting },
    materialFor(target),
    world,
  );
  return { facts: facts.ok ? facts.value : facts.problems, asked: world.queries.asked };
}

describe('the hot restart version', () => {
  test('is not asked for when the binary is the one that serves', async () => {
    const { facts, asked } = await found({});
    expect(asked).toEqual([]);
    expect(facts).toEqual({ speaksSameVersion: true });
  });

  test.each<[string, QueryAnswers, object]>([
    ['the same', {}, { speaksSameVersion: true }],
    ['another', { hotRestartVersion: { ok: true, value: '11.120' } }, { speaksSameVersion: false }],
    ['unknown', { hotRestartVersion: refusal('No.') }, { speaksSameVersion: false }],
    [
      'none',
      { hotRestartVersion: { ok: true, value: 'disabled' } },
      { speaksSameVersion: false, obstacleToHot: 'the new binary is built without hot restart' },
    ],
  ])('of another binary is %s', async (_, queries, expected) => {
    const { facts, asked } = await found({ queries, version: 2 });
    expect(asked).toEqual(['hotRestartVersion /usr/bin/envoy']);
    expect(facts).toEqual(expected);
  });

  test('that could not be asked for just now is a problem that passes', async () => {
    const problem = { about: 'envoy', message: 'EMFILE', isTransient: true } as const;
    const hotRestartVersion = { ok: false, problems: [problem] } as const;
    expect((await found({ queries: { hotRestartVersion }, version: 2 })).facts).toEqual([problem]);
  });
});

describe('the obstacle to a hot handover', () => {
  test('is that hot restart is switched off', async () => {
    const options = { extraArgs: ['--disable-hot-restart'] };
    expect((await found({ options, hotRestartVersion: 'disabled' })).facts).toEqual({
      speaksSameVersion: false,
      obstacleToHot: 'hot restart is switched off (--disable-hot-restart)',
    });
  });

  test('is that the one that serves is built without it', async () => {
    expect((await found({ hotRestartVersion: 'disabled' })).facts).toMatchObject({
      speaksSameVersion: false,
      obstacleToHot: 'the Envoy that serves takes no part in hot restart',
    });
  });

  test('is what keeps it from joining the lineage', async () => {
    const domain = { obstacleToJoin: 'its shared memory is gone' };
    expect((await found({ domain })).facts).toEqual({
      speaksSameVersion: true,
      obstacleToHot: 'its shared memory is gone',
    });
  });

  test.each([
    ['there is nobody to inherit from', undefined],
    ['the one to inherit from is gone', { ...inheritsFrom, launch: launchIdOf(7) }],
  ])('is none when %s', async (_, parent) => {
    const domain = { obstacleToJoin: 'its shared memory is gone' };
    expect((await found({ domain, inheritsFrom: parent })).facts).toEqual({
      speaksSameVersion: true,
    });
  });
});
