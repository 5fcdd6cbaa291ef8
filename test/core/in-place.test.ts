/** New certificates without a new launch, and what becomes of those that Envoy does not load. */
import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import {
  digestOf,
  handoverIdOf,
  launchIdOf,
  lineageIdOf,
  type Policy,
} from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import {
  ask,
  desire,
  failedChecks,
  hangUp,
  passed as passedChecks,
} from '../support/core-events.ts';
import {
  givenUp,
  handingOver,
  launchOf,
  NEW,
  NEWER,
  NOW_MS,
  OLD,
  policy,
  serving,
  take,
  takeAll,
  timersOf,
  verbs,
} from '../support/states.ts';

const sds: Policy = { ...policy, delivery: 'sds' };
const H2 = handoverIdOf(2);
const passed = (count = 2): Event => passedChecks(count, { isDeliverable: true });
const delivered: Event = { type: 'certificatesDelivered', handover: H2 };
const failed: Event = { type: 'deliveryFailed', handover: H2, problems: ['L1: not loaded.'] };
const { state: delivering, effects: delivery } = takeAll(serving, [desire(NEW), passed()], sds);

describe('new certificates by SDS', () => {
  it('are delivered to what serves once they are checked, and nothing is launched', () => {
    expect(verbs(delivery)).toEqual(['check H2 full', 'deliver to L1']);
    expect(delivering.handover).toMatchObject({ step: 'delivering', mode: 'in-place' });
    expect(delivering.launches).toEqual(serving.launches);
    expect(delivering.committed).toEqual(OLD);
  });

  it('are committed when they are loaded: a crash goes back to them', () => {
    const { state, effects } = take(delivering, delivered, { policy: sds });
    expect(verbs(effects)).toEqual(['report H2 committed']);
    expect(state.handover).toBeUndefined();
    expect(state).toMatchObject({ committed: NEW, launches: [{ id: 'L1', target: NEW }] });
    expect(state.lastEnd).toMatchObject({ mode: 'in-place', result: 'committed' });
  });

  it('come by a restart when they are not, with the reason', () => {
    const { state, effects } = takeAll(delivering, [failed, passed()], sds);
    expect(verbs(effects)).toEqual(['check H2 full', 'launch L2 at epoch 1 of G1']);
    expect(state.handover).toMatchObject({ mode: 'hot', notInPlace: 'L1: not loaded.' });
    expect(state.launches[0]?.target).toEqual(OLD);
  });

  it('are delivered to both of two, each with the bootstrap that it has', () => {
    const behind = { ...OLD, bootstrap: digestOf('bootstrap-0') };
    const second = { lineage: lineageIdOf(2), target: OLD };
    const two: State = {
      ...serving,
      launches: [launchOf(1, { target: behind }), launchOf(2, second)],
    };
    const own: Policy = { ...sds, standby: true };
    const { effects } = takeAll(two, [desire(NEW), passed()], own);
    expect(effects.at(-1)).toMatchObject({
      recipients: [
        { launch: 'L1', target: { ...behind, certificates: NEW.certificates } },
        { launch: 'L2', target: NEW },
      ],
    });
  });

  it('that change meanwhile are delivered after those that are under way', () => {
    const { state } = take(delivering, desire(NEWER), { policy: sds });
    expect(state.handover).toMatchObject({ step: 'delivering', target: NEW });
    const { state: next, effects } = take(state, delivered, { policy: sds });
    expect(verbs(effects)).toEqual(['report H2 committed', 'check H3 full']);
    expect(next.committed).toEqual(NEW);
  });

  it.each([
    ['beside a new bootstrap', [desire({ ...NEW, bootstrap: digestOf('bootstrap-2') }), passed()]],
    ['beside a new binary', [desire({ ...NEW, binary: digestOf('binary-2') }), passed()]],
    ['when someone asked for a restart before', [ask, desire(NEW), passed(), passed()]],
  ])('come by a restart %s', (_, events: readonly Event[]) => {
    const { effects } = takeAll(serving, events, sds);
    expect(verbs(effects).at(-1)).toBe('launch L2 at epoch 1 of G1');
  });

  it.each([
    ['hangs', { isHung: true }],
    ['was killed and is not gone yet', { isKilled: true }],
  ] as const)('come by a restart to one of two that %s', (_, what) => {
    const own: Policy = { ...sds, standby: true };
    const failing: State = {
      ...serving,
      launches: [launchOf(1, what), launchOf(2, { lineage: lineageIdOf(2) })],
      timers: timersOf({ 'replace:L1': NOW_MS + 60_000 } as never),
    };
    const { state } = takeAll(failing, [desire(NEW), passed()], own);
    expect(state.handover).toMatchObject({ triggers: ['certificates'], step: 'starting' });
  });

  it('come by a restart when a bootstrap joins them while they are checked', () => {
    const both = { ...NEW, bootstrap: digestOf('bootstrap-2') };
    const events = [desire(NEW), desire(both), passed(), passed()];
    const { state, effects } = takeAll(serving, events, sds);
    expect(verbs(effects).at(-1)).toBe('launch L2 at epoch 1 of G1');
    expect(state.launches[1]?.target).toEqual(both);
  });

  it('come by a restart when a signal asked for one as well', () => {
    const events = [desire(NEWER), hangUp, delivered, passed(3)];
    const { state, effects } = takeAll(delivering, events, sds);
    expect(state.handover?.triggers).toEqual(['certificates', 'signal']);
    expect(verbs(effects).at(-1)).toBe('launch L2 at epoch 1 of G1');
  });

  it('come by a restart where the bootstrap names the folders themselves', () => {
    const { isDeliverable: _, ...plain } = { ...passed(), isDeliverable: true } as const;
    const { effects } = takeAll(serving, [desire(NEW), plain as Event], sds);
    expect(verbs(effects).at(-1)).toBe('launch L2 at epoch 1 of G1');
  });

  it('are a launch where none were before: nothing asks for them yet', () => {
    const { certificates: _, ...without } = OLD;
    const bare: State = { ...serving, desired: without, committed: without };
    const { effects } = takeAll(bare, [desire(NEW), passed()], sds);
    expect(verbs(effects).at(-1)).toBe('launch L2 at epoch 1 of G1');
  });
});

describe('beside a bootstrap that was given up', () => {
  const broken = { ...OLD, bootstrap: digestOf('broken') };
  const both = { ...NEW, bootstrap: broken.bootstrap };
  const { state: alone } = takeAll(
    serving,
    [desire(broken), failedChecks(2), desire(both), failedChecks(3)],
    sds,
  );
  const done: Event = { type: 'certificatesDelivered', handover: handoverIdOf(4) };

  it('new certificates are delivered, and the bootstrap stays given up', () => {
    const { state, effects } = takeAll(alone, [passed(4), done], sds);
    expect(verbs(effects)).toEqual(['deliver to L1', 'report H4 committed']);
    expect(state).toMatchObject({ committed: NEW, refused: { what: both } });
  });

  it('those that were given up before and are loaded now are not given up any more', () => {
    const refusedCertificates = givenUp(digestOf('certificates-2'));
    const before: State = { ...alone, refusedCertificates };
    const timed = { ...before, timers: timersOf({ reconsiderCertificates: NOW_MS + 60_000 }) };
    const { state } = takeAll(timed, [passed(4), done], sds);
    expect(state.refusedCertificates).toBeUndefined();
    expect(state.timers.has('reconsiderCertificates')).toBe(false);
  });
});

describe('who asks for a restart', () => {
  it('gets one of their own, after a delivery that is being checked', () => {
    const { state: checking } = take(serving, desire(NEW), { policy: sds });
    const { state, effects } = takeAll(checking, [ask, passed(), delivered], sds);
    expect(verbs(effects)).toEqual(['deliver to L1', 'report H2 committed', 'check H3 full']);
    expect(state.handover).toMatchObject({ triggers: ['request'], requests: ['R1'] });
    const { effects: launched } = take(state, passed(3), { policy: sds });
    expect(verbs(launched)).toEqual(['launch L2 at epoch 1 of G1']);
  });
});

describe('a delivery under way', () => {
  it('is over when what serves crashes, and its answer comes too late', () => {
    const exited: Event = {
      type: 'launchExited',
      launch: launchIdOf(1),
      outcome: { kind: 'exited', code: 1 },
      lastLines: [],
    };
    const { state, effects } = take(delivering, exited, { policy: sds });
    expect(verbs(effects)).toContain('report H2 abandoned');
    expect(state.handover).toMatchObject({ aim: 'restore', target: OLD });
    const { delivery: _, ...over } = state;
    expect(take(state, delivered, { policy: sds })).toEqual({ state: over, effects: [] });
    expect(take(state, failed, { policy: sds })).toEqual({ state: over, effects: [] });
  });

  it('is over when the agent stops', () => {
    const stop: Event = { type: 'stopRequested', how: 'graceful', reason: 'SIGTERM' };
    const { state, effects } = take(delivering, stop, { policy: sds });
    expect(verbs(effects)).toContain('report H2 abandoned');
    expect(take(state, delivered, { policy: sds }).effects).toEqual([]);
  });

  it('is not over with the answer to another', () => {
    const other: Event = { type: 'certificatesDelivered', handover: handoverIdOf(7) };
    expect(take(delivering, other, { policy: sds })).toEqual({ state: delivering, effects: [] });
  });

  it('that was overtaken and loads all the same is the truth: what is wanted by now comes after', () => {
    const silent: Event = { type: 'launchSilent', launch: launchIdOf(1), silentMs: 60_000 };
    const heard: Event = { type: 'launchHeard', launch: launchIdOf(1) };
    const { state: overtaken } = takeAll(delivering, [silent, desire(OLD), heard], sds);
    const { state, effects } = takeAll(overtaken, [failedChecks(3), delivered], sds);
    expect(state).toMatchObject({ committed: NEW, launches: [{ target: NEW }] });
    expect(verbs(effects).at(-1)).toBe('check H4 full');
    expect(takeAll(state, [passed(4)], sds).effects.at(-1)).toMatchObject({
      recipients: [{ target: OLD }],
    });
  });

  it('keeps the next one waiting: two at a time would undo each other', () => {
    const silent: Event = { type: 'launchSilent', launch: launchIdOf(1), silentMs: 60_000 };
    const heard: Event = { type: 'launchHeard', launch: launchIdOf(1) };
    const events = [silent, heard, failedChecks(3), desire(NEWER), passed(4), passed(4)];
    const { effects } = takeAll(delivering, events, sds);
    expect(verbs(effects).some((verb) => verb.startsWith('deliver'))).toBe(false);
  });

  it('that fails when newer ones have come is followed by theirs, in place as well', () => {
    const { state, effects } = takeAll(delivering, [desire(NEWER), failed, passed()], sds);
    expect(verbs(effects).at(-1)).toBe('deliver to L1');
    expect(state.handover?.target).toEqual(NEWER);
  });

  it('that fails takes along who asked for a restart meanwhile', () => {
    const { state, effects } = takeAll(delivering, [ask, failed, passed()], sds);
    expect(state.pending).toEqual([]);
    expect(state.handover).toMatchObject({ requests: ['R1'], mode: 'hot' });
    expect(verbs(effects).at(-1)).toBe('launch L2 at epoch 1 of G1');
  });

  it('that fails and was taken back meanwhile launches nothing', () => {
    const { state, effects } = takeAll(delivering, [desire(OLD), failed], sds);
    expect(verbs(effects)).toEqual(['report H2 abandoned']);
    expect(state.handover).toBeUndefined();
  });

  it('settles a proof that was still to come: they show others by now', () => {
    const live: Event = { type: 'launchLive', launch: launchIdOf(2), awaitsProof: true };
    const problem = 'It shows others.';
    const late: Event = { type: 'certificatesProved', launch: launchIdOf(2), problem };
    const exited: Event = {
      ...{ type: 'launchExited', launch: launchIdOf(1), lastLines: [] },
      outcome: { kind: 'exited', code: 0 },
    };
    const atLive = takeAll(handingOver, [live], sds).state;
    const alone = take(atLive, exited, { afterMs: 60_000, policy: sds }).state;
    const next = takeAll(alone, [desire(NEWER), passed(3), late], sds).state;
    const done: Event = { type: 'certificatesDelivered', handover: handoverIdOf(3) };
    const { state, effects } = takeAll(next, [done, late], sds);
    expect(verbs(effects)).toEqual(['report H2 committed', 'report H3 committed']);
    expect(state.launches).toEqual([expect.not.objectContaining({ unproved: problem })]);
    expect(state.lastEnd?.id).toBe('H3');
  });
});
