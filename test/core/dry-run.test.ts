import { describe, expect, test } from 'vitest';
import {
  changesAgainst,
  concludeDryRun,
  planDryRun,
  refusalOfRestart,
  whatComesFirst,
} from '../../src/core/dry-run.ts';
import type { Event } from '../../src/core/events.ts';
import { epochOf, launchIdOf, lineageIdOf, requestIdOf } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import {
  crashed,
  defaultPolicy,
  desiredVersion,
  type Happening,
  handoverHappenings,
  servingHappenings,
  sigterm,
  stateAfter,
} from '../support/agent-states.ts';
import { freeze } from '../support/frozen.ts';
import { givenUp } from '../support/states.ts';

const sound = { speaksSameVersion: true };
const question = {
  target: desiredVersion(3),
  mode: 'auto',
  policy: defaultPolicy,
  moment: { atMs: 30_000, chance: 0.5 },
} as const;

function servingState(...happenings: readonly Happening[]): State {
  return frozenAfter([...servingHappenings, ...happenings]);
}

function frozenAfter(happenings: readonly Happening[]): State {
  const state = stateAfter(happenings);
  freeze(state);
  return state;
}

/** What a dry run on this state would show of a restart, once its checks have found these facts. */
function shown(
  state: State,
  facts: Parameters<typeof concludeDryRun>[1] = sound,
  asked: Parameters<typeof planDryRun>[1] = question,
) {
  const plan = planDryRun(state, asked);
  if (plan === undefined) throw new Error('Nothing to do.');
  return { ...concludeDryRun(plan, facts, asked.policy), check: plan.check };
}

const live = { type: 'launchLive', launch: launchIdOf(2) } as const satisfies Event;

describe('a dry run', () => {
  test('would inherit from the launch that serves, by a full check of what is on disk', () => {
    expect(shown(servingState())).toEqual({
      problems: [],
      mode: 'hot',
      overlap: { startSeconds: 0.1, besideSeconds: 60 },
      check: {
        type: 'checkDesired',
        handover: 'H2',
        target: desiredVersion(3),
        depth: 'full',
        inheritsFrom: { launch: 'L1', lineage: 'G1', epoch: 1 },
      },
    });
  });

  test('would be one of what is LIVE when nothing has changed', () => {
    const target = desiredVersion(1);
    expect(shown(servingState(), sound, { ...question, target })).toMatchObject({ mode: 'hot' });
    expect(changesAgainst(desiredVersion(1), target)).toEqual([]);
  });

  test('shows each part that differs by the beginning of its digest', () => {
    const { certificates: _, ...bare } = desiredVersion(1);
    expect(changesAgainst(bare, { ...desiredVersion(3), binary: bare.binary })).toEqual([
      { part: 'certificates', live: undefined, next: 'c3000000' },
      { part: 'bootstrap', live: 'b1000000', next: 'b3000000' },
    ]);
    expect(changesAgainst(undefined, bare)).toHaveLength(2);
  });

  test('has the mode that facts and policy leave', () => {
    const obstacle = { ...sound, obstacleToHot: 'the names are held' };
    expect(shown(servingState(), obstacle)).toMatchObject({
      mode: 'side-by-side',
      modeReason: 'the names are held',
    });
    expect(shown(servingState(), obstacle, { ...question, mode: 'hot' })).toMatchObject({
      problems: ['A restart would be refused: the names are held.'],
    });
    const memoryShortage = { neededBytes: 24 * 1024 ** 2, freeBytes: 1024 ** 2 };
    const short = { ...sound, memoryShortage };
    expect(shown(servingState(), short)).toMatchObject({ problems: [], mode: 'hot' });
    const policy = { ...defaultPolicy, memory: 'wait' } as const;
    expect(shown(servingState(), short, { ...question, policy }).problems).toEqual([
      'A restart would wait: memory is too small for one more Envoy, 24 MiB needed and 1 MiB free.',
    ]);
    expect(shown(servingState(), sound, { ...question, mode: 'cold' })).toMatchObject({
      mode: 'cold',
      overlap: { startSeconds: 0.1, besideSeconds: 0 },
    });
  });

  test('under a handover takes its new launch for the one to inherit from', () => {
    const starting = frozenAfter(handoverHappenings);
    const inheritsFrom = { launch: 'L2', lineage: lineageIdOf(1), epoch: epochOf(2) };
    expect(shown(starting)).toMatchObject({ mode: 'hot', check: { inheritsFrom } });
    expect(whatComesFirst(starting, question)).toMatch(/^H2 .* is starting and has to end first/);
    const retiring = frozenAfter([...handoverHappenings, [12_000, live]]);
    expect(shown(retiring)).toMatchObject({ mode: 'hot', check: { inheritsFrom } });
    expect(whatComesFirst(retiring, question)).toMatch(/first: L1 is retiring$/);
  });

  test('begins at once where nothing is under way', () => {
    expect(whatComesFirst(servingState(), question)).toBeUndefined();
  });

  test('would be part of a handover that waits for its next try', () => {
    const crash = servingState([20_000, crashed(1, 'SIGSEGV')]);
    expect(whatComesFirst(crash, question)).toBe('nothing, it would be part of H2 (backoff)');
    expect(shown(crash)).toMatchObject({ mode: 'cold', problems: [] });
    expect(shown(crash).overlap).toBeUndefined();
  });

  test('is refused while the agent stops', () => {
    expect(refusalOfRestart(servingState(), question)).toBeUndefined();
    expect(refusalOfRestart(servingState([20_000, sigterm]), question)).toBe(
      'A restart would be refused: the agent is stopping.',
    );
  });

  test('is refused where more ask than will be answered', () => {
    const asks = Array.from({ length: 100 }, (_, at): Happening => {
      const request = requestIdOf(`R${at}`);
      return [20_000, { type: 'restartRequested', trigger: 'request', mode: 'cold', request }];
    });
    expect(refusalOfRestart(servingState(...asks.slice(1)), question)).toBeUndefined();
    expect(refusalOfRestart(servingState(...asks), question)).toBe(
      'A restart would be refused: too many requests are waiting already.',
    );
  });

  test('has Envoy validate it also where nothing was ever LIVE', () => {
    const plan = planDryRun(frozenAfter([]), question);
    expect(plan?.check).toMatchObject({ target: desiredVersion(3), depth: 'full' });
  });

  test('tries again what was given up', () => {
    const state = {
      ...servingState(),
      desired: desiredVersion(3),
      refused: givenUp(desiredVersion(3)),
    };
    expect(shown(state).check.target).toEqual(desiredVersion(3));
  });
});
