import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeEnvoy } from '../support/fake-envoy.ts';

type Settings = Readonly<Record<string, string>>;

const PLANTED_BUGS = new URL('../fixtures/planted-bugs.mjs', import.meta.url).href;
const MOST_BYTES = 4_096;
const CANARY = 'canary-5e1f';

let fake: FakeEnvoy;
let world: World;
/** As the kubelet has made it: there, and empty. */
let path: string;

beforeEach(async () => {
  fake = createFakeEnvoy();
  world = await openWorld({ binary: fake.binary });
  path = join(world.folder, 'termination-log');
  await writeFile(path, '');
});

afterEach(async () => {
  await world.close();
  expect(fake.violations()).toEqual([]);
  fake.remove();
});

function start(settings: Settings = {}): RunningAgent {
  return world.startAgent({ BATON_TERMINATION_MESSAGE_PATH: path, ...settings });
}

async function startReady(settings: Settings = {}): Promise<RunningAgent> {
  const agent = start(settings);
  await agent.untilReady();
  return agent;
}

const told = () => readFile(path, 'utf8');

describe('the termination message tells why, beside the code', () => {
  test('78: every setting that is wrong, and no secret', async () => {
    const agent = start({
      BATON_CONCURRENCY: 'many',
      BATON_APP_METRICS_URL: `${CANARY} is no URL`,
      BATON_TERMINATION_DELY: '5s',
    });

    expect(await agent.ended).toMatchObject({ code: 78 });
    const message = await told();
    expect(message.split('\n')).toEqual([
      expect.stringMatching(/^exit 78: Expected BATON_CONCURRENCY to be .*, got "many"\.$/),
      expect.stringMatching(/^exit 78: Expected BATON_APP_METRICS_URL to be /),
      expect.stringMatching(/^exit 78: .*BATON_TERMINATION_DELY/),
      '',
    ]);
    expect(message).not.toContain(CANARY);
  });

  test('255: what an Envoy that never served said last', async () => {
    fake.direct({ behaviours: [{ end: { saying: 'no such field', code: 1 } }] });
    const agent = start({ BATON_RESTART_TOKENS: '0' });

    expect(await agent.ended).toMatchObject({ code: 255 });
    expect(await told()).toMatch(
      /^exit 255: .*\nL1 \(epoch 0\) exited with code 1: no such field\n$/,
    );
  });

  test('127: there is no Envoy', async () => {
    const agent = start({ BATON_ENVOY_BINARY: join(world.folder, 'nowhere') });

    expect(await agent.ended).toMatchObject({ code: 127 });
    expect(await told()).toMatch(/^exit 127: Expected BATON_ENVOY_BINARY to be .*nowhere.*\n$/);
  });

  test('73: the run directory can not be used', async () => {
    const file = join(world.folder, 'file');
    await writeFile(file, '');
    const agent = start({ BATON_RUN_DIR: file });

    expect(await agent.ended).toMatchObject({ code: 73 });
    expect(await told()).toMatch(/^exit 73: Cannot use .*file as BATON_RUN_DIR: .*\n$/);
  });

  test('98: a port is taken', async () => {
    const agent = start({ BATON_STATUS_PORT: `${world.upstream.port}` });

    expect(await agent.ended).toMatchObject({ code: 98 });
    expect(await told()).toMatch(/^exit 98: .*BATON_STATUS_PORT.*\n$/);
  });

  test('70: a bug', async () => {
    const bugs = join(world.folder, 'bugs');
    await mkdir(bugs);
    const agent = await startReady({
      NODE_OPTIONS: `--import=${PLANTED_BUGS}`,
      PLANTED_BUGS: bugs,
    });
    await writeFile(join(bugs, 'throw'), '');

    expect(await agent.ended).toMatchObject({ code: 70 });
    expect(await told()).toBe('exit 70: a bug of ours: Error: planted\n');
  });

  test('137: a third signal', async () => {
    fake.direct({ behaviours: [{ ignoresSigterm: true }] });
    const agent = await startReady({ BATON_TERMINATION_DRAIN_MIN: '9s' });
    await agent.until('the cut', () => {
      agent.signal('SIGTERM');
      return agent.records({ msg: 'stop cut short' }).length > 0;
    });

    expect(await agent.ended).toMatchObject({ code: 137 });
    expect(await told()).toMatch(/^exit 137: .*SIGTERM.*\n/);
  });

  test('255: the last attempts, in no more bytes than are read of it', async () => {
    const saying = `\u001b[31m${'ü'.repeat(2_000)}`;
    fake.direct({ behaviours: [{ end: { saying, code: 1 } }] });
    const agent = start({ BATON_RESTART_TOKENS: '7', BATON_RESTART_BACKOFF: '1ms' });

    expect(await agent.ended).toMatchObject({ code: 255 });
    const message = await told();
    expect(message).toMatch(
      /^exit 255: all 7 restart tokens are spent\n\(3 earlier ones left out\)\nL4 /,
    );
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(MOST_BYTES);
    expect(message).not.toContain('\u001b');
  });
});

describe('nothing is told', () => {
  test('of an agent that was asked to stop', async () => {
    const agent = await startReady();
    agent.signal('SIGTERM');

    expect(await agent.ended).toMatchObject({ code: 0 });
    expect(await told()).toBe('');
  });

  test('where there is no such file, and the code is the same', async () => {
    await rm(path);
    const agent = start({ BATON_CONCURRENCY: 'many' });

    expect(await agent.ended).toMatchObject({ code: 78 });
    await expect(told()).rejects.toThrow('ENOENT');
  });

  test('where a folder is in its place', async () => {
    await rm(path);
    await mkdir(path);
    const agent = start({ BATON_CONCURRENCY: 'many' });

    expect(await agent.ended).toMatchObject({ code: 78 });
    expect(agent.stderr()).toContain('BATON_CONCURRENCY');
  });
});
