/** The commands that ask a running agent, as they are typed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeBehaviour, type FakeEnvoy } from '../support/fake-envoy.ts';

const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;
const LEVEL = { msg: 'log level changed' };
const READ = { msg: 'desired state read' };

let world: World;
let fake: FakeEnvoy;

afterEach(async () => {
  await world.close();
  expect(fake.violations()).toEqual([]);
  fake.remove();
});

async function startAgent(
  settings: Readonly<Record<string, string>> = {},
  behaviours: readonly FakeBehaviour[] = [],
): Promise<RunningAgent> {
  fake = createFakeEnvoy({ behaviours });
  world = await openWorld({ binary: fake.binary });
  return world.startReadyAgent(settings);
}

/** A command that runs, and what it has told on standard error so far. */
function follow(...words: readonly string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    env: world.environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    told += chunk;
  });
  const ended = Promise.all([text(child.stdout), once(child, 'close')]);
  return { told: () => told, ended: ended.then(([stdout]) => ({ stdout, stderr: told })) };
}

/** Runs a line in a shell in which `baton` is ours. */
async function runInShell(line: string) {
  const before = `baton() { '${process.execPath}' '${PROGRAM}' "$@"; }`;
  const args = ['-o', 'pipefail', '-c', `${before}\n${line}`];
  const shell = spawn('bash', args, {
    env: world.environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [code, stdout, stderr] = await Promise.all([
    new Promise<number | null>((resolve) => shell.on('exit', resolve)),
    text(shell.stdout),
    text(shell.stderr),
  ]);
  return { code, stdout, stderr };
}

describe('baton logging', () => {
  test('changes the level at run time, and back when it is told to', async () => {
    const agent = await startAgent({ BATON_LOG_LEVEL: 'warn' });
    expect(agent.records(READ)).toEqual([]);

    const changed = await agent.baton('logging', 'debug');
    await world.writeBootstrap({ servedBy: 'second' });
    await agent.untilRecord(READ);
    const back = await agent.baton('logging', 'default');

    expect(changed).toMatchObject({ code: 0, output: 'debug\n' });
    expect(back).toMatchObject({ code: 0, output: 'warn\n' });
    await agent.untilServesAlone(1);
    const count = agent.records(READ).length;
    await world.writeBootstrap({ servedBy: 'third' });
    await agent.untilServesAlone(2);
    expect(agent.records(READ)).toHaveLength(count);
    expect(agent.records(LEVEL)).toMatchObject([
      { level: 'warn', to: 'debug' },
      { level: 'warn', to: 'warn' },
    ]);
  });

  test('comes back by itself after the time that it is given', async () => {
    const agent = await startAgent({ BATON_LOG_LEVEL: 'warn' });

    const changed = await agent.baton('logging', 'debug', '--for', '300ms');
    await agent.untilRecord({ ...LEVEL, to: 'warn', because: 'the time asked for is over' });

    expect(changed).toMatchObject({
      code: 0,
      output: 'debug for 300ms, then as the settings say\n',
    });
  });
});

describe('baton restart', () => {
  test('tells which handover comes first, and which is its own', async () => {
    const agent = await startAgent();
    for (const gate of ['initialization', 'retirement'] as const) fake.hold(gate);

    const first = follow('restart');
    await agent.until('word of the first', () =>
      /^H2 starts L2 \(mode hot\), which is INITIALIZING \(at most /m.test(first.told()),
    );
    fake.letGo('initialization');
    await first.ended;
    fake.hold('initialization');
    const asked = follow('restart');
    await agent.until('word of what comes first', () => asked.told() !== '');
    fake.letGo('retirement');
    await agent.until('word of the second', () =>
      /^H3 starts L3 \(mode hot\), which is INITIALIZING \(at most /m.test(asked.told()),
    );
    fake.letGo('initialization');
    const second = await asked.ended;

    expect(second.stderr.split('\n')[0]).toMatch(
      /^H2 \(because of request\) is retiring and has to end first: L1 is retiring \(at most/,
    );
    expect(second.stdout).toBe('committed (handover H3, mode hot, launch L3)\n');
  });

  test('tells what failed, what is held, and that it goes on without its caller', async () => {
    const settings = { BATON_RESTART_BACKOFF: '1h', BATON_TRIGGERS: 'certs' };
    const agent = await startAgent(settings, [
      { run: 'serve', epoch: 1, times: 1, end: { saying: 'no more' } },
    ]);
    await writeFile(world.bootstrapPath, '{');
    await agent.until('the held part', async () => (await agent.status()).held.length === 1);

    const asked = follow('restart');
    await agent.until('word of the delay', () =>
      /^H2 waits before it tries again, for L2 exited .*\(at most \S+ s more\)$/m.test(
        asked.told(),
      ),
    );
    fake.hold('execution');
    const left = await agent.baton('restart', '--timeout', '3s');
    fake.letGo('execution');
    await agent.untilServesAlone(1);

    expect((await asked.ended).stderr).toMatch(
      /^the last good bootstrap is taken, .* it is not JSON\.$/m,
    );
    expect(left.code).toBe(1);
    expect(left.stderr).toMatch(/^The restart has not ended within 3s\. It goes on without/m);
  });

  test('is told that the agent stops, when that comes first', async () => {
    const agent = await startAgent({}, [{ epoch: 1, run: 'serve', initializingMs: 'forever' }]);

    const asked = agent.baton('restart');
    await agent.untilRecord({ msg: 'Envoy started', launch: 'L2' });
    agent.signal('SIGTERM');

    expect(await asked).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^abandoned \(handover H2, .*\): the agent is stopping/),
    });
    expect(await agent.ended).toMatchObject({ code: 0 });
  });

  test('tells that its agent is gone, when it is killed', async () => {
    const agent = await startAgent({}, [{ epoch: 1, run: 'serve', initializingMs: 'forever' }]);

    const asked = agent.baton('restart');
    await agent.until('INITIALIZING', async () => {
      const { launches } = await agent.status();
      return launches[1]?.envoyState === 'INITIALIZING';
    });
    agent.signal('SIGKILL');
    const { code, stderr } = await asked;
    const later = await agent.baton('status');

    expect(code).toBe(1);
    expect(stderr).toMatch(/^Cannot read the answer of the agent at .* It may have ended/m);
    expect(later.code).toBe(69);
    expect(later.stderr).toMatch(
      /its agent has ended\. Start one by `baton run`, or set BATON_RUN_DIR/,
    );
  });
});

describe('a command', () => {
  test.each([
    'status',
    'history',
    'request GET /stats',
    'request GET /stats/prometheus',
    'settings --json',
  ])('%s is not disturbed by a reader who has seen enough', async (command) => {
    await startAgent();
    const { code, stdout, stderr } = await runInShell(`baton ${command} | head -n 1`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toHaveLength(2);
  });

  test('that is misspelt is told where help is', async () => {
    const agent = await startAgent();
    const { code, stderr } = await agent.baton('restart', 'hot');
    expect(code).toBe(78);
    expect(stderr).toMatch(/^error: too many arguments .*\n`--help` behind a command shows what/);
  });

  test('that quits says so, and the agent is gone', async () => {
    const agent = await startAgent();
    expect(await agent.baton('quit')).toMatchObject({ code: 0, output: 'stopping\n' });
    expect(await agent.ended).toMatchObject({ code: 0 });
    expect((await agent.baton('quit')).code).toBe(69);
  });
});

test('a shell completes what is typed once it has read the script', async () => {
  await startAgent();
  const { stdout, stderr } = await runInShell(`source <(baton completion bash)
COMP_WORDS=(baton restart --mode s) COMP_CWORD=3; _baton; echo "\${COMPREPLY[@]}"`);
  expect({ stdout, stderr }).toEqual({ stdout: 'side-by-side\n', stderr: '' });
});
