/**
 * A run in which nobody says when to look but the look-out, told by inotify of what the writer does
 * or, where hints are lost, by its own clock.
 */
import { createCertificateStore } from '../../src/adapters/cert-store.ts';
import {
  type FolderWatch,
  type WatchListener,
  watchFolders,
} from '../../src/adapters/folder-watch.ts';
import { createLookOut, type LookOut, type LookOutOptions } from '../../src/work/look-out.ts';
import { must } from './broken-rule.ts';
import { promisesSettled } from './fake-clock.ts';
import type { Calls } from './hostile-writer-calls.ts';
import { callsOf } from './hostile-writer-operations.ts';
import type { HostilePlan, Move } from './hostile-writer-plans.ts';
import { checkRest, checkServed, rest } from './hostile-writer-rest.ts';
import { type HostileRun, inARow, type Stock, withRun } from './hostile-writer-run.ts';

export interface Watching {
  readonly watch: (paths: readonly string[], listener: WatchListener) => FolderWatch;
  readonly createLookOut: (options: LookOutOptions) => LookOut;
  /** Not one hint comes through. */
  readonly isDeaf: boolean;
}

export const AS_IT_IS: Watching = {
  watch: watchFolders,
  createLookOut,
  isDeaf: false,
};

const QUIET_MS = 1_000;
const POLL_MS = 30_000;
/** Longer than any run lasts, in its own time. */
const NEVER_MS = 1_000_000_000;

/** @throws BrokenRule with the story of the run */
export async function runWatchedPlan(
  plan: HostilePlan,
  stock: Stock,
  watching: Watching = AS_IT_IS,
): Promise<void> {
  await withRun(plan, { stock, createStore: createCertificateStore }, async (run) => {
    const sentry = startSentry(run, watching);
    try {
      for (const move of plan.moves) {
        await make(move, run);
        run.agent.check();
      }
      // A look that hints have led to is under way while the writer comes to rest.
      run.clock.pass(QUIET_MS);
      await slowly(rest(plan, run), run);
      await hintsTaken();
      await checkLooked(run, sentry, watching);
      checkServed(run);
      await checkRest(run);
    } finally {
      sentry.close();
      await run.agent.settled();
    }
  });
}

function startSentry({ agent, clock, writer, tell }: HostileRun, watching: Watching) {
  let lookCount = 0;
  let watch: FolderWatch | undefined;
  const lookOut = watching.createLookOut({
    clock,
    times: { quietMs: QUIET_MS, maxWaitMs: 10 * QUIET_MS },
    pollIntervalMs: watching.isDeaf ? POLL_MS : NEVER_MS,
    look: () => {
      lookCount += 1;
      tell('the look-out looks');
      return agent.look();
    },
    rearm: () => watch?.rearm(),
  });
  const paths = writer.folders.map(({ path }) => path);
  watch = watching.watch(paths, {
    onHint: () => {
      if (!watching.isDeaf) lookOut.hint();
    },
    onTrouble: tell,
  });
  const close = () => {
    watch?.close();
    lookOut.close();
  };
  return { close, lookCount: () => lookCount };
}

async function make(move: Move, run: HostileRun): Promise<void> {
  const { agent, clock, writer, tell } = run;
  switch (move.kind) {
    case 'write':
      return slowly(callsOf(move.operation, writer), run);
    case 'look': {
      tell('look');
      const looking = agent.look();
      await slowly(inARow(move.meanwhile, writer), run, move.pace);
      return looking;
    }
    case 'prune':
      return agent.prune(move.keeps);
    case 'pass':
      tell(`${move.ms} ms pass`);
      clock.pass(move.ms);
      return agent.settled();
  }
}

/** Looks and hints come in between, now sooner and now later. */
async function slowly(
  calls: Calls,
  { witness, tell }: HostileRun,
  pace: readonly number[] = [0, 1, 2],
): Promise<void> {
  let turn = 0;
  for (const done of calls) {
    witness.see();
    tell(`  ${done}`);
    for (let left = pace[turn % pace.length] ?? 0; left > 0; left -= 1) await promisesSettled();
    turn += 1;
  }
}

/** The look that is under way is over by then: the clock does not go on during it. */
async function checkLooked(
  { agent, clock }: HostileRun,
  sentry: { lookCount(): number },
  { isDeaf }: Watching,
): Promise<void> {
  const before = sentry.lookCount();
  clock.pass(isDeaf ? POLL_MS : QUIET_MS);
  must('the last change leads to a look', sentry.lookCount() > before);
  await agent.settled();
}

const QUIET_TURNS = 3;

/**
 * Resolves when there is nothing left that could bring a hint, however long that takes. The kernel
 * has an event ready by the end of the call that caused it, each turn of the event loop takes all
 * there are, and what a watch does about them is calls to the file system.
 */
async function hintsTaken(): Promise<void> {
  for (let turn = 0; turn < QUIET_TURNS; turn += 1) {
    await promisesSettled();
    const isCalling = process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'));
    if (isCalling) turn = -1;
  }
}
