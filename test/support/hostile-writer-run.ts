/** One run of a hostile writer, from its plan: what it does, what is made of it, how it rests. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CertificateStoreOptions,
  createCertificateStore,
} from '../../src/adapters/cert-store.ts';
import type { CertificateStore } from '../../src/work/certificate-source.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { createHostileAgent, type HostileAgent } from './hostile-writer-agent.ts';
import { type Calls, publish } from './hostile-writer-calls.ts';
import { createFolders, goodFiles } from './hostile-writer-folders.ts';
import { createKeySearch, issueMaterial, type Material } from './hostile-writer-material.ts';
import { callsOf, type HostileWriter, type Operation } from './hostile-writer-operations.ts';
import type { HostilePlan, Move } from './hostile-writer-plans.ts';
import { checkRest, rest } from './hostile-writer-rest.ts';
import { betweenCalls, createPacing } from './hostile-writer-timing.ts';
import { createWitness, type Witness } from './hostile-writer-witness.ts';

/** In memory, where snapshots are in earnest too: a disk would make each of them wait. */
const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** What is made once for all runs. */
export interface Stock {
  readonly material: Material;
  readonly hasKey: (text: string) => boolean;
  readonly fifo: string;
  remove(): void;
}

export async function stockUp(): Promise<Stock> {
  const material = await issueMaterial(createFakeClock().wallMs());
  const folder = mkdtempSync(join(place, 'hostile-stock-'));
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const remove = () => rmSync(folder, { recursive: true });
  return { material, hasKey: createKeySearch(material), fifo, remove };
}

export type StoreFactory = (options: CertificateStoreOptions) => CertificateStore;

/** Everything of one run. */
export interface HostileRun {
  readonly clock: FakeClock;
  readonly writer: HostileWriter;
  readonly witness: Witness;
  readonly agent: HostileAgent;
  tell(what: string): void;
}

/**
 * Looks at what the writer does wherever the plan says so, and once it rests.
 * @throws BrokenRule with the story of the run
 */
export async function runHostilePlan(
  plan: HostilePlan,
  stock: Stock,
  createStore: StoreFactory = createCertificateStore,
): Promise<void> {
  await withRun(plan, { stock, createStore }, async (run) => {
    for (const move of plan.moves) {
      await make(move, run);
      run.agent.check();
    }
    run.agent.checkRoot();
    for (const done of rest(plan, run)) run.tell(done);
    await checkRest(run);
  });
}

export interface RunParts {
  readonly stock: Stock;
  readonly createStore: StoreFactory;
}

/** Makes the folders as the plan says and removes them afterwards. */
export async function withRun(
  plan: HostilePlan,
  { stock, createStore }: RunParts,
  use: (run: HostileRun) => Promise<void>,
): Promise<void> {
  const root = mkdtempSync(join(place, 'hostile-'));
  const story: string[] = [];
  const tell = (what: string) => void story.push(what.replaceAll(`${root}/`, ''));
  try {
    let count = 0;
    const fresh = (stem: string) => `${stem}${count++}`;
    const folders = createFolders(root, plan.layout);
    const writer = { folders, fresh, material: stock.material, fifo: stock.fifo };
    const clock = createFakeClock();
    const witness = createWitness(folders);
    const snapshotRoot = join(root, 'snapshots');
    const store = createStore({ folders: folders.map(({ path }) => path), snapshotRoot });
    const { hasKey } = stock;
    const parts = { clock, folders, snapshotRoot, witness, store, hasKey, tell };
    const run = { clock, writer, witness, agent: createHostileAgent(parts), tell };
    begin(plan, run);
    await use(run);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    error.message = `${error.message}\n${story.slice(-100).join('\n')}\n`;
    throw error;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function begin({ first }: HostilePlan, { writer }: HostileRun): void {
  if (first === undefined) return;
  for (const folder of writer.folders) {
    const files = goodFiles(folder, first, writer.material);
    for (const _ of publish(folder, { files, order: 'right' }, writer.fresh));
  }
}

async function make(move: Move, run: HostileRun): Promise<void> {
  switch (move.kind) {
    case 'write':
      for (const done of callsOf(move.operation, run.writer)) run.tell(done);
      return;
    case 'look':
      return lookAt(move, run);
    case 'prune':
      await run.agent.prune(move.keeps);
      return run.agent.checkRoot();
    case 'pass':
      run.tell(`${move.ms} ms pass`);
      return run.clock.pass(move.ms);
  }
}

type Look = Extract<Move, { readonly kind: 'look' }>;

async function lookAt({ meanwhile, pace, isPruned }: Look, run: HostileRun): Promise<void> {
  const { agent, witness, tell, writer } = run;
  const pacing = createPacing(inARow(meanwhile, writer), pace, (done) => {
    witness.see();
    tell(`  ${done}`);
  });
  const work = async () => {
    const first = agent.look();
    const pruned = isPruned ? agent.prune(pace.length) : undefined;
    await Promise.all([first, pruned, isPruned ? agent.look() : undefined]);
  };
  tell('look');
  await betweenCalls(work, pacing.beforeCall);
  tell('looked');
  pacing.finish();
}

export function* inARow(operations: readonly Operation[], writer: HostileWriter): Calls {
  for (const operation of operations) yield* callsOf(operation, writer);
}
