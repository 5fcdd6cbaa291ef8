import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import {
  handoverIdOf,
  launchIdOf,
  lineageIdOf,
  type Outcome,
  type Policy,
  requestIdOf,
} from '../../src/core/model.ts';
import { isReady } from '../../src/core/readiness.ts';
import type { State } from '../../src/core/state.ts';
import { exited as exitedBy, live, passed } from '../support/core-events.ts';
import {
  attemptOf,
  desiredOf,
  givenUp,
  handoverOf,
  launchOf,
  NEW,
  NOW_MS,
  OLD,
  policy,
  serving,
  take,
  takeAll,
  timersOf,
  verbs,
} from '../support/states.ts';

const TWO: Policy = { ...policy, standby: true };
const G2 = lineageIdOf(2);
const CRASH: Outcome = { kind: 'killed', signal: 'SIGKILL' };

const exited = (count: number, outcome: Outcome = CRASH) => exitedBy(count, outcome);
const LEFT: Outcome = { kind: 'exited', code: 0 };

/** L1 serves in G1 and L2 in G2. */
const both: State = {
  ...serving,
  launches: [launchOf(1), launchOf(2, { lineage: G2, epoch: launchOf(1).epoch })],
  launchCount: 2,
  handoverCount: 2,
  lineageCount: 2,
};

function takeAllOf(state: State, ...events: readonly Event[]) {
  return takeAll(state, events, TWO);
}

/** The second Envoy follows the change that the first one serves. */
const behind: State = {
  ...both,
  desired: NEW,
  committed: NEW,
  generation: 2,
  launches: [both.launches[0] ?? launchOf(1), launchOf(3, { lineage: G2, generation: 2 })],
  launchCount: 3,
  handoverCount: 3,
};

describe('a standby', () => {
  it('is started beside the first Envoy, in a lineage of its own', () => {
    const { state, effects } = takeAllOf(
      serving,
      { type: 'timerFired', timer: 'refill' },
      passed(2),
    );
    expect(verbs(effects)).toEqual(['check H2 full', 'launch L2 at epoch 0 of G2']);
    expect(state.handover).toMatchObject({ aim: 'standby', mode: 'side-by-side' });
  });

  it('serves beside the first one: nobody is drained for it', () => {
    const starting = takeAllOf(serving, { type: 'timerFired', timer: 'refill' }, passed(2)).state;
    const { state, effects } = takeAllOf(starting, live(2));
    expect(verbs(effects)).toEqual(['report H2 committed']);
    expect(state.launches).toMatchObject([{ stage: 'live' }, { stage: 'live' }]);
    expect(state.handover).toBeUndefined();
  });

  it('is not started where nobody asked for one', () => {
    expect(take(serving, { type: 'timerFired', timer: 'refill' }).effects).toEqual([]);
  });

  it('is not started where two processes cannot share the listeners, and that is not tried again', () => {
    const facts = { unshareableListeners: ['listener web'] };
    const { state, effects } = takeAllOf(
      serving,
      { type: 'timerFired', timer: 'refill' },
      passed(2, facts),
      { type: 'partHeld', part: 'binary', problems: [] },
    );
    expect(verbs(effects)).toEqual(['check H2 full', 'report H2 refused']);
    expect(state.standbyGivenUp).toBe(1);
  });
});

describe('a change with two Envoys', () => {
  it('replaces the newer one first and lets the other serve', () => {
    const changed = takeAllOf(both, { type: 'desiredChanged', desired: NEW }, passed(3));
    expect(verbs(changed.effects)).toEqual(['check H3 full', 'launch L3 at epoch 1 of G2']);
    const { state, effects } = takeAllOf(changed.state, live(3));
    expect(verbs(effects)).toEqual(['report H3 committed', 'drain L2 for count']);
    expect(state.launches.map(({ stage }) => stage)).toEqual(['live', 'retiring', 'live']);
  });

  it('replaces the other one when the first has left, to the same content', () => {
    const { effects, state } = takeAllOf(
      {
        ...behind,
        launches: [...behind.launches, launchOf(2, { lineage: G2, stage: 'stopping' })],
      },
      exited(2, LEFT),
      passed(4),
    );
    expect(verbs(effects)).toEqual(['forget L2', 'check H4 full', 'launch L4 at epoch 1 of G1']);
    expect(state.handover).toMatchObject({ aim: 'standby', replaces: 'L1', target: NEW });
  });

  it('is at rest when both serve it', () => {
    const following = takeAllOf(behind, { type: 'timerFired', timer: 'refill' }).state;
    const { state } = takeAllOf(
      { ...behind, timers: timersOf({ refill: NOW_MS }) },
      {
        type: 'timerFired',
        timer: 'refill',
      },
    );
    expect(following.handover).toMatchObject({ aim: 'standby' });
    const done = takeAllOf(state, passed(4), live(4), exited(1, LEFT));
    expect(done.state.launches).toMatchObject([{ generation: 2 }, { generation: 2 }]);
  });

  it('replaces the one that is further behind, so that under steady changes both take turns', () => {
    const change: Event = { type: 'desiredChanged', desired: desiredOf('newest') };
    const { state } = take(behind, change, { policy: TWO });
    expect(state.handover).toMatchObject({ aim: 'change', replaces: 'L1' });
  });

  it('comes before a standby that is not launched yet', () => {
    const change: Event = { type: 'desiredChanged', desired: NEW };
    const missing = take(serving, { type: 'timerFired', timer: 'refill' }, { policy: TWO }).state;
    for (const event of [change, { type: 'restartRequested', trigger: 'signal', mode: 'auto' }]) {
      const { state, effects } = take(missing, event as Event, { policy: TWO });
      expect(verbs(effects)).toEqual(['report H2 abandoned', 'check H3 full']);
      expect(state.handover).toMatchObject({ aim: 'change' });
    }
  });

  it('waits five seconds at most for a standby that has been launched', () => {
    const starting: State = {
      ...serving,
      launches: [launchOf(1), launchOf(2, { stage: 'starting', lineage: G2 })],
      handover: handoverOf({ aim: 'standby', target: OLD, launch: launchIdOf(2) }),
    };
    const change: Event = { type: 'desiredChanged', desired: NEW };
    const answered: Event = {
      type: 'launchAnswered',
      launch: launchIdOf(2),
      envoyState: 'INITIALIZING',
    };
    const { state, effects } = takeAllOf(starting, change, answered);
    expect(verbs(effects)).toEqual([]);
    const deadline = `initialize:${launchIdOf(2)}` as const;
    expect(state.timers.get(deadline)).toBe(NOW_MS + 5_000);
    const late = take(state, change, { policy: TWO, afterMs: 4_000 }).state;
    expect(late.timers.get(deadline)).toBe(NOW_MS + 5_000);
    const overdue = take(state, { type: 'timerFired', timer: deadline }, { policy: TWO });
    expect(verbs(overdue.effects)).toEqual(['SIGKILL L2']);
  });

  it('gives a standby all the time it needs when nothing else serves', () => {
    const alone: State = {
      ...serving,
      phase: 'backoff',
      launches: [launchOf(2, { stage: 'starting', lineage: G2 })],
      handover: handoverOf({ aim: 'standby', target: OLD, launch: launchIdOf(2) }),
    };
    const { state } = take(alone, { type: 'desiredChanged', desired: NEW }, { policy: TWO });
    expect(state.timers.size).toBe(0);
  });

  it('comes before the next try of a standby that failed', () => {
    const starting: State = {
      ...serving,
      launches: [launchOf(1), launchOf(2, { stage: 'starting', lineage: G2 })],
      launchCount: 2,
      handoverCount: 2,
      handover: handoverOf({ aim: 'standby', target: OLD, launch: launchIdOf(2) }),
    };
    const change: Event = { type: 'desiredChanged', desired: NEW };
    const { effects } = takeAllOf(starting, change, exited(2));
    expect(verbs(effects)).toEqual(['forget L2', 'report H2 abandoned', 'check H3 full']);
  });

  it('that someone asked for by hand also replaces both', () => {
    const asked: Event = {
      type: 'restartRequested',
      trigger: 'request',
      mode: 'auto',
      request: requestIdOf('R1'),
    };
    const { state } = takeAllOf(both, asked, passed(3), live(3));
    expect(state.generation).toBe(2);
    expect(state.launches).toMatchObject([
      { generation: 1, stage: 'live' },
      { stage: 'retiring' },
      { generation: 2 },
    ]);
  });
});

describe('the death of one of two', () => {
  it.each([1, 2])('(L%d) is no outage, but costs a token and its delay', (count) => {
    const { state, effects } = takeAllOf(both, exited(count));
    expect(verbs(effects)).toEqual([`forget L${count}`]);
    expect(state.phase).toBe('running');
    expect(isReady(state)).toBe(true);
    expect(state.crashes).toHaveLength(1);
    expect(state.timers).toEqual(timersOf({ refill: NOW_MS + 600_000, retry: NOW_MS + 200 }));
    expect(state.handover).toMatchObject({ aim: 'standby', step: 'backoff', triggers: ['crash'] });
  });

  it('is followed by another in a new lineage', () => {
    const { effects } = takeAllOf(
      both,
      exited(1),
      { type: 'timerFired', timer: 'retry' },
      passed(3),
    );
    expect(verbs(effects).slice(1)).toEqual(['check H3 full', 'launch L3 at epoch 0 of G3']);
  });

  it('after it took over is followed by another child of the parent that still drains', () => {
    const taken: State = {
      ...both,
      launches: [
        launchOf(1),
        launchOf(2, { lineage: G2, epoch: launchOf(1).epoch, stage: 'retiring' }),
        launchOf(3, { lineage: G2, epoch: launchOf(2).epoch }),
      ],
      launchCount: 3,
      handoverCount: 3,
      handover: handoverOf({ id: handoverIdOf(3), step: 'retiring', replaces: launchIdOf(2) }),
    };
    const { effects } = takeAllOf(
      taken,
      exited(3),
      { type: 'timerFired', timer: 'retry' },
      passed(4),
    );
    expect(verbs(effects)).toContain('launch L4 at epoch 1 of G2');
  });

  it('as the parent of one that is not LIVE ends that too, and the change goes on with the other', () => {
    const changed = takeAllOf(both, { type: 'desiredChanged', desired: NEW }, passed(3)).state;
    const { state, effects } = takeAllOf(changed, exited(2));
    expect(verbs(effects)).toEqual(['forget L2', 'SIGKILL L3']);
    expect(state.handover).toMatchObject({ aim: 'change', step: 'backoff' });
    const next = takeAllOf(state, exited(3), { type: 'timerFired', timer: 'retry' }, passed(3));
    expect(verbs(next.effects)).toContain('launch L4 at epoch 1 of G1');
  });

  it('lets a handover of the other one go on', () => {
    const changed = takeAllOf(both, { type: 'desiredChanged', desired: NEW }, passed(3)).state;
    const { state, effects } = takeAllOf(changed, exited(1));
    expect(verbs(effects)).toEqual(['forget L1']);
    expect(state.handover).toMatchObject({ step: 'starting', launch: 'L3' });
  });

  it('does not leave a handover waiting for the repair of its lineage', () => {
    const repairing: State = {
      ...both,
      unsound: new Map([[G2, 'poisoned']]),
      handover: handoverOf({
        id: handoverIdOf(3),
        step: 'repairing',
        replaces: launchIdOf(2),
        attempts: [attemptOf(3)],
      }),
    };
    const { state } = takeAllOf(repairing, exited(2));
    expect(state.handover).toMatchObject({ step: 'backoff' });
  });

  it('without a token left leaves the other one alone until tokens come back', () => {
    const spent = { ...TWO, restartTokens: 0 };
    const { state, effects } = take(both, exited(1), { policy: spent });
    expect(verbs(effects)).toEqual(['forget L1']);
    expect(state.handover).toBeUndefined();
    expect(state.standbyGivenUp).toBe(1);
    expect(state.phase).toBe('running');
    const again = take(
      { ...state, timers: timersOf({ refill: NOW_MS }) },
      { type: 'timerFired', timer: 'refill' },
      { policy: spent },
    );
    expect(verbs(again.effects)).toEqual(['check H3 full']);
    expect(state.timers.get('refill')).toBe(NOW_MS + policy.restartRefillTimeMs);
  });

  it('is tried again a minute after it could not be started, and a refused change is not', () => {
    const spent = { ...TWO, restartTokens: 0 };
    const starting: State = {
      ...serving,
      desired: NEW,
      refused: givenUp(NEW),
      launches: [launchOf(1), launchOf(2, { stage: 'starting', lineage: G2 })],
      launchCount: 2,
      handover: handoverOf({ aim: 'standby', target: OLD, launch: launchIdOf(2) }),
    };
    const failed = take(starting, exited(2), { policy: spent });
    expect(verbs(failed.effects)).toEqual(['forget L2', 'report H2 rolledBack']);
    expect(failed.state.timers).toEqual(timersOf({ standby: NOW_MS + 60_000 }));
    const again = take(failed.state, { type: 'timerFired', timer: 'standby' }, { policy: spent });
    expect(again.state.handover).toMatchObject({ aim: 'standby', step: 'checking' });
    expect(again.state.refused?.what).toBe(NEW);
  });

  it('followed by that of the other is an outage', () => {
    const { state } = takeAllOf(both, exited(1), exited(2));
    expect(state.phase).toBe('backoff');
    expect(state.crashes).toHaveLength(2);
    expect(state.handover).toMatchObject({ aim: 'restore', target: OLD });
  });
});

it('tells both to go when the agent stops', () => {
  const stop: Event = { type: 'stopRequested', how: 'graceful', reason: 'asked' };
  const { effects, state } = takeAllOf(both, stop);
  expect(verbs(effects)).toEqual(['drain L1 for stop', 'drain L2 for stop']);
  const now = takeAllOf(state, { ...stop, how: 'now' });
  expect(verbs(now.effects)).toEqual(['SIGTERM L1', 'SIGTERM L2']);
});
