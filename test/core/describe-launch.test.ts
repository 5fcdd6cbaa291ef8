import { describe, expect, it } from 'vitest';
import { describe as describeTold } from '../../src/core/describe.ts';
import type { Event } from '../../src/core/events.ts';
import { step } from '../../src/core/lifecycle.ts';
import { launchIdOf } from '../../src/core/model.ts';
import type { Launch, State } from '../../src/core/state.ts';
import { NOW_MS, policy, retiring, serving } from '../support/states.ts';

const PAST_DEADLINE_MS = policy.hangDeadlineMs + 1;

/** The records of one launch's silence, as `level: message launch`. */
function told(before: State, count: number, silentMs: number): readonly string[] {
  const event: Event = { type: 'launchSilent', launch: launchIdOf(count), silentMs };
  const atMs = NOW_MS;
  const { state, effects } = step(before, event, { atMs, chance: 0 }, policy);
  const records = describeTold({ event, before, after: state, effects, atMs, policy });
  return records
    .filter(({ message }) => message.startsWith('Envoy '))
    .map(({ level, message, fields }) => `${level}: ${message} ${String(fields['launch'])}`);
}

/** A parent and its child, each as it is said to be. */
function both(parent: Partial<Launch>, child: Partial<Launch>): State {
  const [first, second] = retiring.launches;
  return {
    ...retiring,
    launches: [
      { ...first, ...parent },
      { ...second, ...child },
    ] as Launch[],
  };
}

describe('silence', () => {
  it('is told when it begins, and not each second', () => {
    expect(told(serving, 1, 1_000)).toEqual(['warn: Envoy does not answer L1']);
    const [first] = serving.launches;
    const silent = { ...serving, launches: [{ ...first, silentMs: 1_000 }] } as State;
    expect(told(silent, 1, 2_000)).toEqual([]);
  });

  it('past the deadline is a hang of the one that serves', () => {
    expect(told(serving, 1, PAST_DEADLINE_MS)).toEqual(['error: Envoy hangs L1']);
  });

  it('of a child is the hang of its parent where both are silent', () => {
    const silent = both({ silentMs: 9_000 }, { silentMs: 9_000 });
    expect(told(silent, 2, PAST_DEADLINE_MS)).toEqual(['error: Envoy hangs L1']);
  });

  it('of one that lost its parent is no news: it is to be replaced anyhow', () => {
    const doomed = both({}, { isDoomed: true });
    expect(told(doomed, 2, 1_000)).toEqual([]);
    expect(told(both({}, { isDoomed: true, stage: 'retiring' }), 2, PAST_DEADLINE_MS)).toEqual([]);
  });
});
