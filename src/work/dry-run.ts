/** A restart's checks without the restart: beside what is under way, and nothing is left of them. */
import {
  changesAgainst,
  concludeDryRun,
  type DryRunStatus,
  planDryRun,
  refusalOfRestart,
  whatComesFirst,
} from '../core/dry-run.ts';
import type { Mode, Policy } from '../core/model.ts';
import type { State } from '../core/state.ts';
import type { Clock, Material } from '../ports.ts';
import { type CheckWorld, checkTarget } from './check-desired.ts';
import type { DesiredState, Preview } from './desired-state.ts';
import type { Launches } from './launches.ts';

export interface DryRunWorld extends Omit<CheckWorld, 'post' | 'materialOf'> {
  readonly clock: Clock;
  readonly policy: Policy;
  readonly state: () => State;
  readonly preview: DesiredState['preview'];
}

/** @returns undefined while another one is under way: each is one more Envoy for a moment */
export type DryRun = (mode: 'auto' | Mode) => Promise<DryRunStatus | undefined>;

export function createDryRun(world: DryRunWorld): DryRun {
  let isUnderway = false;
  return async (mode) => {
    if (isUnderway) return undefined;
    const refusalNow = () => {
      const { policy, clock } = world;
      return refusalOfRestart(world.state(), { mode, policy, moment: clock.moment() });
    };
    const refusal = refusalNow();
    if (refusal !== undefined) return failed([refusal]);
    isUnderway = true;
    try {
      const found = await world.preview((seen) => tryOut(seen, mode, world));
      // What it was tried with goes at a stop.
      const since = refusalNow();
      return since === undefined ? found : failed([since]);
    } finally {
      isUnderway = false;
    }
  };
}

function failed(problems: readonly string[]): DryRunStatus {
  return { passed: false, problems, held: [], changes: [] };
}

async function tryOut(
  { material, problems: onDisk, held }: Preview,
  mode: 'auto' | Mode,
  world: DryRunWorld,
): Promise<DryRunStatus> {
  if (material === undefined) return failed(onDisk);
  const found = await tryMaterial(material, mode, world);
  const problems = [...onDisk, ...found.problems];
  return { ...found, passed: problems.length === 0, problems, held };
}

type Found = Omit<DryRunStatus, 'passed' | 'held'>;

/** Only those that serve are asked what they listen on: one that starts is not to be disturbed. */
async function tryMaterial(
  material: Material,
  mode: 'auto' | Mode,
  world: DryRunWorld,
): Promise<Found> {
  const { policy, clock } = world;
  const state = world.state();
  const question = { target: material.desired, mode, policy, moment: clock.moment() };
  const facts = {
    changes: changesAgainst(state.committed, material.desired),
    first: whatComesFirst(state, question),
  };
  const plan = planDryRun(state, question);
  if (plan === undefined) return { ...facts, problems: [NOTHING_TO_DO] };
  const launches = liveOnes(world.launches);
  const checked = await checkTarget(plan.check, { ...world, launches, materialOf: () => material });
  if (!checked.ok) {
    return { ...facts, problems: checked.problems.map(({ message }) => message) };
  }
  return { ...facts, ...concludeDryRun(plan, checked.value, policy) };
}

const NOTHING_TO_DO = 'A restart would find nothing to do.';

function liveOnes(launches: Launches): Launches {
  return new Map(
    [...launches].filter(([, { hotRestartVersion }]) => hotRestartVersion !== undefined),
  );
}
