import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { envoyBinary } from '../support/envoy-binary.ts';

const run = promisify(execFile);
const project = new URL('../..', import.meta.url).pathname;
let started: ChildProcess | undefined;

afterEach(async () => {
  if (started?.exitCode === null && started.signalCode === null) {
    const exited = once(started, 'exit');
    started.kill('SIGTERM');
    await exited;
  }
});

function npmStart(environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['deploy/try/start.mjs'], {
    cwd: project,
    env: { PATH: process.env['PATH'], BATON_ENVOY_BINARY: envoyBinary(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started = child;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return { child, exited: once(child, 'exit'), output: () => output };
}

function commandLines(): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      return [readFileSync(`/proc/${pid}/cmdline`, 'utf8')];
    } catch {
      return [];
    }
  });
}

const shell = async (line: string) => (await run('sh', ['-c', line], { cwd: project })).stdout;

describe('npm start on its own', () => {
  test('serves, says three things to try that work, and leaves nothing when it gets SIGINT', async () => {
    const { child, exited, output } = npmStart();
    await vi.waitUntil(() => output().includes('Ctrl-C stops it'), { timeout: 40_000 });
    const said = (pattern: RegExp) => pattern.exec(output())?.[0] ?? '';
    const curl = said(/curl --cacert .*/);
    const rotate = said(/sh \S+rotate\.sh/);
    const status = said(/BATON_RUN_DIR=\S+ node \S+ status/);
    const folder = said(/\S*baton-try-\w+/).replace(/^.*?(?=\/)/, '');

    expect(await shell(curl), output()).toMatch(/asked for \/ by .*CN=client/);
    expect(await shell(status)).toContain('L1');
    expect(await shell(rotate)).toContain('..second');
    await vi.waitFor(async () => expect(await shell(status)).toContain('L2'), {
      timeout: 20_000,
      interval: 250,
    });
    expect(await shell(curl)).toMatch(/asked for \/ by .*CN=client/);

    expect(existsSync(folder)).toBe(true);
    child.kill('SIGINT');
    expect(await exited, output()).toEqual([0, null]);
    expect(existsSync(folder)).toBe(false);
    expect(commandLines().filter((line) => line.includes(folder))).toEqual([]);
  });
});

describe('npm start told what to run', () => {
  test('runs that and ends with its code', async () => {
    const { exited, output } = npmStart({ BATON_BOOTSTRAP: '/nowhere/bootstrap.yaml' });

    expect(await exited, output()).toEqual([78, null]);
    expect(output()).toContain('/nowhere/bootstrap.yaml');
  });
});
