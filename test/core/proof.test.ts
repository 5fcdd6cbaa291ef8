/** LIVE is not enough: the handover has succeeded once the certificates are known to be loaded. */
import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { launchIdOf, requestIdOf } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import { handingOver, handoverOf, NEW, NEWER, take, takeAll, verbs } from '../support/states.ts';

const L2 = launchIdOf(2);
const live: Event = { type: 'launchLive', launch: L2, awaitsProof: true };
const proved: Event = { type: 'certificatesProved', launch: L2 };
const unproved: Event = { type: 'certificatesProved', launch: L2, problem: 'It shows others.' };
const asked: State = {
  ...handingOver,
  handover: handoverOf({ launch: L2, requests: [requestIdOf('R1')] }),
};
const { state: proving, effects: atLive } = take(asked, live);

const reported = (effects: ReturnType<typeof take>['effects']) =>
  effects.filter((effect) => effect.type === 'reportHandover');

describe('a launch whose certificates are to be proved', () => {
  it('serves from LIVE on, and its handover is not reported yet', () => {
    expect(proving).toMatchObject({ committed: NEW, launches: [{ stage: 'retiring' }, {}] });
    expect(reported(atLive)).toEqual([]);
    expect(proving.handover).toMatchObject({ step: 'retiring', requests: [] });
  });

  it('has committed its handover with the proof, and who asked is told', () => {
    const { state, effects } = take(proving, proved, { afterMs: 7 });
    expect(reported(effects)).toMatchObject([
      { end: { id: 'H2', result: 'committed', launch: 'L2' }, requests: ['R1'] },
    ]);
    expect(state.lastEnd).toMatchObject({ result: 'committed' });
    expect(state.proving).toBeUndefined();
  });

  it('has failed it when they are others, and says so as long as it lives', () => {
    const { state, effects } = take(proving, unproved);
    expect(reported(effects)).toMatchObject([
      { end: { result: 'unproved', reason: 'It shows others.' }, requests: ['R1'] },
    ]);
    expect(state.launches[1]).toMatchObject({ stage: 'live', unproved: 'It shows others.' });
    expect(state.committed).toEqual(NEW);
  });

  it('has failed it when it ends before it could be asked', () => {
    const exited: Event = {
      type: 'launchExited',
      launch: L2,
      outcome: { kind: 'exited', code: 1 },
      lastLines: [],
    };
    const { effects } = take(proving, exited);
    expect(reported(effects)[0]).toMatchObject({
      end: { result: 'unproved', reason: 'L2 ended before it could be asked for its certificates' },
      requests: ['R1'],
    });
  });

  it('keeps nobody waiting who asked when the agent stops', () => {
    const stop: Event = { type: 'stopRequested', how: 'now', reason: 'SIGQUIT' };
    expect(reported(take(proving, stop).effects)).toMatchObject([
      { end: { result: 'unproved', reason: expect.stringContaining('stopping') } },
    ]);
  });

  it('is proved once: what comes later changes nothing', () => {
    const { state } = take(proving, proved);
    expect(take(state, unproved).state).toEqual(state);
  });

  it('is reported at LIVE where there is nothing to be proved', () => {
    const { effects } = take(asked, { type: 'launchLive', launch: L2 });
    expect(verbs(effects)).toContain('report H2 committed');
  });
});

describe('a proof that is still to come', () => {
  it('does not hide a handover that has ended since', () => {
    const refused: Event = {
      ...{ type: 'checksFailed', handover: 'H3' as typeof RESCUE, exitCode: 78 },
      problems: ['Cannot do it.'],
    };
    const exited: Event = {
      ...{ type: 'launchExited', launch: launchIdOf(1), lastLines: [] },
      outcome: { kind: 'exited', code: 0 },
    };
    const alone = take(proving, exited, { afterMs: 60_000 }).state;
    const change: Event = { type: 'desiredChanged', desired: NEWER };
    const { state: checking } = take(alone, change, { afterMs: 60_001 });
    const { state } = take(checking, refused, { afterMs: 60_002 });
    expect(take(state, proved, { afterMs: 60_003 }).state.lastEnd).toMatchObject({ id: 'H3' });
  });

  it('does not keep the next launch from taking over', () => {
    const { state, effects } = takeAll(proving, [
      { type: 'launchExited', launch: launchIdOf(1), outcome: KILLED, lastLines: [] },
      { type: 'checksPassed', handover: RESCUE, speaksSameVersion: true },
      { type: 'launchLive', launch: launchIdOf(3), awaitsProof: true },
    ]);
    expect(reported(effects)).toMatchObject([{ end: { id: 'H2', result: 'unproved' } }]);
    expect(state.proving).toMatchObject({ launch: 'L3' });
  });
});

const KILLED = { kind: 'killed', signal: 'SIGKILL' } as const;
const RESCUE = 'H3' as NonNullable<State['handover']>['id'];
