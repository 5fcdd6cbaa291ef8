import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { handoverIdOf, launchIdOf, lineageIdOf } from '../../src/core/model.ts';
import { readiness } from '../../src/core/readiness.ts';
import type { State } from '../../src/core/state.ts';
import {
  handingOver,
  handoverOf,
  launchOf,
  NOW_MS,
  OLD,
  policy,
  retiring,
  serving,
  take,
  takeAll,
  verbs,
} from '../support/states.ts';

const DEADLINE_MS = policy.hangDeadlineMs;

function silent(count: number, silentMs = DEADLINE_MS): Event {
  return { type: 'launchSilent', launch: launchIdOf(count), silentMs };
}

function heard(count: number): Event {
  return { type: 'launchHeard', launch: launchIdOf(count) };
}

function passed(count: number): Event {
  return { type: 'checksPassed', handover: handoverIdOf(count), speaksSameVersion: true };
}

/** L1 serves in G1 and L2 in G2. */
const twoServing: State = {
  ...serving,
  launches: [launchOf(1), launchOf(2, { lineage: lineageIdOf(2) })],
};

describe('an Envoy that does not answer', () => {
  it('is let alone until its deadline, and how long it has been silent is known', () => {
    const { state, effects } = take(serving, silent(1, DEADLINE_MS - 1));
    expect(verbs(effects)).toEqual([]);
    expect(state.launches).toMatchObject([{ id: 'L1', silentMs: DEADLINE_MS - 1 }]);
  });

  it('is as it was when it answers again', () => {
    const { state } = takeAll(serving, [silent(1, 5_000), heard(1)]);
    expect(state).toEqual(serving);
  });

  it('is let alone for ever where the deadline is 0', () => {
    const { effects } = take(serving, silent(1, 1e9), { policy: { ...policy, hangDeadlineMs: 0 } });
    expect(verbs(effects)).toEqual([]);
  });

  it('is replaced side by side at its deadline, for a token', () => {
    const { state, effects } = take(serving, silent(1));
    expect(verbs(effects)).toEqual(['check H2 render']);
    expect(state.handover).toMatchObject({
      askedMode: 'side-by-side',
      aim: 'restore',
      replaces: 'L1',
      triggers: ['crash'],
    });
    expect(state.crashes).toMatchObject([{ launch: 'L1', outcome: { kind: 'hung' } }]);
  });

  it('is not ready until its successor is', () => {
    const { state } = take(serving, silent(1));
    const answer = readiness(state, { policy, moment: { atMs: NOW_MS } });
    expect(state.phase).toBe('running');
    expect(answer).toMatchObject({ ready: false, reason: expect.stringMatching(/^hung: L1 /) });
  });

  it('is replaced once, however long it goes on', () => {
    const { state } = take(serving, silent(1));
    const again = take(state, silent(1, DEADLINE_MS + 1_000));
    expect(verbs(again.effects)).toEqual([]);
    expect(again.state.crashes).toHaveLength(1);
  });

  it('is not replaced when it answers before another was launched', () => {
    const { state, effects } = takeAll(serving, [silent(1), heard(1)]);
    expect(verbs(effects)).toEqual(['check H2 render', 'report H2 abandoned']);
    expect(state.handover).toBeUndefined();
  });

  it('keeps who asked for a restart waiting while it is replaced, and then does it', () => {
    const hangUp: Event = { type: 'restartRequested', trigger: 'signal', mode: 'auto' };
    const { state, effects } = takeAll(serving, [silent(1), hangUp, heard(1)]);
    expect(verbs(effects)).toEqual(['check H2 render', 'report H2 abandoned', 'check H3 full']);
    expect(state.handover).toMatchObject({ aim: 'change', triggers: ['signal'] });
  });

  it('goes when its successor was launched before it answered', () => {
    const { state } = takeAll(serving, [silent(1), passed(2), heard(1)]);
    expect(state.handover).toMatchObject({ step: 'starting', launch: 'L2' });
    const outcome = { kind: 'exited', code: 1 } as const;
    const failed = { type: 'launchExited', launch: launchIdOf(2), outcome, lastLines: [] } as const;
    const gone = take(state, failed);
    expect(verbs(gone.effects)).toEqual(['forget L2', 'report H2 abandoned']);
    expect(gone.state.handover).toBeUndefined();
  });

  it('serves on by its workers when its replacement failed, which is tried again', () => {
    const failed: Event = {
      type: 'checksFailed',
      handover: handoverIdOf(2),
      problems: ['Cannot read the template.'],
      exitCode: 78,
    };
    const { state, effects } = takeAll(serving, [silent(1), failed, silent(1)]);
    expect(verbs(effects)).toEqual(['check H2 render', 'report H2 refused']);
    expect(state.timers.get('replace:L1' as never)).toBe(NOW_MS + 60_000);
    const again = take(state, { type: 'timerFired', timer: `replace:${launchIdOf(1)}` });
    expect(verbs(again.effects)).toEqual(['check H3 render']);
    expect(again.state.crashes).toHaveLength(1);
  });

  it('gives its token back with time when it answers again and serves on', () => {
    const { state } = takeAll(serving, [silent(1), heard(1)]);
    expect(state.timers.get('refill')).toBe(NOW_MS + policy.restartRefillTimeMs);
  });

  it('goes on being replaced when someone asks for a restart that is not a rescue', () => {
    const held = { ...serving, launches: [launchOf(1, { isHung: true })] };
    const timers = new Map([[`replace:${launchIdOf(1)}` as const, NOW_MS + 9_000]]);
    const hangUp: Event = { type: 'restartRequested', trigger: 'signal', mode: 'auto' };
    const { state, effects } = takeAll({ ...held, timers }, [hangUp, heard(1)]);
    expect(verbs(effects)).toEqual(['check H2 full']);
    expect(state.handover).toMatchObject({ aim: 'change', triggers: ['signal'] });
  });

  it('comes before the next try of a change that was under way beside it', () => {
    const beside: State = {
      ...handingOver,
      launches: [launchOf(1), launchOf(2, { stage: 'starting', lineage: lineageIdOf(2) })],
      handover: handoverOf({ mode: 'side-by-side', launch: launchIdOf(2) }),
    };
    const outcome = { kind: 'exited', code: 1 } as const;
    const failed = { type: 'launchExited', launch: launchIdOf(2), outcome, lastLines: [] } as const;
    const { state, effects } = takeAll(beside, [silent(1), failed]);
    expect(verbs(effects)).toEqual(['forget L2', 'report H2 abandoned', 'check H3 render']);
    expect(state.handover).toMatchObject({ aim: 'restore', replaces: 'L1' });
  });

  it('is killed as soon as its successor is LIVE, and not before', () => {
    const replacing: State = {
      ...serving,
      launches: [
        launchOf(1, { isHung: true, silentMs: DEADLINE_MS }),
        launchOf(2, { stage: 'starting', lineage: lineageIdOf(2) }),
      ],
      handover: handoverOf({
        aim: 'restore',
        mode: 'side-by-side',
        target: OLD,
        step: 'starting',
        launch: launchIdOf(2),
        replaces: launchIdOf(1),
      }),
    };
    const { effects } = take(replacing, { type: 'launchLive', launch: launchIdOf(2) });
    expect(verbs(effects)).toContain('SIGKILL L1');
  });

  it('is killed as soon as a standby is LIVE that was begun before it hung', () => {
    const state: State = {
      ...serving,
      launches: [
        launchOf(1, { isHung: true, silentMs: DEADLINE_MS }),
        launchOf(2, { stage: 'starting', lineage: lineageIdOf(2) }),
      ],
      handover: handoverOf({
        aim: 'standby',
        mode: 'side-by-side',
        target: OLD,
        launch: launchIdOf(2),
      }),
    };
    const live: Event = { type: 'launchLive', launch: launchIdOf(2) };
    const { effects } = take(state, live, { policy: { ...policy, standby: true } });
    expect(verbs(effects)).toContain('SIGKILL L1');
  });

  it('takes its child along when that has not been LIVE: it waits for an answer', () => {
    const { state, effects } = take(handingOver, silent(1));
    expect(verbs(effects)).toEqual(['SIGKILL L2', 'report H2 abandoned', 'check H3 render']);
    expect(state.handover).toMatchObject({ aim: 'restore', replaces: 'L1' });
    expect(state.unsound.get(lineageIdOf(1))).toBe('poisoned');
  });

  it('is killed when it drains, which leads to the rescue of its child', () => {
    const { state, effects } = take(retiring, silent(1));
    expect(verbs(effects)).toEqual(['SIGKILL L1']);
    const outcome = { kind: 'killed', signal: 'SIGKILL' } as const;
    const gone = take(state, {
      type: 'launchExited',
      launch: launchIdOf(1),
      outcome,
      lastLines: [],
    });
    expect(gone.state.launches).toMatchObject([{ id: 'L2', isDoomed: true }]);
    expect(gone.state.handover).toMatchObject({ askedMode: 'side-by-side', replaces: 'L2' });
  });

  it('is spared when it only waits for its parent, which does not answer either', () => {
    const { effects } = takeAll(retiring, [silent(1, 5_000), silent(2)]);
    expect(verbs(effects)).toEqual(['SIGKILL L1']);
  });

  it('is replaced when its parent answers, and the parent drains on', () => {
    const { state, effects } = take(retiring, silent(2));
    expect(verbs(effects)).toEqual(['check H3 render']);
    expect(state.launches).toMatchObject([{ stage: 'retiring' }, { isHung: true }]);
  });

  it('is killed at once where another one serves', () => {
    const { state, effects } = take(twoServing, silent(2), {
      policy: { ...policy, standby: true },
    });
    expect(verbs(effects)).toEqual(['SIGKILL L2']);
    expect(state.handover).toBeUndefined();
  });

  it('is killed as soon as the other one is heard that hung with it', () => {
    const two = { ...policy, standby: true };
    const bothSilent = takeAll(twoServing, [silent(2, 5_000), silent(1)], two);
    expect(verbs(bothSilent.effects)).toEqual(['check H2 render']);
    const { state, effects } = takeAll(bothSilent.state, [heard(2), silent(1)], two);
    expect(verbs(effects)).toEqual(['SIGKILL L1']);
    expect(state.crashes).toHaveLength(1);
  });

  it('is replaced though the other one that hung with it was killed', () => {
    const two = { ...policy, standby: true };
    const outcome = { kind: 'killed', signal: 'SIGKILL' } as const;
    const gone = { type: 'launchExited', launch: launchIdOf(2), outcome, lastLines: [] } as const;
    const events = [silent(2, 5_000), silent(1), silent(2), gone];
    const { state, effects } = takeAll(twoServing, events, two);
    expect(verbs(effects)).toEqual(['check H2 render', 'SIGKILL L2', 'forget L2']);
    expect(state.handover).toMatchObject({ aim: 'restore', replaces: 'L1' });
  });

  it('ends the agent when the tokens are spent', () => {
    const { state } = take(serving, silent(1), { policy: { ...policy, restartTokens: 0 } });
    expect(state.stop).toMatchObject({ exitCode: 255 });
  });

  it('is no reason to do anything while the agent stops, and is not waited for', () => {
    const stop: Event = { type: 'stopRequested', how: 'graceful', reason: 'asked' };
    const { state } = take(serving, stop);
    const { effects } = take(state, silent(1));
    expect(verbs(effects)).toEqual([]);
  });

  it.each(['starting', 'stopping'] as const)('has other deadlines when it is %s', (stage) => {
    const state: State = { ...serving, launches: [launchOf(1, { stage })] };
    expect(take(state, silent(1)).state.launches[0]?.silentMs).toBeUndefined();
  });
});
