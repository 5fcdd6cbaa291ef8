/** Histories and what the page shows of them, out of events that the core has taken. */
import { emptyHistory, remember } from '../../src/core/history.ts';
import type { History } from '../../src/core/history-model.ts';
import { initialState, step } from '../../src/core/lifecycle.ts';
import type { Policy } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import { statusOf } from '../../src/core/status.ts';
import { waitsOf } from '../../src/core/waits.ts';
import type { Overview } from '../../src/page/overview.ts';
import { defaultPolicy, type Happening } from './agent-states.ts';

/** The time of day at 0 ms. */
export const FIRST_WALL_MS = Date.parse('2026-08-26T03:12:45.678Z');

interface Told {
  readonly history: History;
  readonly state: State;
}

/** The state after some events, and what is remembered of them. */
export function toldAfter(happenings: readonly Happening[], policy: Policy = defaultPolicy): Told {
  return happenings.reduce<Told>(
    ({ history, state: before }, [atMs, event]) => {
      const { state: after, effects } = step(before, event, { atMs, chance: 0.5 }, policy);
      const moment = { atMs, wallMs: FIRST_WALL_MS + atMs };
      const happened = { event, moment, before, after, effects, policy };
      return { history: remember(history, happened), state: after };
    },
    { history: emptyHistory, state: initialState },
  );
}

/** What a page that is asked for at this moment is made of. */
export function overviewAt(
  atMs: number,
  happenings: readonly Happening[],
  policy: Policy = defaultPolicy,
): Overview {
  const { history, state } = toldAfter(happenings, policy);
  const status = statusOf(state, { policy, moment: { atMs } });
  const wallMs = FIRST_WALL_MS + atMs;
  const waits = waitsOf(state);
  return { name: 'pod-1', version: '1.2.3', status, state, waits, history, atMs, wallMs };
}
