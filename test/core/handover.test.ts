import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { initialState } from '../../src/core/lifecycle.ts';
import { handoverIdOf, launchIdOf, lineageIdOf, requestIdOf } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import {
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

const passed: Event = {
  type: 'checksPassed',
  handover: handoverIdOf(2),
  speaksSameVersion: true,
};
const checking: State = {
  ...serving,
  desired: NEW,
  handoverCount: 2,
  handover: handoverOf({ step: 'checking' }),
};
const live = (count: number): Event => ({ type: 'launchLive', launch: launchIdOf(count) });

describe('passed checks', () => {
  it('launch the next epoch of the same lineage and bound its silence', () => {
    const { state, effects } = take(checking, passed);
    expect(verbs(effects)).toEqual(['launch L2 at epoch 1 of G1']);
    expect(effects).toMatchObject([{ target: NEW }]);
    expect(state.launches.map(({ stage }) => stage)).toEqual(['live', 'starting']);
    expect(state.timers).toEqual(timersOf({ 'silence:L2': NOW_MS + 60_000 } as never));
    expect(state.handover).toMatchObject({ step: 'starting', launch: 'L2', mode: 'hot' });
  });

  it('are not enough when the desired state has moved on', () => {
    const { state, effects } = take({ ...checking, desired: NEWER }, passed);
    expect(effects).toMatchObject([{ type: 'checkDesired', target: NEWER }]);
    expect(state.launchCount).toBe(1);
  });

  it('start a new lineage at epoch 0 when nothing lives', () => {
    const { state, effects } = takeAll(initialState, [
      { type: 'desiredChanged', desired: OLD },
      { ...passed, handover: handoverIdOf(1) } as Event,
    ]);
    expect(verbs(effects)).toEqual(['check H1 render', 'launch L1 at epoch 0 of G1']);
    expect(state.handover?.mode).toBe('cold');
  });

  it('use the epoch after the highest living one when an older one has gone', () => {
    const given = { ...checking, launches: [launchOf(3)], launchCount: 3 };
    expect(verbs(take(given, passed).effects)).toEqual(['launch L4 at epoch 3 of G1']);
  });

  it('drain the old one first when the mode is cold', () => {
    const cold = { ...checking, handover: handoverOf({ step: 'checking', askedMode: 'cold' }) };
    const { state, effects } = take(cold, passed);
    expect(verbs(effects)).toEqual(['drain L1 for stop']);
    expect(state.handover?.step).toBe('clearing');
    expect(state.timers).toEqual(timersOf({ 'retire:L1': NOW_MS + 60_000 } as never));
  });

  it('mean nothing when they are those of another handover or come twice', () => {
    const other = { ...passed, handover: handoverIdOf(1) } as Event;
    expect(take(checking, other)).toEqual({ state: checking, effects: [] });
    const launched = take(checking, passed).state;
    expect(take(launched, passed)).toEqual({ state: launched, effects: [] });
  });

  it('refuse a mode asked for by name, and hold nothing against the change', () => {
    const hot = { ...checking, handover: handoverOf({ step: 'checking', askedMode: 'hot' }) };
    const { state, effects } = take(hot, { ...passed, speaksSameVersion: false } as Event);
    expect(verbs(effects)).toEqual(['report H2 refused', 'check H3 full']);
    expect(state.handover).toMatchObject({ askedMode: 'auto', triggers: ['certificates'] });
  });

  it('refuse the change for good when the policy is hot and hot cannot be', () => {
    const own = { ...policy, handover: 'hot' } as const;
    const other = { ...passed, speaksSameVersion: false } as Event;
    const { state, effects } = take(checking, other, { policy: own });
    expect(verbs(effects)).toEqual(['report H2 refused']);
    expect(state.refused?.what).toBe(NEW);
  });
});

describe('a handover without room for two Envoys', () => {
  const patient = { ...policy, memory: 'wait' } as const;
  const short: Event = { ...passed, memoryShortage: { neededBytes: 20, freeBytes: 10 } };
  const { state: waiting } = take(checking, short, { policy: patient });

  it('waits and looks again every ten seconds, while the old one serves', () => {
    expect(waiting.handover).toMatchObject({ step: 'headroom', target: NEW });
    expect(waiting.timers).toEqual(timersOf({ headroom: NOW_MS + 10_000 }));
    const { effects } = take(waiting, { type: 'timerFired', timer: 'headroom' });
    expect(verbs(effects)).toEqual(['check H2 full']);
  });

  it('goes on as soon as there is room, and forgets why it waited', () => {
    const fired = take(waiting, { type: 'timerFired', timer: 'headroom' }).state;
    const { state, effects } = take(fired, passed, { policy: patient });
    expect(verbs(effects)).toEqual(['launch L2 at epoch 1 of G1']);
    expect(state.handover?.modeReason).toBeUndefined();
  });

  it.each<[string, Event]>([
    ['another change comes', { type: 'desiredChanged', desired: NEWER }],
    ['someone asks', { type: 'restartRequested', trigger: 'signal', mode: 'auto' }],
  ])('looks at once when %s', (_, event) => {
    const { state, effects } = take(waiting, event);
    expect(verbs(effects)).toEqual(['check H2 full']);
    expect(state.timers.has('headroom')).toBe(false);
  });

  it('looks at once when one of those that live has ended', () => {
    const ending = launchOf(3, { stage: 'stopping', lineage: lineageIdOf(2) });
    const crowded = { ...waiting, launches: [...waiting.launches, ending] };
    const outcome = { kind: 'exited', code: 0 } as const;
    const gone = { type: 'launchExited', launch: ending.id, outcome, lastLines: [] } as const;
    expect(verbs(take(crowded, gone).effects)).toEqual(['forget L3', 'check H2 full']);
  });

  it('is over when the agent stops', () => {
    const { state } = take(waiting, { type: 'stopRequested', how: 'graceful', reason: 'asked' });
    expect(state.timers.has('headroom')).toBe(false);
  });
});

describe('an answer before LIVE', () => {
  const answered: Event = {
    type: 'launchAnswered',
    launch: launchIdOf(2),
    envoyState: 'INITIALIZING',
  };

  it('moves the silence and bounds the initialization once', () => {
    const once = take(handingOver, answered, { afterMs: 1_000 }).state;
    const twice = take(once, answered, { afterMs: 2_000 }).state;
    expect(twice.timers).toEqual(
      timersOf({
        'silence:L2': NOW_MS + 62_000,
        'initialize:L2': NOW_MS + 301_000,
      } as never),
    );
    expect(twice.launches[1]?.envoyState).toBe('INITIALIZING');
  });

  it.each(['live', 'retiring', 'stopping'] as const)(
    'means nothing from one that is %s',
    (stage) => {
      const given = { ...serving, launches: [launchOf(1), launchOf(2, { stage })] };
      expect(take(given, answered).state.timers.size).toBe(0);
    },
  );

  it('comes too late when it was killed already', () => {
    const killed = { ...launchOf(2, { stage: 'starting' }), isKilled: true } as const;
    const given = { ...handingOver, launches: [launchOf(1), killed] };
    expect(take(given, answered)).toEqual({ state: given, effects: [] });
  });
});

describe('LIVE', () => {
  it('commits: the new one serves, the old one retires, who asked is answered', () => {
    const asked = handoverOf({ launch: launchIdOf(2), requests: [requestIdOf('R1')] });
    const { state, effects } = take({ ...handingOver, handover: asked }, live(2));
    expect(verbs(effects)).toEqual(['report H2 committed', 'drain L1 for count']);
    expect(effects).toMatchObject([{ requests: ['R1'] }, {}]);
    expect(state.launches.map(({ stage }) => stage)).toEqual(['retiring', 'live']);
    expect(state.committed).toBe(NEW);
    expect(state.handover).toMatchObject({ step: 'retiring', requests: [] });
    expect(state.timers).toEqual(
      timersOf({ refill: NOW_MS + 600_000, 'retire:L1': NOW_MS + 70_000 } as never),
    );
    expect(state.lastEnd).toMatchObject({ id: 'H2', result: 'committed', mode: 'hot' });
  });

  it('makes the agent drain the old one when the new one is of another lineage', () => {
    const beside = launchOf(2, { stage: 'starting', lineage: lineageIdOf(2), target: NEW });
    const given = { ...handingOver, launches: [launchOf(1), beside] };
    const { state, effects } = take(given, live(2));
    expect(verbs(effects)).toEqual(['report H2 committed', 'drain L1 for handover']);
    expect(state.timers.get('retire:L1' as never)).toBe(NOW_MS + 60_000);
  });

  it('of one that was killed counts only where it has taken over from its parent', () => {
    const killed = launchOf(2, { stage: 'starting', isKilled: true });
    const child = { ...handingOver, launches: [launchOf(1), killed] };
    const beside = { ...child, launches: [launchOf(1), { ...killed, lineage: lineageIdOf(2) }] };
    const live: Event = { type: 'launchLive', launch: launchIdOf(2) };
    expect(take(child, live).state.launches).toMatchObject([{ stage: 'retiring' }, {}]);
    expect(verbs(take(beside, live).effects)).toEqual([]);
  });

  it('ends the handover at once when there is nothing to retire', () => {
    const alone = { ...handingOver, launches: [launchOf(2, { stage: 'starting', target: NEW })] };
    expect(take(alone, live(2)).state.handover).toBeUndefined();
  });

  it('forgets a refusal of what is LIVE now, and no other', () => {
    expect(take({ ...handingOver, refused: givenUp(NEW) }, live(2)).state.refused).toBeUndefined();
    expect(take({ ...handingOver, refused: givenUp(NEWER) }, live(2)).state.refused?.what).toBe(
      NEWER,
    );
  });

  it('arms no refill when only a changed configuration refills', () => {
    const own = { ...policy, restartRefillTimeMs: 0 };
    expect(take(handingOver, live(2), { policy: own }).state.timers.has('refill')).toBe(false);
  });

  it.each(['live', 'retiring', 'stopping'] as const)(
    'changes nothing for one that is %s',
    (stage) => {
      const given = { ...retiring, launches: [launchOf(2, { stage }), launchOf(3)] };
      expect(take(given, live(2))).toEqual({ state: given, effects: [] });
    },
  );
});

describe('the depth of checks', () => {
  const down = { ...serving, launches: [], phase: 'backoff' } as const;
  it.each<[string, State, 'full' | 'render']>([
    ['full when something serves', serving, 'full'],
    ['render when nothing ever was LIVE', { ...initialState, desired: OLD }, 'render'],
    ['render when what was LIVE is restored', down, 'render'],
  ])('is %s', (_, given, depth) => {
    const asked: Event = { type: 'restartRequested', trigger: 'signal', mode: 'auto' };
    expect(take(given, asked).effects).toMatchObject([{ type: 'checkDesired', depth }]);
  });
});
