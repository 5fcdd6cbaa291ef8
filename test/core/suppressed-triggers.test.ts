import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { initialState, step } from '../../src/core/lifecycle.ts';
import { launchIdOf, type Policy } from '../../src/core/model.ts';
import { suppressionOf } from '../../src/core/suppressed-triggers.ts';
import {
  defaultPolicy,
  desiredVersion,
  type Happening,
  handoverHappenings,
  servingHappenings,
  sigterm,
  stateAfter,
} from '../support/agent-states.ts';

const request = { type: 'restartRequested', trigger: 'request', mode: 'auto' } as const;
const secondLive: Happening = [10_100, { type: 'launchLive', launch: launchIdOf(2) }];
const bootstrapAlone = { ...defaultPolicy, triggers: new Set(['bootstrap'] as const) };

function desired(version: number): Event {
  return { type: 'desiredChanged', desired: desiredVersion(version) };
}

function newCertificates(): Event {
  const { certificates } = desiredVersion(2);
  const changed = { ...desiredVersion(1), ...(certificates === undefined ? {} : { certificates }) };
  return { type: 'desiredChanged', desired: changed };
}

function reasonFor(happenings: readonly Happening[], event: Event, policy: Policy = defaultPolicy) {
  const before = stateAfter(happenings, policy);
  const taken = step(before, event, { atMs: 20_000, chance: 0.5 }, policy);
  return suppressionOf({ event, before, after: taken.state, effects: taken.effects }, policy);
}

describe('a trigger that begins nothing', () => {
  const manyRequests = Array.from({ length: 100 }, (): Happening => [10_000, request]);
  test.each<[string, readonly Happening[], Event, Policy?]>([
    ['held', servingHappenings, { type: 'partHeld', part: 'certificates', problems: ['no key'] }],
    ['ignored', servingHappenings, newCertificates(), bootstrapAlone],
    ['takenBack', [...handoverHappenings, secondLive, [11_000, desired(3)]], desired(2)],
    ['joined', handoverHappenings, desired(3)],
    ['joined', [...servingHappenings, [10_000, request]], request],
    ['joined', [...handoverHappenings, [10_000, request]], request],
    ['tooMany', [...handoverHappenings, ...manyRequests], request],
    ['stopping', [...servingHappenings, [10_000, sigterm]], request],
    ['stopping', [...servingHappenings, [10_000, sigterm]], desired(2)],
    [
      'joined',
      [...servingHappenings, [10_000, desired(2)]],
      desired(3),
      { ...defaultPolicy, jitterMs: 60_000 },
    ],
  ])('is %s', (reason, happenings, event, policy) => {
    expect(reasonFor(happenings, event, policy)).toBe(reason);
  });

  test.each<[string, readonly Happening[], Event, Policy?]>([
    ['the first look', [], desired(1)],
    ['a change', servingHappenings, desired(2)],
    ['a change of which one part is watched', servingHappenings, desired(2), bootstrapAlone],
    ['a request', servingHappenings, request],
    ['a request that waits for its turn', handoverHappenings, request],
    ['a look that found nothing new', servingHappenings, desired(1)],
    [
      'a part that is whole again',
      servingHappenings,
      { type: 'partHeld', part: 'binary', problems: [] },
    ],
    ['anything else', servingHappenings, sigterm],
  ])('is not %s', (_, happenings, event, policy) => {
    expect(reasonFor(happenings, event, policy)).toBeUndefined();
  });

  test('cannot be before anything is known', () => {
    const taken = step(initialState, request, { atMs: 0, chance: 0 }, defaultPolicy);
    const all = {
      event: request,
      before: initialState,
      after: taken.state,
      effects: taken.effects,
    };

    expect(suppressionOf(all, defaultPolicy)).toBeUndefined();
  });
});
