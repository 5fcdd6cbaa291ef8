import { describe, expect, it, test } from 'vitest';
import { changesOf } from '../../src/core/changes.ts';
import type { Event } from '../../src/core/events.ts';
import { initialState, step } from '../../src/core/lifecycle.ts';
import { launchIdOf, lineageIdOf, requestIdOf, type Trigger } from '../../src/core/model.ts';
import type { HandoverStep, State } from '../../src/core/state.ts';
import {
  attemptOf,
  backingOff,
  type desiredOf,
  givenUp,
  handingOver,
  handoverOf,
  launchOf,
  NEW,
  NEWER,
  NOW_MS,
  OLD,
  policy,
  retiring,
  serving,
  take,
  takeAll,
  timersOf,
  verbs,
} from '../support/states.ts';

const changed = (desired = NEWER): Event => ({ type: 'desiredChanged', desired });
const missing: Event = {
  type: 'desiredMissing',
  lacks: 'certificates',
  problems: ['Cannot read it.', 'Nor that.'],
};
const hangUp: Event = { type: 'restartRequested', trigger: 'signal', mode: 'auto' };
const asked: Event = {
  type: 'restartRequested',
  trigger: 'request',
  mode: 'auto',
  request: requestIdOf('R1'),
};

/** The serving launch with a handover in this step and nothing else going on. */
function inStep(stepName: HandoverStep): State {
  const handover = handoverOf({ step: stepName, attempts: [attemptOf(2)] });
  const timers = stepName === 'backoff' ? timersOf({ retry: NOW_MS + 200 }) : new Map();
  return { ...serving, desired: NEW, handoverCount: 2, handover, timers };
}

describe('a changed desired state', () => {
  it('starts the first launch when there was none', () => {
    const { state, effects } = take(initialState, changed(OLD));
    expect(verbs(effects)).toEqual(['check H1 render']);
    expect(state).toMatchObject({ phase: 'waiting', desired: OLD });
    expect(state.handover).toMatchObject({ triggers: ['start'], aim: 'change' });
  });

  it('ends the wait for certificates', () => {
    const waiting = take(initialState, missing, { policy: { ...policy, certificateWaitMs: 9 } });
    expect([...waiting.state.timers.keys()]).toEqual(['certificateWait']);
    const { state } = take(waiting.state, changed(OLD));
    expect(state.timers.size).toBe(0);
    expect(state.missing).toEqual([]);
  });

  it('changes nothing when it is the same', () => {
    const given = { ...serving, crashes: [attemptOf(1)], refused: givenUp(NEW) };
    expect(take(given, changed(OLD))).toEqual({ state: given, effects: [] });
  });

  it('refills the tokens and forgets what was refused when it is another', () => {
    const given = { ...serving, desired: NEW, crashes: [attemptOf(1)], refused: givenUp(NEW) };
    const { state } = take(given, changed());
    expect(state.crashes).toEqual([]);
    expect(state.refused).toBeUndefined();
  });

  it.each<[HandoverStep, readonly string[]]>([
    ['checking', []],
    ['clearing', []],
    ['starting', []],
    ['repairing', []],
    ['backoff', ['check H2 full']],
    ['retiring', []],
  ])('is told apart from the handover in progress when that is %s', (stepName, expected) => {
    const { state, effects } = take(inStep(stepName), changed());
    expect(verbs(effects)).toEqual(expected);
    expect(state.desired).toBe(NEWER);
    expect(state.handover?.attempts).toEqual([]);
    expect(state.timers.has('retry')).toBe(false);
  });

  it('turns the restore that waits into a change when a crash is being waited out', () => {
    const { state, effects } = take(backingOff, changed(NEW));
    expect(state.handover).toMatchObject({ aim: 'change', target: NEW, step: 'checking' });
    expect(verbs(effects)).toEqual(['check H2 full']);
  });

  it('waits until one alone is left: a third would cut a drain short', () => {
    const given = { ...serving, launches: [launchOf(1, { stage: 'stopping' }), launchOf(2)] };
    expect(take(given, changed(NEW)).effects).toEqual([]);
  });

  it('starts nothing while stopping', () => {
    const stopping = take(serving, { type: 'stopRequested', how: 'graceful', reason: 'asked' });
    const { state, effects } = take(stopping.state, changed());
    expect(effects).toEqual([]);
    expect(state.handover).toBeUndefined();
  });

  it.each<[readonly Trigger[], ReturnType<typeof desiredOf>]>([
    [['certificates'], NEW],
    [['bootstrap'], { ...OLD, bootstrap: NEW.binary }],
    [['binary'], { ...OLD, binary: NEW.bootstrap }],
    [['certificates', 'binary'], { ...NEW, binary: NEW.bootstrap }],
  ])('is told to be one of %j', (triggers, desired) => {
    expect(changesOf({ ...serving, desired }, policy)).toEqual(triggers);
  });

  it('is none when its trigger is switched off', () => {
    const own = { ...policy, triggers: new Set<'binary'>(['binary']) };
    expect(take(serving, changed(NEW), { policy: own }).effects).toEqual([]);
  });

  it('is none when it was given up', () => {
    expect(changesOf({ ...serving, desired: NEW, refused: givenUp(NEW) }, policy)).toEqual([]);
  });
});

describe('a change during a rescue', () => {
  it('waits for its end: a doomed Envoy has no time for a full check', () => {
    const rescuing: State = {
      ...serving,
      launches: [launchOf(1, { isDoomed: true })],
      handover: handoverOf({
        aim: 'restore',
        target: OLD,
        step: 'backoff',
        replaces: launchIdOf(1),
      }),
      timers: timersOf({ retry: NOW_MS + 200 }),
    };
    const { state, effects } = take(rescuing, { type: 'desiredChanged', desired: NEW });
    expect(verbs(effects)).toEqual(['check H2 render']);
    expect(state.handover).toMatchObject({ aim: 'restore', target: OLD });
  });
});

describe('a jitter', () => {
  const own = { ...policy, jitterMs: 1_000 };

  it('is waited out by a change', () => {
    const waiting = take(serving, changed(NEW), { policy: own });
    expect(waiting.effects).toEqual([]);
    expect(waiting.state.timers.get('jitter')).toBe(NOW_MS + 500);
    const fired = take(waiting.state, { type: 'timerFired', timer: 'jitter' }, { policy: own });
    expect(verbs(fired.effects)).toEqual(['check H2 full']);
    expect(fired.state.timers.size).toBe(0);
  });

  it('is not started anew by the next change', () => {
    const waiting = takeAll(serving, [changed(NEW)], own);
    const { state } = take(waiting.state, changed(), { afterMs: 100, policy: own });
    expect(state.timers.get('jitter')).toBe(NOW_MS + 500);
  });

  it('is ended by a change back, a request and a stop', () => {
    const waiting = takeAll(serving, [changed(NEW)], own).state;
    const stop: Event = { type: 'stopRequested', how: 'graceful', reason: 'asked' };
    for (const event of [changed(OLD), asked, stop]) {
      expect(take(waiting, event, { policy: own }).state.timers.has('jitter')).toBe(false);
    }
  });

  it('is not for who asks by hand', () => {
    expect(verbs(take(serving, hangUp, { policy: own }).effects)).toEqual(['check H2 full']);
  });
});

describe('a missing desired state', () => {
  it('ends the agent at once when it may not be waited for', () => {
    const { state, effects } = take(initialState, missing);
    const reason = 'Cannot read it. Nor that.';
    expect(effects).toEqual([{ type: 'exitAgent', code: 78, reason }]);
    expect(state.phase).toBe('stopped');
  });

  it('is waited for from the first time on', () => {
    const own = { ...policy, certificateWaitMs: 60_000 };
    const first = take(initialState, missing, { policy: own });
    const second = take(first.state, missing, { policy: own, afterMs: 5_000 });
    expect(second.state.timers.get('certificateWait')).toBe(NOW_MS + 60_000);
    const fired = take(second.state, { type: 'timerFired', timer: 'certificateWait' });
    expect(verbs(fired.effects)).toEqual(['exit 78']);
  });

  it('is held when something whole is known', () => {
    expect(take(serving, missing)).toEqual({ state: serving, effects: [] });
  });
});

describe('a request', () => {
  it('starts a handover to what is desired, however little changed', () => {
    const { state, effects } = take(serving, asked);
    expect(verbs(effects)).toEqual(['check H2 full']);
    expect(state.handover).toMatchObject({ triggers: ['request'], requests: ['R1'] });
    expect(state.pending).toEqual([]);
  });

  it('becomes one handover with what changed', () => {
    const given = { ...handingOver, pending: [{ trigger: 'signal', mode: 'cold' }] } as State;
    const over = { ...given, launches: [launchOf(1)], handover: undefined } as never as State;
    const { state } = take(over, asked);
    expect(state.handover).toMatchObject({
      triggers: ['certificates', 'signal', 'request'],
      askedMode: 'cold',
    });
  });

  it('is kept for later, a hundred of them for one handover, when one is in progress', () => {
    const hundred = takeAll(
      handingOver,
      Array.from({ length: 100 }, () => hangUp),
    );
    expect(hundred.effects).toEqual([]);
    const committed = take(hundred.state, { type: 'launchLive', launch: launchIdOf(2) });
    const outcome = { kind: 'exited', code: 0 } as const;
    const left: Event = { type: 'launchExited', launch: launchIdOf(1), outcome, lastLines: [] };
    const { state, effects } = take(committed.state, left, { afterMs: 60_000 });
    expect(verbs(effects)).toEqual(['forget L1', 'check H3 full']);
    expect(state.handover?.triggers).toEqual(['signal']);
    expect(state.pending).toEqual([]);
  });

  it.each<[HandoverStep, number, readonly string[]]>([
    ['checking', 0, []],
    ['clearing', 1, []],
    ['starting', 1, []],
    ['repairing', 1, []],
    ['backoff', 0, ['check H2 full']],
    ['retiring', 1, []],
  ])('joins or waits when the handover is %s', (stepName, pendingCount, expected) => {
    const { state, effects } = take(inStep(stepName), asked);
    expect(state.pending).toHaveLength(pendingCount);
    expect(verbs(effects)).toEqual(expected);
    if (pendingCount === 0) expect(state.handover?.requests).toEqual(['R1']);
  });

  it('does not join a handover of another mode', () => {
    const { state } = take(inStep('checking'), { ...asked, mode: 'cold' } as Event);
    expect(state.pending).toEqual([{ trigger: 'request', mode: 'cold', id: 'R1' }]);
  });

  it('waits until there is something to serve', () => {
    const { state, effects } = take(initialState, asked);
    expect(effects).toEqual([]);
    expect(state.pending).toHaveLength(1);
  });

  it('is refused while stopping', () => {
    const stopping = take(serving, { type: 'stopRequested', how: 'graceful', reason: 'asked' });
    expect(take(stopping.state, asked).effects).toMatchObject([
      { type: 'reportHandover', end: { result: 'refused' }, requests: ['R1'] },
    ]);
    expect(take(stopping.state, hangUp).effects).toEqual([]);
  });
});

describe('the refill', () => {
  it('gives the tokens back when it is due', () => {
    const given = { ...serving, crashes: [attemptOf(1)], timers: timersOf({ refill: NOW_MS }) };
    const { state } = take(given, { type: 'timerFired', timer: 'refill' });
    expect(state.crashes).toEqual([]);
    expect(state.timers.size).toBe(0);
  });
});

describe('an event that means nothing any more', () => {
  const gone = launchIdOf(9);
  const outcome = { kind: 'exited', code: 0 } as const;
  const late: readonly Event[] = [
    { type: 'launchSpawned', launch: gone, pid: 7 },
    { type: 'launchAnswered', launch: gone, envoyState: 'INITIALIZING' },
    { type: 'launchLive', launch: gone },
    { type: 'launchExited', launch: gone, outcome, lastLines: [] },
    { type: 'connectionsCounted', launch: gone, count: 0 },
    { type: 'lineageRepaired', lineage: lineageIdOf(9), isSound: true, reason: '' },
    { type: 'timerFired', timer: 'retry' },
    { type: 'timerFired', timer: `kill:${gone}` },
  ];
  const states: readonly (readonly [string, State])[] = [
    ['serving', serving],
    ['handing over', handingOver],
    ['retiring', retiring],
  ];

  describe.each(states)('while %s', (_, state) => {
    test.each(late.map((event) => [event.type, event] as const))(
      'changes nothing: %s',
      (_type, event) => {
        expect(take(state, event)).toEqual({ state, effects: [] });
      },
    );
  });

  it('changes nothing, whatever it is, when the agent has stopped', () => {
    const stopped: State = { ...initialState, phase: 'stopped' };
    for (const event of [...late, changed(), asked, missing]) {
      expect(step(stopped, event, { atMs: NOW_MS, chance: 0 }, policy)).toEqual({
        state: stopped,
        effects: [],
      });
    }
  });
});

describe('a spawned launch', () => {
  it('has its process id', () => {
    const { state } = take(handingOver, { type: 'launchSpawned', launch: launchIdOf(2), pid: 41 });
    expect(state.launches.map(({ pid }) => pid)).toEqual([undefined, 41]);
  });
});

describe('a part that is held', () => {
  const held: Event = { type: 'partHeld', part: 'certificates', problems: ['Cannot read it.'] };

  it('is known until it is whole again', () => {
    const { state, effects } = take(serving, held);
    expect([...state.held]).toEqual([['certificates', ['Cannot read it.']]]);
    expect(effects).toEqual([]);
    expect(take(state, { ...held, problems: [] }).state.held.size).toBe(0);
  });

  it('does not change what serves', () => {
    const { state } = take(serving, held);
    expect({ ...state, held: serving.held }).toEqual(serving);
  });
});

describe('what is missing at the start', () => {
  it('ends the agent at once when it is not certificates', () => {
    const own = { ...policy, certificateWaitMs: 60_000 };
    const broken: Event = {
      type: 'desiredMissing',
      problems: ['No template.'],
      lacks: 'configuration',
    };
    expect(verbs(take(initialState, broken, { policy: own }).effects)).toEqual(['exit 78']);
  });
});

describe('requests that wait', () => {
  it('are refused past the hundredth, and are answered', () => {
    const request = (count: number): Event => ({
      type: 'restartRequested',
      trigger: 'request',
      mode: 'auto',
      request: requestIdOf(`R${count}`),
    });
    const hundred = Array.from({ length: 100 }, (_, at) => request(at));
    const { state } = takeAll(retiring, hundred);
    expect(state.pending).toHaveLength(100);
    const over = take(state, request(100));
    expect(over.state.pending).toHaveLength(100);
    expect(over.effects).toMatchObject([{ type: 'reportHandover', requests: ['R100'] }]);
  });
});
