import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { assembleImage } from './assemble.ts';
import { assertImageCanRun } from './requirements.ts';
import { containerCommand, firstProcessOf } from './run.ts';

export interface Place {
  readonly project: string;
  /** Path of the Envoy to put in. */
  readonly envoy: string;
}

/** `assemble-image FOLDER`: leaves the image's file system there. */
export async function assembleCommand(place: Place, words: readonly string[]): Promise<number> {
  const [root, ...more] = words;
  if (root === undefined || more.length > 0) {
    throw new Error('Expected one folder, which is made: node deploy/assemble-image.mjs FOLDER');
  }
  await assertImageCanRun();
  await assembleImage({ ...place, root, node: process.execPath });
  return 0;
}

/**
 * `run-image [--env NAME=VALUE]... [--mount HOST=IMAGE]... [-- ARG...]`: runs the image's entrypoint
 * in a file system that is gone afterwards, and hands it the signals that come.
 *
 * @returns the exit code of its process 1
 */
export async function runCommand(place: Place, words: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: {
      env: { type: 'string', multiple: true, default: [] },
      mount: { type: 'string', multiple: true, default: [] },
    },
    allowPositionals: true,
  });
  await assertImageCanRun();
  const root = await mkdtemp(path.join(tmpdir(), 'baton-image-'));
  try {
    const stage = await assembleImage({ ...place, root, node: process.execPath });
    const container = containerCommand({
      ...{ project: place.project, root, stage },
      env: pairs(values.env),
      mounts: pairs(values.mount),
      ...(positionals.length > 0 && { args: positionals }),
    });
    return await runContainer(container);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const handedOn = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1'] as const;

async function runContainer([program, ...args]: readonly [string, ...string[]]): Promise<number> {
  // A group of its own: the terminal's Ctrl-C comes here, and from here to process 1, once.
  const engine = spawn(program, args, { stdio: 'inherit', detached: true });
  for (const signal of handedOn) {
    process.on(signal, () => void signalFirstProcess(engine.pid ?? 0, signal));
  }
  const [code, signal] = (await once(engine, 'exit')) as [number | null, NodeJS.Signals | null];
  return signal === null ? (code ?? 0) : 128 + constants.signals[signal];
}

async function signalFirstProcess(enginePid: number, signal: NodeJS.Signals): Promise<void> {
  const pid = await firstProcessOf(enginePid);
  if (pid !== undefined) process.kill(pid, signal);
}

function pairs(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const [name = '', ...value] = word.split('=');
      return [name, value.join('=')];
    }),
  );
}
