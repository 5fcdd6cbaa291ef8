/** Signals that are not meant for the agent, not for it alone, or come to one that cannot take them. */
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeBehaviour, type FakeEnvoy } from '../support/fake-envoy.ts';

const STOPPED = { code: 0, signal: null };
const COMMITTED = { msg: 'handover ended', result: 'committed' };
const RUN = [
  process.execPath,
  new URL('../../dist/baton.mjs', import.meta.url).pathname,
  'run',
] as const;

let fake: FakeEnvoy | undefined;
let world: World;

afterEach(async () => {
  await world.close();
  expect(fake?.violations() ?? []).toEqual([]);
  fake?.remove();
  fake = undefined;
});

describe('a signal of no meaning here', () => {
  const MEANT = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1'];
  const FAULTS = [
    'SIGILL',
    'SIGTRAP',
    'SIGABRT',
    'SIGIOT',
    'SIGBUS',
    'SIGFPE',
    'SIGSEGV',
    'SIGSYS',
  ];
  const NOT_TO_BE_CAUGHT = ['SIGKILL', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU'];
  const apart = new Set([...MEANT, ...FAULTS, ...NOT_TO_BE_CAUGHT]);
  const strays = (Object.keys(constants.signals) as NodeJS.Signals[]).filter(
    (name) => !apart.has(name),
  );

  test('does no harm', async () => {
    const agent = await startReadyFake();
    const [serving] = world.envoys();

    for (const signal of strays) agent.signal(signal);
    const { ready, launches } = await settled(agent);

    expect(strays).toContain('SIGUSR2');
    expect({ ready, pids: launches.map(({ pid }) => pid) }).toEqual({
      ready: true,
      pids: [serving?.pid],
    });
    agent.signal('SIGTERM');
    expect(await agent.ended).toEqual(STOPPED);
  });
});

describe('an agent that is suspended', () => {
  test('finds a handover over that Envoy has ended by itself, and counts no crash', async () => {
    const agent = await startReadyFake();
    const [old] = world.envoys();
    agent.signal('SIGHUP');
    await agent.untilRecord({ msg: 'Envoy live', launch: 'L2' });

    agent.signal('SIGSTOP');
    await agent.until('the end of the old one', () => hasEnded(old?.pid ?? 0));
    agent.signal('SIGCONT');
    const { tokens } = await agent.untilServesAlone(1);

    expect(tokens.left).toBe(10);
    expect(agent.records({ msg: 'Envoy ended unexpectedly' })).toEqual([]);
    expect(agent.records({ msg: 'signal sent' })).toEqual([]);
  });

  test('blames no new Envoy for the time in which it could not hear it', async () => {
    const slow = { epoch: 1, initializingMs: 5_000 };
    const agent = await startReadyFake([slow], { BATON_LIVE_DEADLINE: '4s' });
    agent.signal('SIGHUP');
    await agent.untilRecord({ msg: 'Envoy answers', launch: 'L2' });

    agent.signal('SIGSTOP');
    await agent.until(
      'LIVE',
      () => fake?.launches().some(({ epoch, stage }) => epoch === 1 && stage === 'live') ?? false,
    );
    agent.signal('SIGCONT');
    await agent.untilServesAlone(1);

    expect(agent.records({ ...COMMITTED, launch: 'L2' })).toHaveLength(1);
    expect(agent.records({ msg: 'signal sent' })).toEqual([]);
  });

  test.each(['SIGSTOP', 'SIGTSTP'] as const)(
    'by %s takes a SIGTERM when it goes on',
    async (suspend) => {
      await openFake();
      const agent = world.startAgent({}, ['python3', '-c', AS_A_JOB, ...RUN]);
      await agent.untilReady();
      const pid = Number(agent.records({ msg: 'agent starts' })[0]?.['pid']);

      process.kill(pid, suspend);
      await agent.until('suspension', () => stateOf(pid) === 'T');
      process.kill(pid, 'SIGTERM');
      process.kill(pid, 'SIGCONT');

      expect(await agent.ended).toEqual(STOPPED);
      expect(agent.records({ msg: 'stop requested' })).toHaveLength(1);
      expect(await world.leftOvers()).toEqual([]);
    },
  );
});

/**
 * As a shell with job control would start it: in a group of its own, with a parent in the same
 * session. The kernel drops SIGTSTP for a group that has none, which is how a test may be run.
 */
const AS_A_JOB = `
import os, sys
job = os.fork()
if job == 0:
    os.setpgid(0, 0)
    os.execvp(sys.argv[1], sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(job, 0)[1]))
`;

describe('a signal to the whole process group', () => {
  test("is the agent's to answer: Ctrl-C lets requests end", async () => {
    world = await openWorld();
    const agent = await startInGroup();
    const held = world.ask('/held');
    await agent.until('a held request', () => world.upstream.heldCount() === 1);

    process.kill(-agent.pid, 'SIGINT');
    await agent.untilRecord({ msg: 'draining', purpose: 'stop' });
    world.upstream.letGo();

    expect(await held).toMatchObject({ status: 200, body: 'held\n' });
    expect(await agent.ended).toEqual(STOPPED);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('reaches no Envoy in a handover', async () => {
    await openFake();
    const agent = await startInGroup({ BATON_PARENT_SHUTDOWN_TIME: '20s' });

    fake?.hold('initialization');
    agent.signal('SIGHUP');
    await agent.untilRecord({ msg: 'Envoy answers', launch: 'L2' });
    for (const signal of ['SIGHUP', 'SIGUSR2', 'SIGALRM'] as const)
      process.kill(-agent.pid, signal);
    await settled(agent);
    fake?.letGo('initialization');
    await agent.untilRecord({ msg: 'Envoy live', launch: 'L2' });
    process.kill(-agent.pid, 'SIGTERM');

    expect(await agent.ended).toEqual(STOPPED);
    expect(agent.records({ msg: 'Envoy ended unexpectedly' })).toEqual([]);
    expect(agent.records({ msg: 'signal sent' })[0]).toMatchObject({ launch: 'L2' });
    expect(agent.records({ msg: 'signal sent', signal: 'SIGKILL' })).toEqual([]);
  });

  test('is no verdict on a change that is being checked', async () => {
    await openFake();
    const agent = await startInGroup();

    fake?.hold('validation');
    await world.writeBootstrap({ servedBy: 'second' });
    await agent.until('a validation', () => fake?.isHeld('validation') ?? false);
    for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const)
      process.kill(-agent.pid, signal);
    await settled(agent);
    fake?.letGo('validation');
    await agent.untilRecord({ launch: 'L2', ...COMMITTED });

    expect(agent.records({ msg: 'checks failed' })).toEqual([]);
  });

  async function startInGroup(settings = {}): Promise<RunningAgent> {
    const agent = world.startAgent(settings, ['setsid', ...RUN]);
    await agent.untilReady();
    return agent;
  }
});

describe('a starter that ignores and blocks signals', () => {
  const signals = 'TERM,INT,QUIT,HUP,PIPE,ALRM,USR1,USR2';

  test('hands none of that on: agent and Envoy take theirs', async () => {
    world = await openWorld();
    const agent = world.startAgent({}, [
      'env',
      `--ignore-signal=${signals}`,
      `--block-signal=${signals}`,
      ...RUN,
    ]);
    await agent.untilReady();
    const [envoy] = world.envoys();
    const ofEnvoy = await masksOf(envoy?.pid ?? 0);

    agent.signal('SIGTERM');

    expect(await agent.ended).toEqual(STOPPED);
    expect(ofEnvoy).toEqual({ blocked: 0n, ignored: 1n << BigInt(constants.signals.SIGPIPE - 1) });
    expect(agent.records({ msg: 'signal sent' })).toMatchObject([{ signal: 'SIGTERM' }]);
  });
});

describe('a SIGKILL close behind a SIGTERM', () => {
  test('leaves nothing half-written, and the next run serves', async () => {
    const killed = await startReadyFake();

    killed.signal('SIGTERM');
    killed.signal('SIGKILL');
    await killed.ended;
    const files = (await readdir(world.runDirectory)).filter((name) => /\.(json|lock)$/.test(name));
    const texts = await Promise.all(
      files.map((name) => readFile(join(world.runDirectory, name), 'utf8')),
    );
    const agent = await world.startReadyAgent();

    expect(files).toContain('state.json');
    for (const text of texts) expect(() => JSON.parse(text)).not.toThrow();
    await agent.until('the end of the orphan', () => world.envoys().length === 1);
    agent.signal('SIGTERM');
    expect(await agent.ended).toEqual(STOPPED);
    expect(await world.leftOvers()).toEqual([]);
  });
});

async function openFake(behaviours: readonly FakeBehaviour[] = []): Promise<void> {
  fake = createFakeEnvoy({ behaviours });
  world = await openWorld({ binary: fake.binary });
}

async function startReadyFake(
  behaviours: readonly FakeBehaviour[] = [],
  settings = {},
): Promise<RunningAgent> {
  await openFake(behaviours);
  return world.startReadyAgent(settings);
}

/** By the second answer the agent has taken every signal that was there before the first one. */
async function settled(agent: RunningAgent) {
  await agent.status();
  return agent.status();
}

/** `T` when suspended, `Z` when it has ended and nobody has taken notice. */
function stateOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2)[0];
}

/** Gone, too, where the agent has taken notice before it was suspended. */
function hasEnded(pid: number): boolean {
  return !existsSync(`/proc/${pid}`) || stateOf(pid) === 'Z';
}

async function masksOf(pid: number) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const mask = (name: string) =>
    BigInt(`0x${new RegExp(`^${name}:\\s+(\\w+)$`, 'm').exec(status)?.[1]}`);
  return { blocked: mask('SigBlk'), ignored: mask('SigIgn') };
}
