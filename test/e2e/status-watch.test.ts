/** `baton status --watch` as an operator runs it: on a terminal, and into a pipe. */
import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { signalEnvoy } from '../support/envoys-of.ts';

const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;
const WATCH = [PROGRAM, 'status', '--watch'] as const;
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';

let world: World;
let agent: RunningAgent;
let watching: ChildProcess;
let output: string;

beforeEach(async () => {
  output = '';
  world = await openWorld({ settings: { BATON_RESTART_BACKOFF: '1h' } });
  agent = await world.startReadyAgent();
});

afterEach(async () => {
  watching.kill('SIGKILL');
  await world.close();
});

function watch(file: string, args: readonly string[], settings = {}): Promise<number | null> {
  const env = { ...world.environment(settings), TERM: 'xterm' };
  watching = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  watching.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return new Promise((resolve) => watching.on('close', resolve));
}

const PATIENCE = { timeout: 30_000, interval: 20 };
const untilSeen = (pattern: RegExp) =>
  vi
    .waitUntil(() => pattern.test(output), PATIENCE)
    .catch(() => {
      throw new Error(`Cannot see ${pattern} in:
${output}`);
    });

describe('on a terminal', () => {
  /** `script` gives its command a terminal, and what it reads itself is typed there. */
  const onTerminal = (settings = {}) => {
    const command = `stty rows 40 columns 100; exec ${[process.execPath, ...WATCH].join(' ')}`;
    return watch('script', ['-qec', command, '/dev/null'], settings);
  };

  test('it is drawn again and again until Ctrl-C, which leaves the terminal as it was', async () => {
    const ended = onTerminal();
    await untilSeen(/ready {10}yes/);
    const [envoy] = world.envoys();
    signalEnvoy(envoy, 'SIGKILL');
    await untilSeen(/ready {10}no, backoff: attempt 1 of 10/);
    agent.signal('SIGHUP');
    await untilSeen(/backoff[\s\S]*ready {10}yes/);
    watching.stdin?.write('\u0003');

    expect(await ended).toBe(0);
    const [, drawn = '', after = ''] = output.split(/(?<=1049)[hl]/);
    expect(output.startsWith(ENTER)).toBe(true);
    expect(output.split(LEAVE)).toHaveLength(2);
    expect(drawn.split('\u001b[H').length).toBeGreaterThan(3);
    expect(after).toMatch(/^(?:\^C)?now {12}20\S+Z, the status is \d+ s old\r\n\r\nready {10}yes/);
  });

  test('it gives the terminal back at Ctrl-Z, and draws anew when it goes on', async () => {
    const ended = watch('script', ['-qec', 'bash --norc -i', '/dev/null'], { HISTFILE: '' });
    watching.stdin?.write(`stty rows 40 columns 100; ${[process.execPath, ...WATCH].join(' ')}\n`);
    await untilSeen(/ready {10}yes/);
    watching.stdin?.write('\u001a');
    await untilSeen(/Stopped/);
    expect(output.split(ENTER)).toHaveLength(2);
    expect(output.split(LEAVE)).toHaveLength(2);

    watching.stdin?.write('fg\n');
    await vi.waitUntil(() => output.split(ENTER).length === 3, PATIENCE);
    watching.stdin?.write('\u0003');
    await vi.waitUntil(() => output.split(LEAVE).length === 3, PATIENCE);
    watching.stdin?.write('exit\n');
    await ended;
  });

  test('it goes on at Ctrl-Z where no shell is there to have it go on', async () => {
    const ended = onTerminal();
    await untilSeen(/ready {10}yes/);
    watching.stdin?.write('\u001a');
    await vi.waitUntil(() => output.split(ENTER).length === 3, PATIENCE);
    watching.stdin?.write('\u0003');

    expect(await ended).toBe(0);
  });

  test('it outlives the agent, says so, and follows the next one', async () => {
    const ended = onTerminal();
    await untilSeen(/launches {7}L1/);
    agent.signal('SIGTERM');
    await agent.ended;
    await untilSeen(/no answer {6}Cannot reach an agent/);
    agent = await world.startReadyAgent();
    await untilSeen(/no answer[\s\S]*old[^\r]*\r\n[^\r]*\r\nready {10}yes/);
    watching.stdin?.write('\u0003');
    expect(await ended).toBe(0);
  });
});

describe('into a pipe', () => {
  test('it tells what has changed, each time once, and ends with 0 by SIGINT', async () => {
    const ended = watch(process.execPath, WATCH);
    await untilSeen(/ready {10}yes/);
    expect((await agent.baton('restart')).code).toBe(0);
    await agent.untilServesAlone(1);
    await untilSeen(/launches {7}L2 {2}epoch 1 [\s\S]*on SIGTERM/);
    watching.kill('SIGINT');

    expect(await ended).toBe(0);
    expect(output).not.toContain('\u001b');
    const blocks = output.trimEnd().split('\n\n');
    expect(blocks.length).toBeGreaterThan(1);
    for (const block of blocks) expect(block).toMatch(/^20\S+Z\nready {10}/);
  });

  test('it is a line of JSON for each change', async () => {
    const ended = watch(process.execPath, [...WATCH, '--json']);
    await untilSeen(/\n/);
    agent.signal('SIGTERM');
    await agent.ended;
    await untilSeen(/Cannot reach an agent/);
    watching.kill('SIGTERM');

    expect(await ended).toBe(0);
    const lines = output.trimEnd().split('\n');
    const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(told[0]).toMatchObject({ ready: true, phase: 'running', at: expect.any(String) });
    expect(told.at(-1)).toMatchObject({ ready: false, reason: expect.stringMatching(/^Cannot/) });
  });

  test('it ends when nobody reads it any more', async () => {
    const ended = watch('sh', ['-c', `${[process.execPath, ...WATCH].join(' ')} | head -n 1`]);
    await untilSeen(/Z\n/);
    agent.signal('SIGTERM');
    expect(await ended).toBe(0);
  });
});
