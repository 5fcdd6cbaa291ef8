import { readFileSync } from 'node:fs';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { holdEnvoy } from '../faults/held-envoy.ts';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World, type WorldOptions } from '../support/e2e-world.ts';
import { envoyBinary } from '../support/envoy-binary.ts';
import { createFakeEnvoy } from '../support/fake-envoy.ts';

const LIVE = { msg: 'Envoy live' };
const SILENT = { msg: 'Envoy does not answer' };
const HANGS = { msg: 'Envoy hangs' };
const SIGNAL = { msg: 'signal sent' };
const ENDED = { msg: 'handover ended' };
const DEADLINE_MS = 3_000;
/** Of a load. */
const KEPT_CONNECTION_COUNT = 8;
/** They wait for the most part, each in a world of its own. */
vi.setConfig({ maxConcurrency: 7 });
/** Of an Envoy that hardly gets the processor. */
const TURN_MS = 5;
const SETTINGS = { BATON_HANG_DEADLINE: `${DEADLINE_MS / 1_000}s`, BATON_RESTART_BACKOFF: '20ms' };

/** With a short deadline; closed when the test is over. */
async function openShortWorld(
  { onTestFinished }: TestContext,
  { settings, ...options }: WorldOptions = {},
): Promise<World> {
  const world = await openWorld({ ...options, settings: { ...SETTINGS, ...settings } });
  onTestFinished(() => world.close());
  return world;
}

describe.concurrent('an Envoy that is stopped', () => {
  test('while it serves is replaced side by side, and killed once the new one is LIVE', async (context) => {
    const world = await openShortWorld(context);
    const agent = await world.startReadyAgent();
    const pid = pidOf(world, 0);

    process.kill(pid, 'SIGSTOP');
    await agent.untilRecord({ launch: 'L1', ...SILENT });
    const hung = await agent.untilRecord({ launch: 'L1', ...HANGS });
    const replaced = await agent.untilRecord({ launch: 'L2', ...ENDED });
    const after = await agent.untilServesAlone(0);

    expect(hung['silentMs']).toBeGreaterThanOrEqual(DEADLINE_MS);
    expect(replaced).toMatchObject({ mode: 'side-by-side', result: 'committed' });
    expect(agent.records(SIGNAL)).toMatchObject([{ launch: 'L1', signal: 'SIGKILL' }]);
    expect(orderOf(agent, [SIGNAL, { launch: 'L2', ...LIVE }, HANGS])).toEqual([2, 1, 0]);
    expect(after).toMatchObject({ ready: true, tokens: { total: 10, left: 9 } });
    expect(world.envoys()).toHaveLength(1);
    expect((await world.ask()).status).toBe(200);
  });

  test('while it drains is killed, and its child, which waits for it, is rescued', async (context) => {
    const world = await openShortWorld(context, {
      settings: { BATON_DRAIN_TIME: '50s', BATON_PARENT_SHUTDOWN_TIME: '60s' },
    });
    const envoy = await holdEnvoy(world.folder, envoyBinary());
    context.onTestFinished(() => envoy.close());
    const agent = await world.startReadyAgent({ BATON_ENVOY_BINARY: envoy.binary });
    const parent = pidOf(world, 0);
    agent.signal('SIGHUP');
    await agent.untilRecord({ launch: 'L2', ...LIVE });

    envoy.hold('execution');
    process.kill(parent, 'SIGSTOP');
    // On connections of the child alone, whose workers go on while its main thread waits.
    const load = world.startLoad({ newConnectionShare: 0 });
    await agent.untilRecord({ launch: 'L1', ...HANGS });
    await agent.untilRecord({ launch: 'L1', msg: 'Envoy ended unexpectedly' });
    await agent.until('the rescue', () => envoy.isHeld('execution'));
    const beforeRescue = load.progress();
    envoy.letGo('execution');
    const rescue = await agent.untilRecord({ launch: 'L3', ...ENDED });
    await agent.untilServesAlone(0);
    const { lost, counts } = await load.stop();

    expect(beforeRescue).toMatchObject({ lost: 0 });
    expect(rescue).toMatchObject({ mode: 'side-by-side', result: 'committed' });
    expect(agent.records(SIGNAL).map(({ launch, signal }) => [launch, signal])).toEqual([
      ['L1', 'SIGKILL'],
      ['L2', 'SIGKILL'],
    ]);
    // A main thread that waits for ever drains nothing: what was under way at the kill is lost.
    expect(counts.noAnswer + counts.cutMidResponse).toBe(lost);
    expect(lost).toBeLessThanOrEqual(KEPT_CONNECTION_COUNT);
    expect((await agent.status()).tokens.left).toBe(10);
  });
});

describe.concurrent('an Envoy that is slow', () => {
  test('because it hardly gets the processor is not taken for one that hangs', async (context) => {
    const world = await openShortWorld(context, { settings: { BATON_HANG_DEADLINE: '6s' } });
    const agent = await world.startReadyAgent();
    const pid = pidOf(world, 0);
    const load = world.startLoad();

    const letGo = throttle(pid);
    await untilOlderBy(3 * DEADLINE_MS, agent);
    letGo();

    expect(agent.records(HANGS)).toEqual([]);
    expect(agent.records(SIGNAL)).toEqual([]);
    expect(pidOf(world, 0)).toBe(pid);
    expect(await load.stop()).toMatchObject({ lost: 0 });
  });

  test('for less than the deadline is only told of', async (context) => {
    const world = await openShortWorld(context, { settings: { BATON_HANG_DEADLINE: '9s' } });
    const agent = await world.startReadyAgent();
    const pid = pidOf(world, 0);

    process.kill(pid, 'SIGSTOP');
    await agent.untilRecord({ launch: 'L1', ...SILENT });
    const during = await agent.status();
    process.kill(pid, 'SIGCONT');
    await agent.untilRecord({ launch: 'L1', msg: 'Envoy answers again' });
    const { launches, ready } = await agent.status();

    expect(during).toMatchObject({ ready: true, launches: [{ id: 'L1', pid }] });
    expect(during.launches[0]?.silentSeconds).toBeGreaterThan(0);
    expect(ready).toBe(true);
    expect(launches).toMatchObject([{ id: 'L1', pid, stage: 'live' }]);
    expect(launches[0]?.silentSeconds).toBeUndefined();
    expect(agent.records(SIGNAL)).toEqual([]);
  });
});

describe.concurrent('an agent that is stopped together with its Envoy', () => {
  test('for longer than the deadline kills nothing when both go on', async (context) => {
    const world = await openShortWorld(context);
    const agent = await world.startReadyAgent();
    const pid = pidOf(world, 0);

    for (const one of [pid, agent.pid]) process.kill(one, 'SIGSTOP');
    const resumesAtMs = performance.now() + 2 * DEADLINE_MS;
    await vi.waitUntil(() => performance.now() >= resumesAtMs, { timeout: 30_000, interval: 50 });
    for (const one of [agent.pid, pid]) process.kill(one, 'SIGCONT');
    await untilOlderBy(2 * DEADLINE_MS, agent);

    expect(agent.records(HANGS)).toEqual([]);
    expect(pidOf(world, 0)).toBe(pid);
  });
});

describe.concurrent('an Envoy whose main thread is stuck', () => {
  async function startStuck(context: TestContext, settings: WorldOptions['settings'] = {}) {
    const fake = createFakeEnvoy({ takesOrders: true });
    context.onTestFinished(() => {
      expect(fake.violations()).toEqual([]);
      fake.remove();
    });
    const world = await openShortWorld(context, { binary: fake.binary, settings });
    const agent = await world.startReadyAgent();
    fake.order(pidOf(world, 0), { kind: 'hang' });
    return { world, agent };
  }

  test('is replaced too', async (context) => {
    const { agent } = await startStuck(context);

    const replaced = await agent.untilRecord({ launch: 'L2', ...ENDED });
    await agent.untilServesAlone(0);

    expect(replaced).toMatchObject({ mode: 'side-by-side', result: 'committed' });
    expect(agent.records(SIGNAL)).toMatchObject([{ launch: 'L1', signal: 'SIGKILL' }]);
  });

  test('is left alone for ever when there is no deadline', async (context) => {
    const { agent, world } = await startStuck(context, {
      BATON_HANG_DEADLINE: '0s',
      BATON_TERMINATION_DRAIN_MAX: '1s',
    });
    await agent.until('a long silence', async () => {
      const [launch] = (await agent.status()).launches;
      return (launch?.silentSeconds ?? 0) > DEADLINE_MS / 1_000;
    });

    expect(agent.records(HANGS)).toEqual([]);
    expect(world.envoys()).toHaveLength(1);
    agent.signal('SIGTERM');
    await agent.ended;
    expect(agent.records(SIGNAL).at(-1)).toMatchObject({ launch: 'L1', signal: 'SIGKILL' });
    expect(await world.leftOvers()).toEqual([]);
  });
});

/** Its only Envoy has been LIVE for so much longer. */
async function untilOlderBy(ms: number, agent: RunningAgent): Promise<void> {
  const age = async () => (await agent.status()).launches[0]?.liveSeconds ?? 0;
  const olderSeconds = (await age()) + ms / 1_000;
  await agent.until('time to pass', async () => (await age()) >= olderSeconds);
}

function pidOf({ envoys }: World, epoch: number): number {
  const found = envoys().find((envoy) => envoy.epoch === epoch);
  if (found === undefined) throw new Error(`Cannot find epoch ${epoch}.`);
  return found.pid;
}

/** Which of these came first, second, ...: the place of each in the log, by rank. */
function orderOf(agent: RunningAgent, wanted: readonly object[]): readonly number[] {
  const places = wanted.map((one) => {
    const [record] = agent.records(one as Readonly<Record<string, unknown>>);
    return record === undefined ? -1 : agent.records().indexOf(record);
  });
  const ranked = [...places].sort((a, b) => a - b);
  return places.map((place) => ranked.indexOf(place));
}

/**
 * From now on it runs for 5 ms of every 100, until let go: of its own time where others keep it from
 * the processor.
 */
function throttle(pid: number): () => void {
  let resting: NodeJS.Timeout | undefined;
  const turn = setInterval(() => {
    const untilMs = ranMs(pid) + TURN_MS;
    process.kill(pid, 'SIGCONT');
    clearTimeout(resting);
    const rest = () => {
      if (isWaitingToRun(pid) && ranMs(pid) < untilMs) resting = setTimeout(rest, 1);
      else process.kill(pid, 'SIGSTOP');
    };
    resting = setTimeout(rest, TURN_MS);
  }, 100);
  return () => {
    clearInterval(turn);
    clearTimeout(resting);
    process.kill(pid, 'SIGCONT');
  };
}

/** Of its main thread, which answers for it. */
function ranMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

function isWaitingToRun(pid: number): boolean {
  return /^State:\tR/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}
