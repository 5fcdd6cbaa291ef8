/**
 * `npm run mutants`: breaks the core in every way of the lists, one at a time, and runs its tests
 * against it. A mutant that they don't notice stands for a mistake that nobody would notice.
 */
import { parseArgs } from 'node:util';
import { mutants } from './lists.ts';
import type { Mutant } from './mutant.ts';
import { runTests, tryMutant, type Verdict } from './trial.ts';
import { createWorkspace, type Workspace } from './workspace.ts';

const USAGE = `Usage: npm run mutants -- [--list] [--only WORDS]...
  --list        only names the mutants
  --only WORDS  only those whose file or name has these words in it`;

/** How many are tried at a time. */
const AT_ONCE = 2;
/** The share that must be killed for the run to succeed. */
const LEAST_SHARE = 0.95;

interface Tried {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
}

/** @returns the exit code: 0 when enough are killed and all apply, 2 for a wrong command line */
export async function runMutants(project: string, args: readonly string[]): Promise<number> {
  const asked = read(args);
  if (asked === undefined) {
    console.error(USAGE);
    return 2;
  }
  const chosen = mutants.filter((mutant) => asked.only.every((words) => isAbout(mutant, words)));
  if (asked.isList || chosen.length === 0) {
    for (const mutant of chosen) console.log(titleOf(mutant));
    console.log(`${chosen.length} of ${mutants.length} mutants`);
    return chosen.length > 0 ? 0 : 2;
  }
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort());
  const tried = await tryAll(project, chosen, interrupt.signal);
  return interrupt.signal.aborted ? 1 : summarize(tried);
}

function read(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        list: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
      },
    });
    return { isList: values.list, only: values.only };
  } catch {
    return undefined;
  }
}

function isAbout(mutant: Mutant, words: string): boolean {
  return titleOf(mutant).toLowerCase().includes(words.toLowerCase());
}

function titleOf({ file, name }: Mutant): string {
  return `${file}: ${name}`;
}

/** @throws Error when the tests fail without any mutant: they would kill every one */
async function tryAll(
  project: string,
  chosen: readonly Mutant[],
  signal: AbortSignal,
): Promise<readonly Tried[]> {
  const queue = [...chosen];
  const tried: Tried[] = [];
  const workspaces = await Promise.all(
    Array.from({ length: AT_ONCE }, () => createWorkspace(project)),
  );
  try {
    await Promise.all(workspaces.slice(0, 1).map((workspace) => mustPass(workspace, signal)));
    await Promise.all(workspaces.map(tryNext));
  } finally {
    await Promise.all(workspaces.map((workspace) => workspace.remove()));
  }
  return tried;

  async function tryNext(workspace: Workspace): Promise<void> {
    const mutant = queue.shift();
    if (mutant === undefined) return;
    const verdict = await tryMutant(mutant, workspace, signal);
    if (signal.aborted) return;
    tried.push({ mutant, verdict });
    console.log(`${wordOf(verdict)}  ${titleOf(mutant)}${remarkOn(verdict)}`);
    await tryNext(workspace);
  }
}

async function mustPass(workspace: Workspace, signal: AbortSignal): Promise<void> {
  const verdict = await runTests(workspace, signal);
  if (verdict.kind !== 'killed') return;
  throw new Error(`Cannot try any mutant: the tests fail without one, ${verdict.by}.`);
}

function wordOf({ kind }: Verdict): string {
  return { killed: 'killed  ', survived: 'SURVIVED', notApplicable: 'MEND    ' }[kind];
}

function remarkOn(verdict: Verdict): string {
  if (verdict.kind === 'killed') return `\n            by ${verdict.by}`;
  return verdict.kind === 'notApplicable' ? `\n            ${verdict.reason}` : '';
}

function summarize(tried: readonly Tried[]): number {
  const count = (kind: Verdict['kind']) => tried.filter(({ verdict }) => verdict.kind === kind);
  const [killed, survived, unusable] = [count('killed'), count('survived'), count('notApplicable')];
  const share = killed.length / Math.max(1, killed.length + survived.length);
  console.log(`${killed.length} killed, ${survived.length} survived (${percent(share)} killed)`);
  for (const { mutant } of survived) console.log(`  survived: ${titleOf(mutant)}`);
  for (const { mutant } of unusable) console.log(`  to be mended: ${titleOf(mutant)}`);
  if (share < LEAST_SHARE) console.error(`At least ${percent(LEAST_SHARE)} must be killed.`);
  return share >= LEAST_SHARE && unusable.length === 0 ? 0 : 1;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
