import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { envoyBinary } from '../support/envoy-binary.ts';
import { createFakeEnvoy } from '../support/fake-envoy.ts';
import { markOfThisRun, processesWith } from '../support/left-overs.ts';

const run = promisify(execFile);
const project = new URL('../..', import.meta.url).pathname;
/** Where it makes its own. */
let folder: string;
let started: ChildProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'baton-start-'));
});

afterEach(async () => {
  if (started?.exitCode === null && started.signalCode === null) {
    const exited = once(started, 'exit');
    started.kill('SIGTERM');
    await exited;
  }
  await rm(folder, { recursive: true, force: true });
});

function npmStart(environment: Record<string, string> = {}) {
  const trial = randomUUID();
  const child = spawn(process.execPath, ['deploy/try/start.mjs'], {
    cwd: project,
    env: {
      PATH: process.env['PATH'],
      TMPDIR: folder,
      TRIAL: trial,
      ...markOfThisRun(),
      BATON_ENVOY_BINARY: envoyBinary(),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return {
    child,
    exited: once(child, 'exit'),
    output: () => output,
    /** What it has started, itself included. */
    processes: () => processesWith('TRIAL', trial),
  };
}

const shell = async (line: string) => (await run('sh', ['-c', line], { cwd: project })).stdout;

/** By itself it would wait for 60 seconds until the agent is ready. */
const inLessThanItsWait = { timeout: 40_000 };

describe('npm start on its own', () => {
  test('serves, says three things to try that work, and leaves nothing when it gets SIGINT', async () => {
    const { child, exited, output, processes } = npmStart();
    await vi.waitUntil(() => output().includes('Ctrl-C stops it'), { timeout: 40_000 });
    const said = (pattern: RegExp) => pattern.exec(output())?.[0] ?? '';
    const curl = said(/curl --cacert .*/);
    const rotate = said(/sh \S+rotate\.sh/);
    const status = said(/BATON_RUN_DIR=\S+ node \S+ status/);

    expect(await shell(curl), output()).toMatch(/asked for \/ by .*CN=client/);
    expect(await shell(status)).toContain('L1');
    expect(await shell(rotate)).toContain('..second');
    await vi.waitFor(async () => expect(await shell(status)).toContain('L2'), {
      timeout: 20_000,
      interval: 250,
    });
    expect(await shell(curl)).toMatch(/asked for \/ by .*CN=client/);

    expect(await readdir(folder)).not.toEqual([]);
    child.kill('SIGINT');
    expect(await exited, output()).toEqual([0, null]);
    expect(await readdir(folder)).toEqual([]);
    await vi.waitFor(() => expect(processes()).toEqual([]), 10_000);
  });

  test(
    'ends with the code of the agent when that ends before it is ready',
    inLessThanItsWait,
    async () => {
      const { exited, output, processes } = npmStart({ BATON_RESTART_TOKENS: 'abc' });

      expect(await exited, output()).toEqual([78, null]);
      expect(output()).toContain('BATON_RESTART_TOKENS');
      expect(await readdir(folder)).toEqual([]);
      await vi.waitFor(() => expect(processes()).toEqual([]), 10_000);
    },
  );

  test(
    'ends with the code of the agent when it gets SIGINT before it is ready',
    inLessThanItsWait,
    async () => {
      const fake = createFakeEnvoy({ behaviours: [{ run: 'serve', initializingMs: 'forever' }] });
      onTestFinished(() => fake.remove());
      const { child, exited, output, processes } = npmStart({ BATON_ENVOY_BINARY: fake.binary });
      const isServing = () => fake.launches().some(({ run }) => run === 'serve');
      await vi.waitUntil(isServing, { timeout: 20_000 });

      child.kill('SIGINT');

      expect(await exited, output()).toEqual([0, null]);
      expect(output()).not.toContain('Ctrl-C stops it');
      expect(await readdir(folder)).toEqual([]);
      await vi.waitFor(() => expect(processes()).toEqual([]), 10_000);
    },
  );
});

describe('npm start told what to run', () => {
  test('runs that and ends with its code', async () => {
    const { exited, output } = npmStart({ BATON_BOOTSTRAP: '/nowhere/bootstrap.yaml' });

    expect(await exited, output()).toEqual([78, null]);
    expect(output()).toContain('/nowhere/bootstrap.yaml');
  });
});
