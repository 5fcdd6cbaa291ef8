/** Everything about a change that can be tried without touching the serving launch. */
import { AgentError, messageOf } from '../core/agent-error.ts';
import { envoyArgs } from '../core/envoy-args.ts';
import type { Effect, Event, MemoryShortage } from '../core/events.ts';
import { memoryShortage } from '../core/memory-headroom.ts';
import { EXIT, epochOf, type LaunchId } from '../core/model.ts';
import type { Material, MemoryAccount, Problem, Result, RunDirectory } from '../ports.ts';
import { findHotFacts, type HotWorld } from './hot-facts.ts';
import { newestLive } from './launches.ts';
import { withOwnNames } from './own-names.ts';
import { findUnshareable } from './unshareable.ts';

type Checking = Effect & { readonly type: 'checkDesired' };
type Passed = Event & { readonly type: 'checksPassed' };
type Facts = Omit<Passed, 'type' | 'handover'>;

export interface CheckWorld extends HotWorld {
  readonly runDirectory: RunDirectory;
  readonly memory: MemoryAccount;
  readonly materialOf: (target: Checking['target']) => Material | undefined;
  readonly post: (event: Event) => void;
}

type CheckedWorld = Omit<CheckWorld, 'post'>;

/** No launch has this name: its socket is spoken of in a validation and never made. */
const VALIDATION = 'validate' as LaunchId;

/** Posts checksPassed or checksFailed; never rejects. */
export async function checkDesired(effect: Checking, world: CheckWorld): Promise<void> {
  const { handover } = effect;
  const checked = await checkTarget(effect, world);
  world.post(
    checked.ok
      ? { type: 'checksPassed', handover, ...checked.value }
      : { type: 'checksFailed', handover, ...failureOf(checked.problems) },
  );
}

function failureOf(problems: readonly Problem[]) {
  const isTransient = problems.every((problem) => problem.isTransient);
  return {
    problems: problems.map(({ message }) => message),
    exitCode: EXIT.configuration,
    ...(isTransient ? { isTransient } : {}),
  };
}

/** The same, and what came of it is for the caller to use. Never rejects. */
export async function checkTarget(effect: Checking, world: CheckedWorld): Promise<Result<Facts>> {
  const material = world.materialOf(effect.target);
  if (material === undefined) return { ok: false, problems: [GONE] };
  const isFull = effect.depth === 'full';
  if (isFull) {
    const verdict = await validate(material, world);
    if (!verdict.ok) return withShortage(verdict.problems, shortageFor(material, world));
  }
  const hot = await findHotFacts(effect, material, world);
  if (!hot.ok) return hot;
  const unshareable = await unshareableBeside(effect, material, world);
  const shortage = isFull ? shortageFor(material, world) : undefined;
  return {
    ok: true,
    value: {
      ...hot.value,
      ...(material.isDeliverable ? { isDeliverable: true } : {}),
      ...(unshareable.length === 0 ? {} : { unshareableListeners: unshareable }),
      ...(shortage === undefined ? {} : { memoryShortage: shortage }),
    },
  };
}

/** A launch that is busy keeps nobody waiting, and one that hangs no rescue. */
const ANSWERS_WITHIN_MS = { full: 1_000, render: 200 } as const;

/** What could not be bound beside the launches that live; nothing where none does. */
async function unshareableBeside(
  { depth }: Checking,
  material: Material,
  world: CheckedWorld,
): Promise<readonly string[]> {
  if (world.launches.size === 0) return [];
  const answersWithinMs = ANSWERS_WITHIN_MS[depth];
  return findUnshareable(bootstrapOf(material, world), { ...world, answersWithinMs });
}

const GONE = { about: 'bootstrap', message: 'Cannot check the change: its files are gone.' };

/** In place, with the same binary, arguments and environment: a lab's approval proves little. */
async function validate(material: Material, world: CheckedWorld): Promise<Result<void>> {
  try {
    const json = bootstrapOf(material, world);
    return await world.runDirectory.withCandidate(json, async (bootstrapPath) => {
      const adminSocketPath = world.runDirectory.adminSocketPath(VALIDATION);
      const place = { bootstrapPath, adminSocketPath, epoch: epochOf(0), baseId: 0 };
      const args = envoyArgs(world.options, place);
      const verdict = await world.queries.validate(material.binary, args);
      return withOwnNames(verdict, { ...material, bootstrapPath });
    });
  } catch (error) {
    return { ok: false, problems: [problemOf(error)] };
  }
}

function bootstrapOf(material: Material, { runDirectory }: CheckedWorld): string {
  return material.validationFor({ adminSocketPath: runDirectory.adminSocketPath(VALIDATION) });
}

/** What the candidate can't be written for is no fault of its content. */
function problemOf(error: unknown): Problem {
  const message = messageOf(error);
  const isOfDirectory = error instanceof AgentError && error.code === 'runDirectory';
  const isOfSystem = error instanceof Error && 'syscall' in error;
  const problem = { about: 'BATON_RUN_DIR', message };
  return isOfDirectory || isOfSystem ? { ...problem, isTransient: true } : problem;
}

/** A validation is one more Envoy for a moment, and the first that the kernel kills for memory. */
function withShortage(
  problems: readonly Problem[],
  shortage: MemoryShortage | undefined,
): Result<never> {
  const [first, ...others] = problems;
  if (shortage === undefined || !first?.isTransient) return { ok: false, problems };
  const { neededBytes, freeBytes } = shortage;
  const room = `memory is short, ${mebibytes(neededBytes)} needed and ${mebibytes(freeBytes)} free`;
  const message = `${first.message} (${room})`;
  return { ok: false, problems: [{ ...first, message }, ...others] };
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}

/** The one that serves is the best guess at what another will take. */
function shortageFor(
  { desired }: Material,
  { launches, memory }: CheckedWorld,
): MemoryShortage | undefined {
  const serving = newestLive(launches);
  const pid = serving?.process.pid;
  const taken = pid === undefined ? undefined : memory.processMemory(pid);
  if (taken === undefined) return undefined;
  return memoryShortage(memory.groups(), taken, serving?.binary === desired.binary);
}
