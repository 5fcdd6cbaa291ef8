/** The tests of the core against one mutant. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { type Mutant, mutate } from './mutant.ts';
import type { Workspace } from './workspace.ts';

export type Verdict =
  /** `by`: the test that noticed, or what else did. */
  | { readonly kind: 'killed'; readonly by: string }
  | { readonly kind: 'survived' }
  /** It says nothing about the tests: the list is to be mended. */
  | { readonly kind: 'notApplicable'; readonly reason: string };

/** A mutant may well run for ever. */
const LIMIT_MS = 300_000;
/** Enough of the model test's sequences for what other tests don't notice. */
const SEQUENCES = 4_000;

/** Breaks the file, runs the tests, mends the file. */
export async function tryMutant(
  mutant: Mutant,
  workspace: Workspace,
  signal: AbortSignal,
): Promise<Verdict> {
  const path = join('src/core', mutant.file);
  const source = await workspace.read(path);
  const mutated = mutate(source, mutant);
  if (mutated === undefined) return notApplicable('its original is not there exactly once');
  if (mutated === source) return notApplicable('it changes nothing');
  if (!(await isTypeScript(mutated))) return notApplicable('it is no TypeScript');
  await workspace.write(path, mutated);
  try {
    return await runTests(workspace, signal);
  } finally {
    await workspace.write(path, source);
  }
}

function notApplicable(reason: string): Verdict {
  return { kind: 'notApplicable', reason };
}

async function isTypeScript(source: string): Promise<boolean> {
  return transform(source, { loader: 'ts', logLevel: 'silent' }).then(
    () => true,
    () => false,
  );
}

/** Runs the tests of a workspace as it is. */
export function runTests({ folder }: Workspace, signal: AbortSignal): Promise<Verdict> {
  const vitest = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config',
    'test/mutants/vitest.config.ts',
  ];
  const child = spawn(process.execPath, vitest, {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', MODEL_SEQUENCES: String(SEQUENCES) },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that its workers end with it.
    detached: true,
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
  }
  const limit = setTimeout(end, LIMIT_MS);
  signal.addEventListener('abort', end);

  function end(): void {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  }

  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(limit);
      signal.removeEventListener('abort', end);
      if (code === 0) resolve({ kind: 'survived' });
      else resolve({ kind: 'killed', by: noticedBy(output.join(''), code) });
    });
  });
}

function noticedBy(output: string, code: number | null): string {
  const failed = /^ FAIL {2}(.+)$/m.exec(output)?.[1];
  if (failed !== undefined) return failed.trim();
  return code === null
    ? 'the time limit'
    : (output.trim().split('\n').at(-1) ?? 'nobody knows whom');
}
