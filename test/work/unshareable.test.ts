import { describe, expect, test } from 'vitest';
import { launchEnvoy } from '../../src/work/launch-envoy.ts';
import { findUnshareable, rememberPlaces } from '../../src/work/unshareable.ts';
import { promisesSettled } from '../support/fake-clock.ts';
import { adminAnswer, fakeAdmin } from '../support/fake-ports.ts';
import { createFakeWorld, launchEffect } from '../support/fake-world.ts';

const address = { socket_address: { address: '127.0.0.1', port_value: 80 } };
const shared = { name: 'shared', address };
const exclusive = { name: 'exclusive', address, enable_reuse_port: false };
const piped = { name: 'piped', address: { pipe: { path: '@l' } } };

const dump = (...configs: object[]) => adminAnswer(200, JSON.stringify({ configs }));
const bootstrap = (...listeners: object[]) => JSON.stringify({ static_resources: { listeners } });

interface Answers {
  readonly fixed?: ReturnType<typeof adminAnswer>;
  readonly dynamic?: ReturnType<typeof adminAnswer>;
}

/** Beside a launch whose admin answers so, and else with 404. */
async function unshareable(json: string, { fixed, dynamic }: Answers = {}) {
  const admin = fakeAdmin(async (_, path) => {
    const answer = path.includes('static_listeners') ? fixed : dynamic;
    return answer ?? adminAnswer(404);
  });
  const world = createFakeWorld({ admin });
  void launchEnvoy(launchEffect(1), world);
  await promisesSettled();
  return findUnshareable(json, { ...world, answersWithinMs: 1_000 });
}

describe('what two cannot share', () => {
  test('is nothing when no other lives', async () => {
    expect(
      await findUnshareable(bootstrap(exclusive), { launches: new Map(), answersWithinMs: 1_000 }),
    ).toEqual([]);
  });

  test.each<[string, Answers]>([
    ['does not know the question', {}],
    ['answers with something else', { fixed: adminAnswer(200, 'not JSON') }],
    ['has the same', { fixed: dump({ listener: exclusive }) }],
    ['has it shared', { fixed: dump({ listener: shared }) }],
  ])('is found when the other %s', async (_, answers) => {
    expect(await unshareable(bootstrap(exclusive), answers)).toHaveLength(1);
  });

  test('is nothing when the other holds no such place', async () => {
    expect(await unshareable(bootstrap(exclusive), { fixed: dump() })).toEqual([]);
  });

  test('is found in what only the other does not share', async () => {
    const fixed = dump({ listener: exclusive });
    expect(await unshareable(bootstrap(shared), { fixed })).toHaveLength(1);
  });

  test('is found among the listeners of a control plane', async () => {
    const fixed = dump({ listener: shared });
    const dynamic = dump({ active_state: { listener: piped } });
    expect(await unshareable(bootstrap(shared), { fixed, dynamic })).toEqual([
      'listener piped (unix socket @l)',
    ]);
  });

  test('is known of one that hangs by what it said when it was LIVE', async () => {
    let hangs = false;
    const admin = fakeAdmin(async (_, path) => {
      if (hangs) throw new Error('timed out');
      return dump({
        ...(path.includes('static_listeners') ? {} : { active_state: { listener: piped } }),
      });
    });
    const world = createFakeWorld({ admin });
    void launchEnvoy(launchEffect(1), world);
    await promisesSettled();
    for (const launch of world.launches.values()) await rememberPlaces(launch);
    hangs = true;
    const neighbours = { ...world, answersWithinMs: 200 };
    expect(await findUnshareable(bootstrap(shared), neighbours)).toHaveLength(1);
  });
});
