import { describe, expect, it } from 'vitest';
import { outcomeText, reasonOf } from '../../src/core/attempts.ts';
import type { Event } from '../../src/core/events.ts';
import {
  type FailureCause,
  handoverIdOf,
  launchIdOf,
  lineageIdOf,
  type Outcome,
  requestIdOf,
} from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import { PENDING_REPLY_MS } from '../../src/core/tries.ts';
import {
  attemptOf,
  backingOff,
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

const CLEAN: Outcome = { kind: 'exited', code: 0 };
const CRASH: Outcome = { kind: 'killed', signal: 'SIGSEGV' };

function exited(count: number, outcome: Outcome = CRASH, cause?: FailureCause): Event {
  const launch = launchIdOf(count);
  const known = cause === undefined ? {} : { cause };
  return { type: 'launchExited', launch, outcome, lastLines: ['last words'], ...known };
}

const repaired = (isSound: boolean): Event => ({
  type: 'lineageRepaired',
  lineage: lineageIdOf(1),
  isSound,
  reason: 'as tested',
});
const failed: Event = {
  type: 'checksFailed',
  handover: handoverIdOf(2),
  problems: ['Cannot do it.', 'At all.'],
  exitCode: 78,
};

/** L1 drains alone after its child crashed; L2's successor is starting again. */
const restoringFromParent: State = {
  ...retiring,
  phase: 'backoff',
  launches: [launchOf(1, { stage: 'retiring' }), launchOf(2, { stage: 'starting' })],
  crashes: [attemptOf(9)],
  handover: handoverOf({ aim: 'restore', step: 'starting', launch: launchIdOf(2) }),
  timers: new Map(),
};
const firstStart: State = {
  ...handingOver,
  phase: 'waiting',
  launches: [launchOf(2, { stage: 'starting' })],
  desired: NEW,
};
const { committed: _committed, ...neverServed } = firstStart;

describe('an exit nobody asked for', () => {
  it.each([CLEAN, CRASH, { kind: 'exited', code: 1 } as const])('is a crash with %j', (outcome) => {
    const { state, effects } = take(serving, exited(1, outcome), { afterMs: 1_500 });
    expect(verbs(effects)).toEqual(['forget L1']);
    expect(state.phase).toBe('backoff');
    expect(state.timers).toEqual(timersOf({ retry: NOW_MS + 1_700 }));
    expect(state.crashes).toMatchObject([
      { launch: 'L1', outcome, uptimeMs: 1_500, wasLive: true },
    ]);
    expect(state.handover).toMatchObject({ aim: 'restore', target: OLD, triggers: ['crash'] });
  });

  it('stops the refill', () => {
    const given = { ...serving, timers: timersOf({ refill: NOW_MS + 9 }) };
    expect(take(given, exited(1)).state.timers.has('refill')).toBe(false);
  });

  it.each([
    [1, 200],
    [5, 3_200],
    [10, 102_400],
  ])('costs its token: crash %i waits %i ms', (count, delayMs) => {
    const crashes = Array.from({ length: count - 1 }, (_, index) => attemptOf(index));
    const { state } = take({ ...serving, crashes }, exited(1));
    expect(state.timers.get('retry')).toBe(NOW_MS + delayMs);
  });

  it('ends the agent when the tokens are spent', () => {
    const crashes = Array.from({ length: 10 }, (_, index) => attemptOf(index));
    const { state, effects } = take({ ...serving, crashes }, exited(1));
    expect(verbs(effects)).toEqual(['forget L1', 'exit 255']);
    expect(state.crashes).toHaveLength(11);
    expect(state.timers.size).toBe(0);
  });

  it('ends the agent the first time when there are no tokens', () => {
    const own = { ...policy, restartTokens: 0 };
    expect(verbs(take(serving, exited(1), { policy: own }).effects)).toContain('exit 255');
  });

  it('restores from the old one when that still drains', () => {
    const down = take(retiring, exited(2));
    expect(down.state.launches.map(({ id }) => id)).toEqual(['L1']);
    const up = takeAll(down.state, [
      { type: 'timerFired', timer: 'retry' },
      { type: 'checksPassed', handover: handoverIdOf(3), speaksSameVersion: true },
    ]);
    expect(verbs(up.effects)).toEqual(['check H3 render', 'launch L3 at epoch 1 of G1']);
  });

  it('takes the starting child down too, for one token', () => {
    const { state, effects } = takeAll(handingOver, [exited(1), exited(2)]);
    expect(verbs(effects)).toEqual(['forget L1', 'SIGKILL L2', 'report H2 abandoned', 'forget L2']);
    expect(state.crashes).toHaveLength(1);
    expect(state.timers).toEqual(timersOf({ retry: NOW_MS + 200 }));
  });

  it('costs one token when the child was killed for its silence already', () => {
    const killed = { ...launchOf(2, { stage: 'starting' }), isKilled: true } as const;
    const given = { ...handingOver, launches: [launchOf(1), killed] };
    const { state, effects } = takeAll(given, [exited(1), exited(2)]);
    expect(verbs(effects)).not.toContain('SIGKILL L2');
    expect(state.crashes).toHaveLength(1);
  });

  it('lets the new one go on when it starts side by side', () => {
    const beside = launchOf(2, { stage: 'starting', lineage: lineageIdOf(2) });
    const handover = handoverOf({ mode: 'side-by-side', launch: launchIdOf(2) });
    const given = { ...handingOver, handover, launches: [launchOf(1), beside] };
    const { state, effects } = take(given, exited(1));
    expect(verbs(effects)).toEqual(['forget L1']);
    expect(state.handover?.id).toBe('H2');
    expect(state.crashes).toHaveLength(1);
  });

  it('passes who asked on to the restore, which answers once', () => {
    const handover = handoverOf({ launch: launchIdOf(2), requests: [requestIdOf('R1')] });
    const { state, effects } = take({ ...handingOver, handover }, exited(1));
    expect(effects).toContainEqual(expect.objectContaining({ requests: [] }));
    expect(state.handover).toMatchObject({ id: 'H3', requests: ['R1'] });
  });
});

describe('a launch that ends before LIVE', () => {
  it.each([CLEAN, CRASH])('with %j leaves the serving one alone and is repaired', (outcome) => {
    const { state, effects } = take(handingOver, exited(2, outcome));
    expect(verbs(effects)).toEqual(['forget L2', 'repair G1']);
    expect(state.phase).toBe('running');
    expect(state.unsound).toEqual(new Map([['G1', 'poisoned']]));
    expect(state.handover).toMatchObject({
      step: 'repairing',
      attempts: [{ launch: 'L2', outcome }],
    });
    expect(state.crashes).toEqual([]);
  });

  it.each([
    [true, undefined],
    [false, 'beyondRepair'],
  ])('waits for its token when the repair says %s', (isSound, soundness) => {
    const { state } = takeAll(handingOver, [exited(2), repaired(isSound)]);
    expect(state.timers).toEqual(timersOf({ retry: NOW_MS + 200 }));
    expect(state.unsound.get(lineageIdOf(1))).toBe(soundness);
    expect(state.handover?.step).toBe('backoff');
  });

  it('waits for a late answer when it fell silent, asked or not, changed or not', () => {
    const silenced = takeAll(handingOver, [
      { type: 'launchAnswered', launch: launchIdOf(2), envoyState: 'INITIALIZING' },
      { type: 'timerFired', timer: 'silence:L2' as never },
      exited(2),
      repaired(true),
    ]);
    expect(silenced.state.timers.get('retry')).toBe(NOW_MS + PENDING_REPLY_MS);
    const later = takeAll(silenced.state, [
      { type: 'desiredChanged', desired: NEWER },
      { type: 'desiredChanged', desired: OLD },
      { type: 'restartRequested', trigger: 'signal', mode: 'auto' },
    ]);
    expect(later.effects).toEqual([]);
    expect(later.state.timers.get('retry')).toBe(NOW_MS + PENDING_REPLY_MS);
  });

  it('waits for nobody when it answered until it was given up', () => {
    const { state } = takeAll(handingOver, [
      { type: 'launchAnswered', launch: launchIdOf(2), envoyState: 'INITIALIZING' },
      { type: 'timerFired', timer: 'initialize:L2' as never },
      exited(2),
      repaired(true),
    ]);
    expect(state.timers.get('retry')).toBe(NOW_MS + 200);
  });

  it('had taken over before anyone knew: that was a crash, and its parent accepts nothing', () => {
    const taken = { ...repaired(true), hasTakenOver: true } as Event;
    const { state, effects } = takeAll(handingOver, [exited(2), taken]);
    expect(verbs(effects)).toEqual([
      'forget L2',
      'repair G1',
      'drain L1 for count',
      'report H2 rolledBack',
    ]);
    expect(state).toMatchObject({
      phase: 'backoff',
      launches: [{ id: 'L1', stage: 'retiring' }],
      crashes: [{ launch: 'L2' }],
      handover: { aim: 'restore', step: 'backoff', target: OLD },
    });
    expect(state.timers.get('retry')).toBe(NOW_MS + 200);
    expect(state.timers.has('refill')).toBe(false);
  });

  it('had taken over, which is a crash also while something else is being checked', () => {
    const silent: Event = { type: 'launchSilent', launch: launchIdOf(1), silentMs: 30_000 };
    const heard: Event = { type: 'launchHeard', launch: launchIdOf(1) };
    const taken = { ...repaired(true), hasTakenOver: true } as Event;
    const { state } = takeAll(handingOver, [silent, exited(2), heard, taken]);
    expect(state).toMatchObject({
      launches: [{ id: 'L1', stage: 'retiring' }],
      handover: { aim: 'restore', step: 'backoff', target: OLD },
    });
    expect(state.crashes).toHaveLength(2);
  });

  it('killed by us because its parent hangs leaves a lineage that is repaired', () => {
    const silent: Event = { type: 'launchSilent', launch: launchIdOf(1), silentMs: 30_000 };
    const { effects } = takeAll(handingOver, [silent, exited(2)]);
    expect(verbs(effects)).toContain('repair G1');
  });

  it('gives the change up when its tokens are spent, and serves on', () => {
    const handover = handoverOf({
      launch: launchIdOf(2),
      attempts: Array.from({ length: 10 }, (_, index) => attemptOf(index)),
    });
    const { state, effects } = takeAll({ ...handingOver, handover }, [exited(2), repaired(true)]);
    expect(effects.at(-1)).toMatchObject({
      end: {
        result: 'rolledBack',
        attemptCount: 11,
        reason: 'L2 was ended by SIGSEGV: last words',
      },
    });
    expect(state).toMatchObject({ phase: 'running', refused: { what: NEW }, crashes: [] });
    expect(state.handover).toBeUndefined();
  });

  it('counts as a crash when nothing serves', () => {
    const { state } = takeAll(restoringFromParent, [exited(2), repaired(true)]);
    expect(state.crashes).toHaveLength(2);
    expect(state.timers.get('retry')).toBe(NOW_MS + 400);
  });

  it('is tried at once after the repair when the desired state changed meanwhile', () => {
    const { state, effects } = takeAll(restoringFromParent, [
      exited(2),
      { type: 'desiredChanged', desired: NEWER },
      repaired(true),
    ]);
    expect(effects.at(-1)).toMatchObject({ type: 'checkDesired', target: NEWER });
    expect(state.timers.has('retry')).toBe(false);
  });

  it('waits for no repair when the last of its lineage has gone meanwhile', () => {
    const { state } = takeAll(restoringFromParent, [exited(2), exited(1)]);
    expect(state.handover?.step).toBe('backoff');
    expect(take(state, repaired(true))).toEqual({ state, effects: [] });
  });

  it('gives way to what was LIVE before when nothing serves', () => {
    const change = { ...restoringFromParent, handover: handoverOf({ launch: launchIdOf(2) }) };
    const { state, effects } = takeAll({ ...change, committed: OLD }, [exited(2), repaired(true)]);
    expect(verbs(effects)).toContain('report H2 rolledBack');
    expect(state.handover).toMatchObject({ id: 'H3', aim: 'restore', target: OLD });
    expect(state.refused?.what).toBe(NEW);
  });

  it.each<[FailureCause, string]>([
    ['cannotBind', 'exit 98'],
    ['configurationRejected', 'exit 78'],
    ['noBinary', 'exit 127'],
  ])('ends the agent at once when nothing ever served and no retry helps: %s', (cause, verb) => {
    expect(verbs(take(neverServed, exited(2, CRASH, cause)).effects)).toContain(verb);
    const { state } = take({ ...neverServed, desired: NEWER }, exited(2, CRASH, cause));
    expect(state.handover?.step, 'what failed is no longer desired').toBe('backoff');
    const once = take(firstStart, exited(2, CRASH, cause));
    expect(once.state.phase, 'it served once').toBe('backoff');
  });

  it('is tried again when nothing ever served and nobody knows why', () => {
    const { state } = take(neverServed, exited(2, CRASH, 'unknown'));
    expect(state.timers.get('retry')).toBe(NOW_MS + 200);
    expect(state.handover).toMatchObject({ aim: 'change', target: NEW });
  });
});

describe('the end of a launch that retires', () => {
  const doomed = { launches: [{ id: 'L2', isDoomed: true }] };

  it('is the end of the handover when its time has come', () => {
    const { state, effects } = take(retiring, exited(1, CLEAN), { afterMs: 60_000 });
    expect(verbs(effects)).toEqual(['forget L1']);
    expect(state.handover).toBeUndefined();
    expect(state.crashes).toEqual([]);
  });

  it.each([
    ['too early', CLEAN, 58_000],
    ['by a signal', CRASH, 60_000],
    ['with another code', { kind: 'exited', code: 1 } as const, 60_000],
  ])('leads to a rescue side by side when it comes %s', (_, outcome, afterMs) => {
    const { state, effects } = take(retiring, exited(1, outcome), { afterMs });
    expect(verbs(effects)).toEqual(['forget L1', 'check H3 render']);
    expect(state).toMatchObject(doomed);
    expect(state.handover).toMatchObject({
      triggers: ['crash'],
      askedMode: 'side-by-side',
      aim: 'restore',
    });
    expect(state.crashes).toEqual([]);
  });

  it.each([1_000, 60_000])('kills the child that needs it, after %i ms', (afterMs) => {
    const { effects } = take(restoringFromParent, exited(1, CLEAN), { afterMs });
    expect(verbs(effects)).toEqual(['forget L1', 'SIGKILL L2']);
  });

  it('is no reason to replace the one that serves when its child retires as well', () => {
    const launches = [
      launchOf(1, { stage: 'retiring' }),
      launchOf(2, { stage: 'retiring' }),
      launchOf(3, { lineage: lineageIdOf(2) }),
    ];
    const { state, effects } = take({ ...retiring, launches }, exited(1));
    expect(verbs(effects)).toEqual(['forget L1']);
    expect(state.launches).toMatchObject([{ id: 'L2', isDoomed: true }, { id: 'L3' }]);
  });

  it('means nothing more when its child is gone', () => {
    const given = { ...backingOff, launches: [launchOf(1, { stage: 'retiring' })] };
    const { state, effects } = take(given, exited(1));
    expect(verbs(effects)).toEqual(['forget L1']);
    expect(state.timers).toEqual(given.timers);
  });

  it('lets a cold handover go on', () => {
    const handover = handoverOf({ mode: 'cold', step: 'clearing' });
    const given = { ...retiring, launches: [launchOf(1, { stage: 'retiring' })], handover };
    expect(verbs(take(given, exited(1)).effects)).toEqual([
      'forget L1',
      'launch L3 at epoch 0 of G2',
    ]);
  });
});

describe('failed checks', () => {
  const checking = handoverOf({ step: 'checking' });

  it('refuse the change and touch nothing when something serves', () => {
    const given = { ...serving, desired: NEW, handover: checking };
    const { state, effects } = take(given, failed);
    expect(effects).toMatchObject([
      { type: 'reportHandover', end: { result: 'refused', reason: 'Cannot do it. At all.' } },
    ]);
    expect(state).toMatchObject({
      refused: { what: NEW, handover: 'H2', reason: 'Cannot do it. At all.', atMs: NOW_MS },
      phase: 'running',
    });
  });

  it('end the agent when nothing ever served', () => {
    const given = { ...neverServed, launches: [], handover: checking };
    expect(take(given, failed).effects.at(-1)).toEqual({
      type: 'exitAgent',
      code: 78,
      reason: 'Cannot do it. At all.',
    });
  });

  it('are made again when the desired state has moved on', () => {
    const given = { ...neverServed, launches: [], handover: checking, desired: NEWER };
    expect(take(given, failed).effects).toMatchObject([{ type: 'checkDesired', target: NEWER }]);
  });

  it('lead back to what was LIVE, for a token, when a change fails and nothing serves', () => {
    const given = { ...backingOff, desired: NEW, handover: checking, timers: new Map() };
    const { state, effects } = take(given, failed);
    expect(verbs(effects)).toEqual(['report H2 rolledBack']);
    expect(state.handover).toMatchObject({ aim: 'restore', target: OLD, step: 'backoff' });
    expect(state.timers.get('retry')).toBe(NOW_MS + 400);
  });

  it('cost a token each time, and end the agent, when what was LIVE cannot be restored', () => {
    const restore = handoverOf({ step: 'checking', aim: 'restore', target: OLD });
    const given = { ...backingOff, handover: restore, timers: new Map() };
    const once = take(given, failed, { policy: { ...policy, restartTokens: 2 } });
    expect(once.state.timers.get('retry')).toBe(NOW_MS + 400);
    expect(once.state.launchCount).toBe(2);
    const spent = take(given, failed, { policy: { ...policy, restartTokens: 1 } });
    expect(verbs(spent.effects)).toContain('exit 255');
  });

  it('count as a failed start when the surroundings are at fault, served or not', () => {
    const transient: Event = { ...failed, isTransient: true };
    const served = { ...serving, desired: NEW, handover: checking };
    const { state, effects } = take(served, transient);
    expect(verbs(effects)).toEqual([]);
    expect(state.handover).toMatchObject({ step: 'backoff', attempts: [{ launch: 'L2' }] });
    expect(state.timers.get('retry')).toBe(NOW_MS + 200);
    expect(state.refused).toBeUndefined();
    const first = take({ ...neverServed, launches: [], handover: checking }, transient).state;
    expect(first).toMatchObject({ phase: 'backoff', crashes: [{ launch: 'L3' }] });
  });

  it('of the surroundings are reconsidered a minute after the change was given up', () => {
    const served = { ...serving, desired: NEW, handover: checking, handoverCount: 2 };
    const impatient = { ...policy, restartTokens: 0 };
    const { state, effects } = take(served, { ...failed, isTransient: true } as Event, {
      policy: impatient,
    });
    expect(verbs(effects)).toEqual(['report H2 rolledBack']);
    expect(state).toMatchObject({
      refused: { what: NEW },
      timers: timersOf({ reconsider: NOW_MS + 60_000 }),
    });
    const again = take(state, { type: 'timerFired', timer: 'reconsider' });
    expect(verbs(again.effects)).toEqual(['check H3 full']);
    const moved = take(state, { type: 'desiredChanged', desired: OLD }).state;
    expect(moved.timers).toEqual(timersOf({}));
  });

  it('of a rescue are no second chance for a change that was refused', () => {
    const doomed = {
      ...serving,
      refused: givenUp(NEW),
      desired: NEW,
      launches: [launchOf(1, { isDoomed: true })],
    };
    const rescuing = handoverOf({
      aim: 'restore',
      target: OLD,
      step: 'checking',
      replaces: launchIdOf(1),
    });
    const impatient = { ...policy, restartTokens: 0 };
    const { state } = take(
      { ...doomed, handover: rescuing, handoverCount: 2 },
      { ...failed, isTransient: true } as Event,
      { policy: impatient },
    );
    expect(state.refused?.what).toBe(NEW);
    expect([...state.timers.keys()]).toEqual(['replace:L1']);
    expect([...state.timers.values()]).toEqual([NOW_MS + 2_000]);
  });

  it('mean nothing when they are those of another handover', () => {
    expect(take(serving, failed)).toEqual({ state: serving, effects: [] });
  });
});

describe('a start that takes too long', () => {
  it.each(['silence', 'initialize'])('ends with SIGKILL alone when its %s is over', (name) => {
    const timer = `${name}:L2` as never;
    const given = { ...handingOver, timers: timersOf({ [timer]: NOW_MS }) };
    const { state, effects } = take(given, { type: 'timerFired', timer });
    expect(verbs(effects)).toEqual(['SIGKILL L2']);
    expect(state.timers).toEqual(timersOf({ 'kill:L2': NOW_MS + 2_000 } as never));
    expect(state.handover?.step).toBe('starting');
  });
});

describe('a failure in words', () => {
  it.each<[Outcome, string]>([
    [{ kind: 'exited', code: 3 }, 'exited with code 3'],
    [{ kind: 'killed', signal: 'SIGKILL' }, 'was ended by SIGKILL'],
    [{ kind: 'notStarted', errno: 'ENOENT', message: '' }, 'could not be started (ENOENT)'],
  ])('says how it ended: %j', (outcome, text) => {
    expect(outcomeText(outcome)).toBe(text);
    expect(reasonOf(attemptOf(4, { outcome }))).toBe(`L4 ${text}`);
  });

  it('ends with the last line, which is the reason for an end of its own alone', () => {
    const lastLines = ['a', 'b'];
    expect(reasonOf(attemptOf(4, { lastLines }))).toBe('L4 exited with code 1: b');
    const outcome: Outcome = { kind: 'killed', signal: 'SIGKILL' };
    const text = 'L4 was ended by SIGKILL; its last line: b';
    expect(reasonOf(attemptOf(4, { outcome, lastLines }))).toBe(text);
  });

  it.each([
    ['initialize:L2', 'still INITIALIZING after 11 s'],
    ['silence:L2', 'without an answer after 11 s'],
  ])('says of one that was given up at %s how far it had got', (timer, howFar) => {
    const answered: Event = {
      type: 'launchAnswered',
      launch: launchIdOf(2),
      envoyState: 'INITIALIZING',
    };
    const { state } = takeAll(handingOver, [
      answered,
      { type: 'timerFired', timer: timer as never },
    ]);
    const end = {
      ...exited(2),
      outcome: { kind: 'killed', signal: 'SIGKILL' },
      lastLines: [],
    } as Event;
    const { handover } = take(state, end, { afterMs: 11_000 }).state;
    expect(handover?.attempts.map(reasonOf)).toEqual([`L2 was ended by SIGKILL, ${howFar}`]);
  });
});
