import { describe, expect, test } from 'vitest';
import type { DryRunStatus } from '../../src/core/dry-run.ts';
import type { State } from '../../src/core/state.ts';
import type { Preview } from '../../src/work/desired-state.ts';
import { createDryRun } from '../../src/work/dry-run.ts';
import { launchEnvoy } from '../../src/work/launch-envoy.ts';
import {
  defaultPolicy,
  desiredVersion,
  handoverHappenings,
  servingHappenings,
  sigterm,
  stateAfter,
} from '../support/agent-states.ts';
import { promisesSettled } from '../support/fake-clock.ts';
import { refusal } from '../support/fake-ports.ts';
import {
  createFakeWorld,
  launchEffect,
  materialFor,
  type WorldPlan,
} from '../support/fake-world.ts';

interface Trial {
  readonly plan?: WorldPlan;
  /** @default L1 serves */
  readonly state?: () => State;
  /** @default version 2, all of it whole */
  readonly seen?: Partial<Preview>;
}

/** L1 is LIVE, L2 has been spawned when the state says so. */
async function trial({ plan, state = () => stateAfter(servingHappenings), seen }: Trial = {}) {
  const world = createFakeWorld(plan);
  for (const launch of state().launches.map((_, index) => index + 1)) {
    void launchEnvoy(launchEffect(launch), world);
    await promisesSettled();
    if (launch > 1) break;
    world.channel(1).goLive();
    await promisesSettled();
  }
  const before = world.events.length;
  const found: Preview = {
    material: materialFor(desiredVersion(2)),
    held: [],
    problems: [],
    ...seen,
  };
  const previewed: string[] = [];
  const dryRun = createDryRun({
    ...world,
    policy: defaultPolicy,
    state,
    preview: async (use) => {
      previewed.push('begun');
      return use(found).finally(() => previewed.push('ended'));
    },
  });
  const posted = () => world.events.slice(before);
  return { world, dryRun, posted, previewed };
}

describe('a dry run', () => {
  test('lets Envoy validate what is on disk, and neither posts nor leaves anything', async () => {
    const { world, dryRun, posted, previewed } = await trial();
    const files = [...world.runDirectory.files.keys()];
    const spawned = world.processes.spawned.length;
    const found = await dryRun('auto');
    expect(found).toMatchObject<Partial<DryRunStatus>>({
      passed: true,
      problems: [],
      mode: 'hot',
      changes: [
        { part: 'certificates', live: 'c1000000', next: 'c2000000' },
        { part: 'bootstrap', live: 'b1000000', next: 'b2000000' },
        { part: 'binary', live: 'e1000000', next: 'e2000000' },
      ],
    });
    expect(world.queries.asked).toContainEqual(expect.stringMatching(/^validate /));
    expect(posted()).toEqual([]);
    expect([...world.runDirectory.files.keys()]).toEqual(files);
    expect(world.processes.spawned).toHaveLength(spawned);
    expect(previewed).toEqual(['begun', 'ended']);
  });

  test('fails with every problem: of what is on disk, and of what would be taken instead', async () => {
    const { dryRun } = await trial({
      plan: { queries: { validate: refusal('Cannot validate the bootstrap: no.') } },
      seen: { held: ['certificates'], problems: ['They do not match.'] },
    });
    expect(await dryRun('auto')).toMatchObject({
      passed: false,
      held: ['certificates'],
      problems: ['They do not match.', 'Cannot validate the bootstrap: no.'],
    });
  });

  test('fails where there never was anything to start', async () => {
    const { dryRun, world } = await trial({
      state: () => stateAfter([]),
      seen: { material: undefined, problems: ['There are no certificates.'] },
    });
    expect(await dryRun('auto')).toEqual({
      passed: false,
      problems: ['There are no certificates.'],
      held: [],
      changes: [],
    });
    expect(world.queries.asked).toEqual([]);
  });

  test('asks a launch that is being started nothing', async () => {
    const { dryRun, world } = await trial({ state: () => stateAfter(handoverHappenings) });
    expect(await dryRun('auto')).toMatchObject({
      passed: true,
      mode: 'hot',
      first: expect.stringMatching(/^H2 .* is starting and has to end first/),
    });
    const askedNow = world.channel(2).asked.filter((asked) => asked.includes('config_dump'));
    expect(askedNow).toEqual([]);
  });

  test('is one at a time', async () => {
    const { dryRun, world } = await trial();
    const first = dryRun('auto');
    expect(await dryRun('auto')).toBeUndefined();
    expect(await first).toMatchObject({ passed: true });
    expect(await dryRun('auto')).toMatchObject({ passed: true });
    expect(world.queries.asked.filter((asked) => asked.startsWith('validate'))).toHaveLength(2);
  });

  test('is refused while the agent stops, also when the stop comes meanwhile', async () => {
    let state = stateAfter(servingHappenings);
    const { dryRun, previewed } = await trial({ state: () => state });
    const running = dryRun('auto');
    state = stateAfter([...servingHappenings, [20_000, sigterm]]);
    const problems = ['A restart would be refused: the agent is stopping.'];
    expect(await running).toMatchObject({ passed: false, problems });
    expect(previewed).toEqual(['begun', 'ended']);
    expect(await dryRun('auto')).toMatchObject({ passed: false, problems });
    expect(previewed).toEqual(['begun', 'ended']);
  });
});
