/** What of `baton run` is before, around and after the agent; its work is told in test/e2e. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeEnvoy } from '../support/fake-envoy.ts';

const STOPPED = { code: 0, signal: null };

let fake: FakeEnvoy;
let world: World;

beforeEach(async () => {
  fake = createFakeEnvoy();
  world = await openWorld({ binary: fake.binary });
});

afterEach(async () => {
  await world.close();
  expect(fake.violations()).toEqual([]);
  fake.remove();
});

describe('baton run', () => {
  test('says first what it is and what a SIGTERM would do', async () => {
    const agent = await world.startReadyAgent();
    expect(agent.records()[0]).toMatchObject({
      msg: 'agent starts',
      source: 'baton',
      pid: agent.pid,
      node: process.version,
      runDirectory: world.runDirectory,
      onSigterm: expect.arrayContaining([expect.stringMatching(/SIGTERM to Envoy/)]),
    });
    agent.signal('SIGTERM');
    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.stderr()).toBe('');
  });

  test('takes a folder for no binary', async () => {
    const { code, output } = await world.runAgent({ BATON_ENVOY_BINARY: world.folder });
    expect(JSON.parse(output)).toMatchObject({
      reason: expect.stringMatching(/^Expected BATON_ENVOY_BINARY .* \(not a file\)\.$/),
    });
    expect(code).toBe(127);
  });

  test('refuses a run directory that another agent uses, and leaves that one alone', async () => {
    const agent = await world.startReadyAgent();
    const { code, output } = await world.runAgent();
    expect(JSON.parse(output)).toMatchObject({
      reason: expect.stringMatching(/^Cannot use .* it is in use by another agent \(pid \d+/),
    });
    expect(code).toBe(73);
    expect((await agent.status()).ready).toBe(true);
    agent.signal('SIGTERM');
    expect(await agent.ended).toEqual(STOPPED);
  });

  test('passes SIGUSR1 on to an Envoy that has answered, and to no other', async () => {
    const agent = await world.startReadyAgent({ BATON_ENVOY_LOG_LEVEL: 'info' });
    fake.hold('execution');
    agent.signal('SIGHUP');
    await agent.untilRecord({ msg: 'Envoy started', launch: 'L2' });
    agent.signal('SIGUSR1');
    const reopened = { msg: 'caught SIGUSR1. Reopening access logs.' };
    await agent.untilRecord({ ...reopened, launch: 'L1' });
    fake.letGo('execution');
    await agent.untilServesAlone(1);
    expect(agent.records(reopened)).toHaveLength(1);
    agent.signal('SIGTERM');
    expect(await agent.ended).toEqual(STOPPED);
  });

  test('goes on when it cannot remember its base id', async () => {
    await mkdir(join(world.runDirectory, 'state.json', 'in-the-way'), { recursive: true });
    const agent = await world.startReadyAgent();
    expect(agent.records({ msg: 'trouble' })).toMatchObject([
      { level: 'warn', reason: expect.stringContaining('BATON_RUN_DIR') },
    ]);
    agent.signal('SIGTERM');
    expect(await agent.ended).toEqual(STOPPED);
  });

  test('leaves nothing behind when it is stopped in the middle of a validation', async () => {
    const agent = await world.startReadyAgent();
    fake.hold('validation');
    agent.signal('SIGHUP');
    await agent.until('a validation', () => fake.isHeld('validation'));
    const files = await readdir(world.runDirectory);

    agent.signal('SIGQUIT');

    expect(files).toContainEqual(expect.stringMatching(/^\.query-/));
    expect(await agent.ended).toEqual(STOPPED);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('needs no temp folder, not even to find out why Envoy does not start', async () => {
    fake.direct({ behaviours: [{ end: { code: 1, saying: 'no such field' } }] });
    const settings = { TMPDIR: join(world.folder, 'nowhere'), BATON_RESTART_TOKENS: '0' };
    const { code, output } = await world.runAgent(settings);
    expect(output).not.toMatch(/this is a bug|"msg":"bug"/);
    expect(code).toBe(255);
    expect(await readdir(world.runDirectory)).not.toContain('control.sock');
  });
});
