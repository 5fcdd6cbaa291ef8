import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';

const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;
const STOPPED = { code: 0, signal: null };

let world: World;
let reader: FileHandle | undefined;

beforeEach(async () => {
  world = await openWorld();
  await world.writeBootstrap({ accessLogPath: '/dev/stdout' });
});

afterEach(async () => {
  await world.close();
  await reader?.close();
});

/** With its standard output in a pipe of the kernel's, which only the test has open to read. */
async function startOnPipe(): Promise<RunningAgent> {
  const path = join(world.folder, 'log.pipe');
  await promisify(execFile)('mkfifo', [path]);
  reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const program = [process.execPath, PROGRAM, 'run', path];
  const command = ['/bin/sh', '-c', 'exec "$0" "$1" "$2" > "$3"', ...program] as const;
  const agent = world.startAgent({}, [...command]);
  await agent.untilReady();
  return agent;
}

async function droppedCount(): Promise<number> {
  const { body } = await world.ask('/metrics', world.statusPort);
  return Number(/^baton_envoy_lines_dropped_total (\d+)$/m.exec(body)?.[1]);
}

describe('a log that nobody reads', () => {
  test('stops neither the service nor the agent, nor its end', async () => {
    const agent = await startOnPipe();

    const path = `/${'x'.repeat(30_000)}`;
    for (let count = 0; count < 10; count += 1) await world.ask(path);
    const asked = await agent.baton('restart');
    agent.signal('SIGTERM');

    expect(asked.code).toBe(0);
    expect(await agent.ended).toEqual(STOPPED);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('is closed without harm, and what could not be written is counted', async () => {
    const agent = await startOnPipe();

    await reader?.close();
    reader = undefined;
    await agent.until('dropped lines', async () => {
      await world.ask();
      return (await droppedCount()) > 0;
    });
    const asked = await agent.baton('restart');
    const { ready } = await agent.status();
    agent.signal('SIGTERM');

    expect({ ready, code: asked.code }).toEqual({ ready: true, code: 0 });
    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.stderr()).toBe('');
  });
});

test('the log is whole to its last line when it is read', async () => {
  const agent = await world.startReadyAgent();

  agent.signal('SIGQUIT');
  await agent.ended;

  expect(agent.stdout().endsWith('\n')).toBe(true);
  expect(agent.records().at(-1)).toMatchObject({ msg: 'agent stops' });
});
