import { describe, expect, it } from 'vitest';
import type { Mode } from '../../src/core/model.ts';
import { lineageIdOf } from '../../src/core/model.ts';
import { chooseMode } from '../../src/core/modes.ts';
import type { State } from '../../src/core/state.ts';
import { handoverOf, launchOf, serving } from '../support/states.ts';

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
  const facts = { speaksSameVersion, policy: { handover: byPolicy } };
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
