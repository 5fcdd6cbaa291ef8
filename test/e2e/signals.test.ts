import { afterEach, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeBehaviour, type FakeEnvoy } from '../support/fake-envoy.ts';

const STOPPED = { code: 0, signal: null };
const ENDED = { msg: 'handover ended' };
const STARTED = { msg: 'Envoy started' };
/** Envoy's own words on what reaches it. */
const REPORTED = { BATON_ENVOY_LOG_LEVEL: 'info' };
const REOPENED = { msg: 'caught SIGUSR1. Reopening access logs.' };

let fake: FakeEnvoy;
let world: World;

afterEach(async () => {
  await world.close();
  expect(fake.violations()).toEqual([]);
  fake.remove();
});

/** One thing the agent can be in the middle of when a signal comes. */
interface Moment {
  readonly when: string;
  readonly behaviours?: readonly FakeBehaviour[];
  readonly settings?: Readonly<Record<string, string>>;
  /** Its bootstrap names a pair that is not there. @default false */
  readonly lacksCertificates?: true;
  /** Leads a new agent there. */
  readonly reach: (agent: RunningAgent) => Promise<unknown>;
  /** What a stop sends to Envoys, in this order. */
  readonly onStop: RegExp;
  /** The launches that a SIGUSR1 reaches. */
  readonly reopens: readonly string[];
  /** SIGHUP: the launch it leads to at once, where nothing is in its way. */
  readonly hupStarts?: string;
}

const MOMENTS: readonly Moment[] = [
  {
    when: 'it waits for certificates',
    settings: { BATON_CERT_WAIT_TIME: '1h' },
    lacksCertificates: true,
    reach: (agent) => agent.untilRecord({ msg: 'cannot start yet' }),
    onStop: /^$/,
    reopens: [],
  },
  {
    when: 'the first Envoy has not answered yet',
    behaviours: [{ silence: 'fromStart' }],
    reach: (agent) => agent.untilRecord(STARTED),
    onStop: /^L1 SIGKILL$/,
    reopens: [],
  },
  {
    when: 'the first Envoy waits for its control plane',
    behaviours: [{ initializingMs: 'forever' }],
    reach: (agent) => agent.untilRecord({ msg: 'Envoy answers' }),
    onStop: /^L1 SIGKILL$/,
    reopens: ['L1'],
  },
  {
    when: 'it serves',
    reach: (agent) => agent.untilReady(),
    onStop: /^L1 SIGTERM$/,
    reopens: ['L1'],
    hupStarts: 'L2',
  },
  {
    when: 'a change is being checked',
    reach: async (agent) => {
      await agent.untilReady();
      fake.hold('validation');
      agent.signal('SIGHUP');
      await agent.until('a validation', () => fake.isHeld('validation'));
    },
    onStop: /^L1 SIGTERM$/,
    reopens: ['L1'],
  },
  {
    when: 'a new Envoy starts beside the serving one',
    behaviours: [{ epoch: 1, initializingMs: 'forever' }],
    reach: (agent) => handOver(agent, { msg: 'Envoy answers', launch: 'L2' }),
    onStop: /^L2 SIGKILL, L1 SIGTERM$/,
    reopens: ['L1', 'L2'],
  },
  {
    when: 'the old Envoy drains behind the new one',
    settings: { BATON_PARENT_SHUTDOWN_TIME: '20s' },
    reach: (agent) => handOver(agent, { msg: 'Envoy live', launch: 'L2' }),
    // The new one tells the old one to go, which may be gone before it would be its turn.
    onStop: /^L2 SIGTERM(, L1 SIGTERM)?$/,
    reopens: ['L1', 'L2'],
  },
  {
    when: 'the delay of a token runs and nothing serves',
    behaviours: [{ times: 1, end: { at: 'live' } }],
    settings: { BATON_RESTART_BACKOFF: '1h' },
    reach: (agent) => agent.untilRecord({ msg: 'next start scheduled' }),
    onStop: /^$/,
    reopens: [],
    hupStarts: 'L2',
  },
  {
    when: 'a change that failed waits for its next try',
    behaviours: [{ epoch: 1, times: 1, end: { at: 'configuration' } }],
    settings: { BATON_RESTART_BACKOFF: '1h' },
    reach: (agent) => handOver(agent, { msg: 'next start scheduled' }),
    onStop: /^L1 SIGTERM$/,
    reopens: ['L1'],
    hupStarts: 'L3',
  },
];

describe.each(MOMENTS)('when $when', (moment) => {
  test.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)('%s stops it', async (signal) => {
    const agent = await startAt(moment);

    agent.signal(signal);

    expect(await agent.ended).toEqual(STOPPED);
    expect(signalsSent(agent)).toMatch(moment.onStop);
    expect(agent.records({ msg: 'agent stops', reason: signal })).toHaveLength(1);
    expect(await world.leftOvers()).toEqual([]);
  });

  test('SIGUSR1 reaches every Envoy that has answered, and changes nothing', async () => {
    const agent = await startAt(moment);
    const before = await agent.status();

    agent.signal('SIGUSR1');
    for (const launch of moment.reopens) await agent.untilRecord({ launch, ...REOPENED });

    expect(await settled(agent)).toMatchObject(whatStays(before));
    expect(agent.records(REOPENED)).toHaveLength(moment.reopens.length);
    await expectCleanEnd(agent);
  });

  test(`SIGHUP ${moment.hupStarts === undefined ? 'is kept for later' : 'starts an Envoy at once'}`, async () => {
    const agent = await startAt(moment);
    const before = await agent.status();

    agent.signal('SIGHUP');
    await agent.untilRecord({ msg: 'handover requested', trigger: 'signal' }, hupsOf(agent) + 1);

    if (moment.hupStarts === undefined) {
      expect(await settled(agent)).toMatchObject(whatStays(before));
    } else {
      await agent.untilRecord({ launch: moment.hupStarts, ...ENDED, result: 'committed' });
    }
    expect(signalsSent(agent)).toBe('');
    await expectCleanEnd(agent);
  });
});

describe('while it stops', () => {
  const DRAINING: Moment = {
    when: 'it drains',
    settings: { BATON_TERMINATION_DRAIN_MIN: '9s' },
    reach: async (agent) => {
      await agent.untilReady();
      agent.signal('SIGTERM');
      await agent.untilRecord({ msg: 'draining' });
    },
    onStop: /^L1 SIGTERM$/,
    reopens: ['L1'],
  };

  test('SIGHUP begins nothing, SIGUSR1 is passed on, SIGQUIT ends the drain', async () => {
    const agent = await startAt(DRAINING);
    const before = await agent.status();

    agent.signal('SIGHUP');
    agent.signal('SIGUSR1');
    await agent.untilRecord({ launch: 'L1', ...REOPENED });
    expect(await settled(agent)).toMatchObject(whatStays(before));
    agent.signal('SIGQUIT');

    expect(await agent.ended).toEqual(STOPPED);
    expect(signalsSent(agent)).toMatch(DRAINING.onStop);
    expect(agent.records(STARTED)).toHaveLength(1);
    expect(agent.records({ msg: 'deadline reached', timer: 'drainMin' })).toEqual([]);
  });

  test('none spares an Envoy that does not obey its SIGKILL, or brings it sooner', async () => {
    const behaviours = [{ ignoresSigterm: true }];
    const agent = await startAt({ ...DRAINING, behaviours, reach: (one) => one.untilReady() });

    agent.signal('SIGQUIT');
    await agent.untilRecord({ msg: 'signal sent', signal: 'SIGTERM' });
    // One more ask to stop, late or soon: a third one would bring it.
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGTERM'] as const) agent.signal(signal);

    expect(await agent.ended).toEqual(STOPPED);
    expect(signalsSent(agent)).toBe('L1 SIGTERM, L1 SIGKILL');
    expect(agent.records({ msg: 'deadline reached', timer: 'kill:L1' })).toHaveLength(1);
    expect(await world.leftOvers()).toEqual([]);
  });
});

async function startAt(moment: Moment): Promise<RunningAgent> {
  const { behaviours = [], settings, lacksCertificates: isTls = false } = moment;
  fake = createFakeEnvoy({ behaviours });
  world = await openWorld({ binary: fake.binary, settings: REPORTED, bootstrap: { isTls } });
  const certificates = isTls ? { BATON_CERT_DIRS: world.folder } : {};
  const agent = world.startAgent({ ...settings, ...certificates });
  await moment.reach(agent);
  return agent;
}

async function handOver(agent: RunningAgent, until: Readonly<Record<string, unknown>>) {
  await agent.untilReady();
  agent.signal('SIGHUP');
  await agent.untilRecord(until);
}

async function expectCleanEnd(agent: RunningAgent): Promise<void> {
  agent.signal('SIGQUIT');
  expect(await agent.ended).toEqual(STOPPED);
  expect(await world.leftOvers()).toEqual([]);
}

function hupsOf(agent: RunningAgent): number {
  return agent.records({ msg: 'handover requested', trigger: 'signal' }).length;
}

/** By the second answer the agent has taken every signal that was there before the first one. */
async function settled(agent: RunningAgent) {
  await agent.status();
  return agent.status();
}

function whatStays({ phase, ready, launches, tokens }: Awaited<ReturnType<typeof settled>>) {
  const stages = launches.map(({ id, pid, stage }) => ({ id, pid, stage }));
  return { phase, ready, launches: stages, tokens: { left: tokens.left } };
}

function signalsSent(agent: RunningAgent): string {
  const sent = agent.records({ msg: 'signal sent' });
  return sent.map(({ launch, signal }) => `${launch} ${signal}`).join(', ');
}
