import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeEnvoy } from '../support/fake-envoy.ts';

const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;
const PLANTED_BUGS = new URL('../fixtures/planted-bugs.mjs', import.meta.url).href;
const BUG = { code: 70, signal: null };
const TOLD = { msg: 'bug', level: 'fatal' };
/** How a drain by the plan shows. */
const DRAINED = { msg: 'draining', launch: 'L1', purpose: 'stop' };
const OBEYED = { msg: 'Envoy ended', outcome: 'exited with code 0' };

let fake: FakeEnvoy;
let world: World;
let bugs: string;

beforeEach(async () => {
  fake = createFakeEnvoy();
  world = await openWorld({
    binary: fake.binary,
    settings: { BATON_TERMINATION_DRAIN_MAX: '20s' },
  });
  bugs = join(world.folder, 'bugs');
  await mkdir(bugs);
});

afterEach(async () => {
  await world.close();
  expect(fake.violations()).toEqual([]);
  fake.remove();
});

function startWithBugs(settings = {}): Promise<RunningAgent> {
  const options = { NODE_OPTIONS: `--import=${PLANTED_BUGS}`, PLANTED_BUGS: bugs };
  return world.startReadyAgent({ ...options, ...settings });
}

/** Someone for whom a drain waits past its shortest time. @returns what ends that */
async function stayConnected(): Promise<() => void> {
  const client = connect({ host: '127.0.0.1', port: world.port });
  onTestFinished(() => void client.destroy());
  await once(client, 'connect');
  return () => void client.destroy();
}

const plant = (kind: 'throw' | 'reject' | 'log') => writeFile(join(bugs, kind), '');

describe('a bug in the running agent', () => {
  test.each(['throw', 'reject'] as const)(
    '(%s) has Envoy drained by the plan first',
    async (kind) => {
      const agent = await startWithBugs();

      await plant(kind);

      expect(await agent.ended).toEqual(BUG);
      expect(agent.records(TOLD)).toMatchObject([
        { error: 'Error: planted', stack: expect.stringContaining('planted-bugs') },
      ]);
      expect(agent.records(DRAINED)).toHaveLength(1);
      expect(agent.records(OBEYED)).toHaveLength(1);
      expect(agent.stderr()).toBe('');
      expect(await world.leftOvers()).toEqual([]);
    },
  );

  test('in a handover ends the new Envoy and drains the old one', async () => {
    fake.direct({ behaviours: [{ epoch: 1, initializingMs: 'forever' }] });
    const agent = await startWithBugs();
    agent.signal('SIGHUP');
    await agent.untilRecord({ msg: 'Envoy answers', launch: 'L2' });

    await plant('throw');

    expect(await agent.ended).toEqual(BUG);
    expect(agent.records(DRAINED)).toHaveLength(1);
    expect(agent.records({ msg: 'signal sent' })).toMatchObject([
      { launch: 'L2', signal: 'SIGKILL' },
      { launch: 'L1', signal: 'SIGTERM' },
    ]);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('during a stop lets that one go on to its end', async () => {
    const agent = await startWithBugs({ BATON_TERMINATION_DRAIN_MIN: '1s' });
    const leave = await stayConnected();
    agent.signal('SIGTERM');
    await agent.untilRecord({ msg: 'draining' });

    await plant('throw');
    await agent.untilRecord(TOLD);
    leave();

    expect(await agent.ended).toEqual(BUG);
    expect(agent.records({ msg: 'deadline reached', timer: 'drainMin' })).toHaveLength(1);
    expect(agent.records(OBEYED)).toHaveLength(1);
  });

  test('that comes again and again makes one stop, and is told only so often', async () => {
    const agent = await startWithBugs({ BATON_TERMINATION_DRAIN_MIN: '1s' });
    const leave = await stayConnected();

    for (let count = 0; count < 25; count += 1) {
      await plant('throw');
      await agent.until(
        'bug',
        async () => !(await readFile(join(bugs, 'throw')).catch(() => false)),
      );
    }
    leave();

    expect(await agent.ended).toEqual(BUG);
    expect(agent.records({ msg: 'deadline reached', timer: 'drainMin' })).toHaveLength(1);
    expect(agent.records(TOLD)).toHaveLength(10);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('in its own log keeps nothing else from its turn', async () => {
    const agent = await startWithBugs();

    await plant('log');
    agent.signal('SIGHUP');

    expect(await agent.ended).toEqual(BUG);
    expect(JSON.parse(agent.stderr().split('\n')[0] ?? '')).toMatchObject({
      ...{ level: 'fatal', msg: 'bug', error: 'Error: planted' },
    });
    expect(fake.launches()[0]).toMatchObject({ stage: 'stopping' });
    expect(await world.leftOvers()).toEqual([]);
  });
});

describe('a bug in what decides', () => {
  /** An agent that fails at every event of this type. */
  async function startFailingAt(type: string): Promise<RunningAgent> {
    const text = await readFile(PROGRAM, 'utf8');
    const from = text.indexOf('case"desiredChanged":return');
    const at = text.indexOf(`case"${type}":return`, from);
    if (from < 0 || at < 0) throw new Error(`Cannot plant a bug: ${PROGRAM} handles no ${type}.`);
    const path = join(world.folder, 'baton.mjs');
    const bug = `case"${type}":throw new Error("planted");return`;
    await writeFile(path, text.slice(0, at) + text.slice(at).replace(`case"${type}":return`, bug));
    const settings = { BATON_TERMINATION_DRAIN_MAX: '2s' };
    return world.startAgent(settings, [process.execPath, path, 'run']);
  }

  test('at the first LIVE ends Envoy all the same', async () => {
    const agent = await startFailingAt('launchLive');

    expect(await agent.ended).toEqual(BUG);
    expect(agent.records(TOLD)).toHaveLength(1);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('at the count of connections has Envoy drained to the last moment of the plan', async () => {
    const agent = await startFailingAt('connectionsCounted');
    await agent.untilReady();
    agent.signal('SIGTERM');

    expect(await agent.ended).toEqual(BUG);
    expect(agent.records({ msg: 'deadline reached', timer: 'drainMax' })).toHaveLength(1);
    expect(agent.records(OBEYED)).toHaveLength(1);
    expect(await world.leftOvers()).toEqual([]);
  });

  test.each(['launchExited', 'stopRequested', 'timerFired'])(
    'at %s leaves no Envoy behind',
    async (type) => {
      const agent = await startFailingAt(type);
      await agent.untilReady();
      agent.signal('SIGTERM');

      expect(await agent.ended).toEqual(BUG);
      expect(agent.records(TOLD)).not.toEqual([]);
      expect(await world.leftOvers()).toEqual([]);
    },
  );
});
