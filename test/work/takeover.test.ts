import { describe, expect, test } from 'vitest';
import { lineageIdOf } from '../../src/core/model.ts';
import { launchEnvoy } from '../../src/work/launch-envoy.ts';
import { wasTakenOver } from '../../src/work/takeover.ts';
import { promisesSettled } from '../support/fake-clock.ts';
import { adminAnswer, fakeAdmin } from '../support/fake-ports.ts';
import { createFakeWorld, launchEffect } from '../support/fake-world.ts';

const G1 = lineageIdOf(1);
const stopped = (count: number) =>
  adminAnswer(200, `listener_manager.listener_stopped: ${count}\n`);

/** L1 is LIVE in G1 and answers each question about its listeners with the next of these. */
async function worldThatAnswers(...answers: (() => ReturnType<typeof adminAnswer>)[]) {
  let asked = 0;
  const admin = fakeAdmin(async (_, path) => {
    if (!path.includes('listener_stopped')) return adminAnswer(404);
    asked += 1;
    return (answers[Math.min(asked, answers.length) - 1] ?? (() => adminAnswer(404)))();
  });
  const world = createFakeWorld({ admin });
  void launchEnvoy(launchEffect(1), world);
  await promisesSettled();
  world.channel(1).goLive();
  await promisesSettled();
  return { world, askedCount: () => asked };
}

describe('a takeover that nobody saw', () => {
  test('is known at once by a parent that has closed its listeners', async () => {
    const { world, askedCount } = await worldThatAnswers(() => stopped(2));
    expect(await wasTakenOver(G1, world)).toBe(true);
    expect(askedCount()).toBe(1);
  });

  test('is asked for until a busy parent has closed them', async () => {
    const { world } = await worldThatAnswers(
      () => stopped(0),
      () => stopped(0),
      () => stopped(1),
    );
    const asking = wasTakenOver(G1, world);
    await world.clock.passSlowly(200, 10);
    expect(await asking).toBe(true);
  });

  test('was none when they are open half a second later', async () => {
    const { world, askedCount } = await worldThatAnswers(() => stopped(0));
    const asking = wasTakenOver(G1, world);
    await world.clock.passSlowly(600, 10);
    expect(await asking).toBe(false);
    expect(askedCount()).toBeGreaterThan(5);
  });

  test.each<[string, () => ReturnType<typeof adminAnswer>]>([
    [
      'does not answer',
      () => {
        throw new Error('timed out');
      },
    ],
    ['does not know the question', () => adminAnswer(404)],
  ])('is not assumed when the parent %s', async (_, answer) => {
    const { world } = await worldThatAnswers(answer);
    expect(await wasTakenOver(G1, world)).toBe(false);
  });

  test('is none where nobody serves in the lineage', async () => {
    const { world } = await worldThatAnswers(() => stopped(1));
    expect(await wasTakenOver(lineageIdOf(2), world)).toBe(false);
  });
});
