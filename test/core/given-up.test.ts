import { describe, expect, it } from 'vitest';
import { givenUpStatus, givenUpText } from '../../src/core/given-up.ts';
import { digestOf } from '../../src/core/model.ts';
import { desiredOf, givenUp, NEW, NOW_MS, OLD, serving, timersOf } from '../support/states.ts';

const BROKEN = desiredOf('certificates-1', { bootstrap: digestOf('x') });

describe('what was given up', () => {
  it('is nothing where nothing was', () => {
    expect(givenUpStatus(serving, NOW_MS)).toEqual([]);
  });

  it('is told by the parts that do not serve, the handover, the reason and its age', () => {
    const state = { ...serving, committed: OLD, refused: givenUp(BROKEN) };
    expect(givenUpStatus(state, NOW_MS)).toEqual([
      {
        parts: [{ part: 'bootstrap', digest: 'x' }],
        handover: 'H1',
        reason: 'Envoy rejects it.',
        agoSeconds: 1,
      },
    ]);
  });

  it('has certificates that failed alone apart, and each its own next try', () => {
    const state = {
      ...serving,
      refused: givenUp(BROKEN),
      refusedCertificates: givenUp(NEW.certificates ?? OLD.bootstrap),
      timers: timersOf({ reconsider: NOW_MS + 5_000, reconsiderCertificates: NOW_MS + 9_000 }),
    };
    const told = givenUpStatus(state, NOW_MS);
    expect(told.map(givenUpText)).toEqual(['bootstrap x', 'certificates certific']);
    expect(told.map(({ againSeconds }) => againSeconds)).toEqual([5, 9]);
  });
});
