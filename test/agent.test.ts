import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Agent, createAgent, type Transition } from '../src/agent.ts';
import type { Effect, Event } from '../src/core/events.ts';
import { initialState, step } from '../src/core/lifecycle.ts';
import { handoverIdOf, launchIdOf } from '../src/core/model.ts';
import {
  checksPassed,
  crashed,
  defaultPolicy,
  desiredVersion,
  servingHappenings,
  sigterm,
} from './support/agent-states.ts';
import { createFakeClock, type FakeClock } from './support/fake-clock.ts';

interface Trial {
  readonly agent: Agent;
  readonly clock: FakeClock;
  readonly seen: readonly Transition[];
}

function startAgent(
  perform: (effect: Effect, agent: Agent) => void = () => {},
  policy = defaultPolicy,
): Trial {
  const clock = createFakeClock();
  const seen: Transition[] = [];
  const agent = createAgent({
    policy,
    clock,
    observe: (transition) => void seen.push(transition),
    perform: (effect) => perform(effect, agent),
  });
  return { agent, clock, seen };
}

const change: Event = { type: 'desiredChanged', desired: desiredVersion(1) };
const missing: Event = {
  type: 'desiredMissing',
  lacks: 'certificates',
  problems: ['there is no template'],
};

describe('the runner', () => {
  test('has taken an event when post returns', () => {
    const { agent, seen } = startAgent();
    agent.post(change);
    expect(agent.state().handover?.id).toBe('H1');
    expect(seen).toHaveLength(1);
  });

  test('gives observers what the core made of an event, and the moment of it', () => {
    const { agent, clock, seen } = startAgent();
    clock.pass(250);
    agent.post(change);
    const moment = { atMs: 1_000_250, chance: 0.5 };
    const { state, effects } = step(initialState, change, moment, defaultPolicy);
    expect(seen).toEqual([{ event: change, moment, before: initialState, after: state, effects }]);
  });

  test('tells observers of an event before its effects are done', () => {
    const order: string[] = [];
    const agent = createAgent({
      policy: defaultPolicy,
      clock: createFakeClock(),
      observe: ({ event }) => void order.push(event.type),
      perform: (effect) => void order.push(effect.type),
    });
    agent.post(change);
    expect(order).toEqual(['desiredChanged', 'checkDesired']);
  });

  test('takes what an effect posts right after, when all effects of the event are done', () => {
    const done: string[] = [];
    const { agent, seen } = startAgent(({ type }, { post, state }) => {
      done.push(`${type} begins`);
      if (type === 'checkDesired') {
        post(checksPassed(1));
        expect(state().launches).toEqual([]);
      }
      done.push(`${type} ends`);
    });
    agent.post(change);
    expect(done).toEqual([
      'checkDesired begins',
      'checkDesired ends',
      'launchEnvoy begins',
      'launchEnvoy ends',
    ]);
    expect(seen.map(({ event }) => event.type)).toEqual(['desiredChanged', 'checksPassed']);
  });

  test('takes several that an effect posts in their order', () => {
    const posted = [checksPassed(1), missing, crashed(9, 'SIGSEGV')];
    const { agent, seen } = startAgent(({ type }, { post }) => {
      if (type === 'checkDesired') for (const event of posted) post(event);
    });
    agent.post(change);
    expect(seen.map(({ event }) => event)).toEqual([change, ...posted]);
  });

  test.each(['observe', 'perform'] as const)('goes on after a bug in %s', (place) => {
    const bug = new Error('a bug');
    const bugs: unknown[] = [];
    const done: string[] = [];
    const failing = (what: string, here: typeof place) => {
      done.push(what);
      if (here === place) throw bug;
    };
    const agent = createAgent({
      policy: defaultPolicy,
      clock: createFakeClock(),
      observe: ({ event }) => failing(event.type, 'observe'),
      perform: ({ type }) => failing(type, 'perform'),
      onBug: (error) => void bugs.push(error),
    });

    agent.post(change);
    agent.post(sigterm);

    expect(done).toEqual([
      'desiredChanged',
      'checkDesired',
      'stopRequested',
      'reportHandover',
      'exitAgent',
    ]);
    expect(bugs).toContain(bug);
  });

  test('loses no more than the event that the core fails at', () => {
    const bug = new Error('a bug');
    const bugs: unknown[] = [];
    const seen: Transition[] = [];
    const agent = createAgent({
      policy: defaultPolicy,
      clock: createFakeClock(),
      observe: (transition) => void seen.push(transition),
      perform: () => {},
      onBug: (error) => void bugs.push(error),
    });
    const treacherous = {
      get type(): Event['type'] {
        throw bug;
      },
    } as Event;

    agent.post(change);
    const before = agent.state();
    agent.post(treacherous);
    agent.post(sigterm);

    expect(bugs).toEqual([bug]);
    expect(seen.map(({ event }) => event)).toEqual([change, sigterm]);
    expect(seen[1]?.before).toBe(before);
  });
});

describe('the deadlines', () => {
  const patient = { ...defaultPolicy, certificateWaitMs: 5_000 };

  test('are armed when they come up, and fire as events', () => {
    const { agent, clock, seen } = startAgent(undefined, patient);
    agent.post(missing);
    clock.pass(4_999);
    expect(seen).toHaveLength(1);
    clock.pass(1);
    expect(seen[1]?.event).toEqual({ type: 'timerFired', timer: 'certificateWait' });
    expect(clock.armedAtMs()).toEqual([]);
  });

  test('are ended when they are gone', () => {
    const { agent, clock } = startAgent(undefined, patient);
    agent.post(missing);
    agent.post(change);
    expect(clock.armedAtMs()).toEqual([]);
  });

  test('are left alone when nothing moves them', () => {
    const { agent, clock, seen } = startAgent(undefined, patient);
    agent.post(missing);
    clock.pass(3_000);
    agent.post({ type: 'desiredMissing', lacks: 'certificates', problems: ['still not there'] });
    clock.pass(2_000);
    expect(seen.at(-1)?.event.type).toBe('timerFired');
  });

  test('are moved when the core moves them', () => {
    const { agent, clock } = startAgent();
    for (const event of [change, checksPassed(1)]) agent.post(event);
    const launch = launchIdOf(1);
    const silenceAtMs = () => agent.state().timers.get(`silence:${launch}`);
    const firstAtMs = silenceAtMs() ?? 0;
    clock.pass(10_000);
    agent.post({ type: 'launchAnswered', launch, envoyState: 'INITIALIZING' });
    expect(silenceAtMs()).toBe(firstAtMs + 10_000);
    expect(clock.armedAtMs()).toContain(firstAtMs + 10_000);
    expect(clock.armedAtMs()).not.toContain(firstAtMs);
  });

  test('wait for an answer in running time, and for the end of an Envoy in any time', () => {
    const clock = createFakeClock();
    // The agent hardly gets to run: what it waits for by running time takes twice as long.
    const throttled = {
      ...clock,
      afterRunning: (ms: number, fire: () => void) => clock.after(2 * ms, fire),
    };
    const agent = createAgent({
      policy: defaultPolicy,
      clock: throttled,
      observe: () => {},
      perform: () => {},
    });
    const armedInMs = (name: string) => {
      const atMs = [...agent.state().timers].find(([timer]) => timer.startsWith(name))?.[1] ?? 0;
      const inMs = atMs - clock.moment().atMs;
      return clock.armedAtMs().map((dueMs) => (dueMs - clock.moment().atMs) / inMs);
    };

    for (const event of [change, checksPassed(1)]) agent.post(event);
    expect(armedInMs('silence:')).toContain(2);
    agent.post({ type: 'launchLive', launch: launchIdOf(1) });
    agent.post({ type: 'stopRequested', how: 'now', reason: 'quit' });
    expect(armedInMs('kill:')).toEqual([1]);
  });

  test('are the ones of the state whatever happens', () => {
    fc.assert(
      fc.property(fc.array(anyHappening, { size: 'max', maxLength: 60 }), (happenings) => {
        const { agent, clock } = startAgent(undefined, { ...patient, jitterMs: 2_000 });
        for (const [ms, event] of happenings) {
          clock.pass(ms);
          agent.post(event);
          const wanted = [...agent.state().timers.values()].sort((a, b) => a - b);
          expect(clock.armedAtMs()).toEqual(wanted);
        }
      }),
    );
  });
});

describe('with effects that settle in any order', () => {
  test('every event is observed exactly once, and each state follows from the one before', () =>
    fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(anyEvent, { maxLength: 20 }), async (s, events) => {
        const posted: Event[] = [];
        const { agent, seen } = startAgent((effect, { post }) => {
          for (const answer of answersTo(effect)) {
            void s.schedule(Promise.resolve(), effect.type).then(() => {
              posted.push(answer);
              post(answer);
            });
          }
        });
        for (const event of events) {
          void s.schedule(Promise.resolve(), event.type).then(() => {
            posted.push(event);
            agent.post(event);
          });
        }
        await s.waitIdle();
        expect(seen.map(({ event }) => event)).toEqual(posted);
        seen.forEach(({ before }, at) => {
          expect(before).toBe(at === 0 ? initialState : seen[at - 1]?.after);
        });
        expect(agent.state()).toBe(seen.at(-1)?.after ?? initialState);
      }),
    ));
});

/** What the world would make of an effect, all of it good. */
function answersTo(effect: Effect): readonly Event[] {
  switch (effect.type) {
    case 'checkDesired':
      return [{ type: 'checksPassed', handover: effect.handover, speaksSameVersion: true }];
    case 'launchEnvoy':
      return [
        { type: 'launchSpawned', launch: effect.launch, pid: 100 },
        { type: 'launchLive', launch: effect.launch },
      ];
    case 'drainLaunch':
      return [{ type: 'connectionsCounted', launch: effect.launch, count: 0 }];
    case 'repairLineage':
      return [
        { type: 'lineageRepaired', lineage: effect.lineage, isSound: true, reason: 'repaired' },
      ];
    default:
      return [];
  }
}

const events: readonly Event[] = [
  ...servingHappenings.map(([, event]) => event),
  missing,
  sigterm,
  crashed(1, 'SIGSEGV'),
  crashed(2, 'SIGSEGV'),
  { type: 'desiredChanged', desired: desiredVersion(2) },
  { type: 'restartRequested', trigger: 'signal', mode: 'auto' },
  checksPassed(2),
  { type: 'checksFailed', handover: handoverIdOf(2), problems: ['no'], exitCode: 78 },
  { type: 'launchAnswered', launch: launchIdOf(2), envoyState: 'INITIALIZING' },
  { type: 'launchLive', launch: launchIdOf(2) },
];

const anyEvent = fc.constantFrom(...events);

const anyHappening = fc.tuple(fc.integer({ min: 0, max: 90_000 }), anyEvent);
