/** Certificates expire: a bootstrap that was given up keeps no new ones from being served. */
import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { type Desired, digestOf } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import { desire, failedChecks, live as liveAt, passed } from '../support/core-events.ts';
import {
  desiredOf,
  NEW,
  NOW_MS,
  OLD,
  policy,
  serving,
  take,
  takeAll,
  verbs,
} from '../support/states.ts';

const BROKEN: Desired = { ...OLD, bootstrap: digestOf('broken') };
const NEW_BESIDE_BROKEN: Desired = { ...NEW, bootstrap: BROKEN.bootstrap };

const live = liveAt(2);

/** The bootstrap was given up, and then the certificates were renewed. */
const { state: givenUp } = takeAll(serving, [desire(BROKEN), failedChecks(2)]);
const { state: trying } = takeAll(givenUp, [desire(NEW_BESIDE_BROKEN), failedChecks(3)]);

describe('new certificates beside a bootstrap that was given up', () => {
  it('are tried with it first: what changed is a new chance', () => {
    const { state, effects } = take(givenUp, desire(NEW_BESIDE_BROKEN));
    expect(verbs(effects)).toEqual(['check H3 full']);
    expect(state.handover?.target).toEqual(NEW_BESIDE_BROKEN);
  });

  it('are tried alone when that is given up too', () => {
    expect(trying.handover).toMatchObject({ id: 'H4', target: NEW, triggers: ['certificates'] });
    expect(trying.refused?.what).toEqual(NEW_BESIDE_BROKEN);
  });

  it('serve, while the bootstrap stays given up', () => {
    const { state, effects } = takeAll(trying, [passed(4), live]);
    expect(verbs(effects)).toContain('report H4 committed');
    expect(state).toMatchObject({ committed: NEW, refused: { what: NEW_BESIDE_BROKEN } });
  });

  it('are given up when they fail alone as well, until something changes or someone asks', () => {
    const { state, effects } = take(trying, failedChecks(4));
    expect(verbs(effects)).toEqual(['report H4 refused']);
    expect(state).toMatchObject({ refusedCertificates: { what: NEW.certificates } });
    expect(state.handover).toBeUndefined();
    const asked = take(state, { type: 'restartRequested', trigger: 'signal', mode: 'auto' });
    expect(asked.state.handover?.target).toEqual(NEW_BESIDE_BROKEN);
    const newer = take(state, desire({ ...desiredOf('newer'), bootstrap: BROKEN.bootstrap })).state;
    expect(newer.refusedCertificates).toBeUndefined();
  });

  it('are tried alone a minute later again when nothing was said against them', () => {
    const impatient = { ...policy, restartTokens: 0 };
    const transient: Event = { ...failedChecks(4), isTransient: true } as Event;
    const { state } = take(trying, transient, { policy: impatient });
    expect(state.timers.get('reconsiderCertificates')).toBe(NOW_MS + 60_000);
    const again = take(state, { type: 'timerFired', timer: 'reconsiderCertificates' });
    expect(again.state.handover?.target).toEqual(NEW);
    expect(again.state.refused?.what).toEqual(NEW_BESIDE_BROKEN);
  });

  it('give way to the mended bootstrap while they are checked', () => {
    const mended = { ...NEW, bootstrap: digestOf('mended') };
    const { state, effects } = takeAll(trying, [desire(mended), passed(4)]);
    expect(verbs(effects)).toEqual(['check H4 full']);
    expect(state.handover).toMatchObject({ target: mended });
    expect(state.handover?.scope).toBeUndefined();
  });
});

it.each<[string, State]>([
  ['the certificates alone were given up', takeAll(serving, [desire(NEW), failedChecks(2)]).state],
  [
    'the binary is another one',
    takeAll(serving, [desire({ ...NEW, binary: digestOf('other') }), failedChecks(2)]).state,
  ],
  [
    'nobody watches certificates',
    takeAll(serving, [desire(NEW_BESIDE_BROKEN), failedChecks(2)], {
      ...policy,
      triggers: new Set(['bootstrap']),
    }).state,
  ],
])('certificates are not tried alone when %s', (_, state) => {
  expect(state.handover).toBeUndefined();
  expect(state.refused).toBeDefined();
});
