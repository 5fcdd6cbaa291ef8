import { describe, expect, it } from 'vitest';
import type { Mode, Policy } from '../../src/core/model.ts';
import { launchIdOf, lineageIdOf } from '../../src/core/model.ts';
import { chooseMode } from '../../src/core/modes.ts';
import type { Handover, State } from '../../src/core/state.ts';
import { handoverOf, launchOf, policy, serving } from '../support/states.ts';

type Asked = 'auto' | Mode;

const G1 = lineageIdOf(1);
const nothing: State = { ...serving, launches: [] };
const onlyStopping: State = { ...serving, launches: [launchOf(1, { stage: 'stopping' })] };
const draining: State = { ...serving, launches: [launchOf(1, { stage: 'retiring' })] };
const doomed: State = { ...serving, launches: [launchOf(1, { isDoomed: true })] };
const poisoned: State = { ...serving, unsound: new Map([[G1, 'poisoned']]) };
const beyondRepair: State = { ...serving, unsound: new Map([[G1, 'beyondRepair']]) };
const drainingPoisoned: State = { ...draining, unsound: poisoned.unsound };

function choose(state: State, asked: Asked, byPolicy: Asked = 'auto', speaksSameVersion = true) {
  const handover = handoverOf({ askedMode: asked });
  const facts = { speaksSameVersion, policy: { ...policy, handover: byPolicy } };
  const choice = chooseMode(state, handover, facts);
  return choice.mode ?? choice.reason;
}

describe('the mode', () => {
  it.each<[string, State, Mode]>([
    ['nothing lives', nothing, 'cold'],
    ['what lives was told to go', onlyStopping, 'cold'],
    ['one serves in a sound lineage', serving, 'hot'],
    ['only a draining one lives', draining, 'hot'],
    ['the serving one lost its parent', doomed, 'side-by-side'],
    ['the lineage is poisoned', poisoned, 'side-by-side'],
    ['the lineage is beyond repair', beyondRepair, 'side-by-side'],
    ['only a draining one of a poisoned lineage lives', drainingPoisoned, 'side-by-side'],
  ])('is chosen by itself when %s', (_, state, mode) => {
    expect(choose(state, 'auto')).toBe(mode);
  });

  it('is side-by-side when the binary speaks another version', () => {
    expect(choose(serving, 'auto', 'auto', false)).toBe('side-by-side');
  });

  it.each<[Asked, Asked, string]>([
    ['cold', 'auto', 'cold'],
    ['side-by-side', 'hot', 'side-by-side'],
    ['hot', 'cold', 'hot'],
    ['auto', 'cold', 'cold'],
    ['auto', 'side-by-side', 'side-by-side'],
    ['auto', 'hot', 'hot'],
  ])('asked for as %s where the policy is %s is %s', (asked, byPolicy, mode) => {
    expect(choose(serving, asked, byPolicy)).toBe(mode);
  });

  it.each<[string, State, boolean]>([
    ['its parent died under it, so it will abort', doomed, true],
    ['its lineage has not been repaired', poisoned, true],
    ['its lineage could not be repaired', beyondRepair, true],
    ['the new binary speaks another hot restart version', serving, false],
  ])('is refused when hot was asked for and %s', (reason, state, speaksSameVersion) => {
    expect(choose(state, 'hot', 'auto', speaksSameVersion)).toBe(reason);
    expect(choose(state, 'auto', 'hot', speaksSameVersion)).toBe(reason);
  });

  it.each<Asked>(['hot', 'side-by-side', 'cold'])(
    'serves again first when nothing does, %s or not',
    (asked) => {
      expect(choose(nothing, asked, asked)).toBe('cold');
      expect(choose(draining, asked, asked)).toBe('hot');
      expect(choose(draining, asked, asked, false)).toBe('side-by-side');
    },
  );
});

describe('the mode, with more known', () => {
  const SHORT = { memoryShortage: { neededBytes: 20, freeBytes: 10 } };
  const UNSHARED = { unshareableListeners: ['listener web'] };
  const NAMES_HELD = { obstacleToHot: 'someone holds its names' };
  const CANNOT_SHARE = 'two processes cannot share listener web';
  const NO_ROOM = 'memory is too small for one more Envoy';
  const hung: State = { ...serving, launches: [launchOf(1, { isHung: true })] };

  const THREE = '3 Envoys live already';
  const one = launchOf(1, { isHung: true });
  const drained = launchOf(2, { stage: 'retiring', lineage: lineageIdOf(2) });
  const beside = launchOf(3, { lineage: lineageIdOf(2) });
  const crowded: State = { ...serving, launches: [one, drained, beside] };
  const killed = launchOf(3, { stage: 'stopping', lineage: lineageIdOf(2), isKilled: true });
  const ending: State = { ...serving, launches: [one, drained, killed] };
  const unreaped: State = { ...serving, launches: [drained, killed] };
  const drainingBoth: State = {
    ...serving,
    launches: [launchOf(1, { stage: 'retiring' }), launchOf(2, { stage: 'retiring' })],
  };

  it.each<[string, State, Partial<Handover>, object, object]>([
    [
      'goes side by side, and says why',
      serving,
      {},
      NAMES_HELD,
      {
        mode: 'side-by-side',
        reason: 'someone holds its names',
      },
    ],
    ['goes side by side when the old one hangs', hung, {}, {}, { mode: 'side-by-side' }],
    ['stays hot with listeners that cannot be shared', serving, {}, UNSHARED, { mode: 'hot' }],
    [
      'goes cold when side by side could not bind',
      serving,
      {},
      { ...UNSHARED, ...NAMES_HELD },
      {
        mode: 'cold',
        reason: `someone holds its names, and ${CANNOT_SHARE}`,
      },
    ],
    [
      'goes cold when it was asked for',
      serving,
      { askedMode: 'side-by-side' },
      UNSHARED,
      {
        mode: 'cold',
        reason: CANNOT_SHARE,
      },
    ],
    [
      'goes side by side when nothing serves any more',
      draining,
      {},
      { ...UNSHARED, ...NAMES_HELD },
      { mode: 'side-by-side' },
    ],
    ['waits where three live already', crowded, {}, {}, { kind: 'waits', reason: THREE }],
    ['does not count one that is killed', ending, {}, {}, { mode: 'side-by-side' }],
    [
      'goes side by side while a killed child of the draining one is not gone',
      unreaped,
      {},
      {},
      { mode: 'side-by-side', reason: 'its child has not ended yet' },
    ],
    [
      'goes side by side while the parent of the draining one drains as well',
      drainingBoth,
      {},
      {},
      { mode: 'side-by-side', reason: 'its parent has not ended yet' },
    ],
    [
      'is refused where one of two is restored and listeners cannot be shared',
      serving,
      { aim: 'restore', replaces: launchIdOf(9), askedMode: 'side-by-side' },
      UNSHARED,
      { kind: 'refused', reason: CANNOT_SHARE },
    ],
    [
      'goes cold where the only one is replaced and listeners cannot be shared',
      hung,
      { aim: 'restore', replaces: launchIdOf(1), askedMode: 'side-by-side' },
      UNSHARED,
      { mode: 'cold' },
    ],
    [
      'waits for no memory when nothing serves',
      draining,
      {},
      { ...SHORT, policy: { ...policy, memory: 'wait' } },
      { mode: 'hot' },
    ],
    ['goes on without a place for two, by default', serving, {}, SHORT, { mode: 'hot' }],
  ])('%s', (_, state, handover, facts, expected) => {
    const known = { speaksSameVersion: true, policy, ...facts };
    expect(chooseMode(state, handoverOf(handover), known)).toMatchObject(expected);
  });

  it.each<[Policy['memory'], boolean, Partial<Handover>, object]>([
    ['wait', false, {}, { kind: 'waits', reason: NO_ROOM }],
    ['wait', false, { aim: 'restore' }, { mode: 'hot' }],
    ['wait', false, { askedMode: 'cold' }, { mode: 'cold' }],
    ['side-step', false, {}, { mode: 'cold', reason: NO_ROOM }],
    ['side-step', false, { aim: 'restore' }, { mode: 'hot' }],
    ['side-step', false, { askedMode: 'hot' }, { kind: 'refused', reason: NO_ROOM }],
    ['side-step', true, {}, { kind: 'waits', reason: NO_ROOM }],
    ['side-step', true, { aim: 'standby' }, { kind: 'waits' }],
  ])(
    'short of memory by policy %s (standby: %s, %j) is %j',
    (memory, standby, handover, expected) => {
      const known = { speaksSameVersion: true, policy: { ...policy, memory, standby }, ...SHORT };
      expect(chooseMode(serving, handoverOf(handover), known)).toMatchObject(expected);
    },
  );
});
