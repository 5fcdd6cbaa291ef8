/** What is told of random runs: whatever happened, no handover and no launch is lost or told twice. */
import fc from 'fast-check';
import { it } from 'vitest';
import { givenUpStatus } from '../../src/core/given-up.ts';
import { emptyHistory, remember } from '../../src/core/history.ts';
import type { History, Lane, PastHandover } from '../../src/core/history-model.ts';
import { historyStatus } from '../../src/core/history-status.ts';
import type { Policy } from '../../src/core/model.ts';
import { isReady, readiness } from '../../src/core/readiness.ts';
import { restartProgress } from '../../src/core/restart-progress.ts';
import type { State } from '../../src/core/state.ts';
import { waitsOf } from '../../src/core/waits.ts';
import { must } from '../support/broken-rule.ts';
import { anything, plansOf, type RunOfPlan, runPlan } from '../support/lifecycle-plans.ts';
import { holdsFor, LONG_MS } from '../support/lifecycle-runs.ts';
import type { Transition } from '../support/simulated-world.ts';

const MOST = 50;
const MOST_CHARACTERS = 500_000;

it('the history has everything once, and no more than it may', { timeout: LONG_MS }, () => {
  holdsFor(
    0.03,
    fc.property(plansOf(anything), (plan) => runPlan(plan, followed())),
  );
});

it('what is said of a state is so', { timeout: LONG_MS }, () => {
  holdsFor(
    0.03,
    fc.property(plansOf(anything), (plan) => runPlan(plan, { observe: checkTexts })),
  );
});

function followed() {
  let history = emptyHistory;
  return {
    observe: (transition: Transition, { world: { policy } }: RunOfPlan) => {
      history = checkedAfter(history, transition, policy);
    },
    afterwards: ({ world }: RunOfPlan) => {
      const told = JSON.stringify(historyStatus(history, world.nowMs()));
      must('a history is no burden', told.length < MOST_CHARACTERS);
    },
  };
}

function checkedAfter(last: History, transition: Transition, policy: Policy): History {
  const { atMs, ...rest } = transition;
  const history = remember(last, { ...rest, policy, moment: { atMs, wallMs: atMs } });
  checkHandovers(history.handovers, transition);
  checkLanes(history.launches, transition.after);
  checkEnded(last.launches, history.launches);
  return history;
}

function checkHandovers(handovers: readonly PastHandover[], { after, effects }: Transition): void {
  must('no more are kept than may be', handovers.length <= MOST);
  must('each has its place', isAscending(handovers.map(({ id }) => numberOf(id))));
  for (const one of handovers) checkHandover(one, after);
  const { handover } = after;
  must('what is under way comes last', !handover || handovers.at(-1)?.id === handover.id);
  for (const effect of effects) {
    if (effect.type !== 'reportHandover' || effect.end.id === undefined) continue;
    const told = handovers.find(({ id }) => id === effect.end.id);
    must('its end is told', told?.result === effect.end.result || handovers.length === MOST);
  }
}

function checkHandover(one: PastHandover, { handover, proving }: State): void {
  const isUnderway = handover?.id === one.id;
  must('it is over when it is', isUnderway === (one.leftAtMs === undefined));
  const isOpen = (isUnderway && handover.step !== 'retiring') || proving?.end.id === one.id;
  must('it has a result when it has one', isOpen === (one.result === undefined));
  must('of many failures the last are kept', one.failures.length <= Math.min(20, one.failureCount));
  must(
    'its steps are in order',
    isAscending(
      one.steps.kept.map(({ fromMs }) => fromMs),
      0,
    ),
  );
}

function checkLanes(lanes: readonly Lane[], { launches }: State): void {
  const alive = lanes.filter(({ end }) => end === undefined).map(({ id }) => id);
  must('who lives has a lane', alive.join() === launches.map(({ id }) => id).join());
  must('no more ended ones are kept', lanes.length - alive.length <= MOST);
  must('each has one lane', isAscending(lanes.map(({ id }) => numberOf(id))));
  must(
    'each was begun by a handover',
    lanes.every(({ handover }) => handover !== undefined),
  );
}

function checkEnded(before: readonly Lane[], after: readonly Lane[]): void {
  const ended = before.filter(({ end }) => end !== undefined).slice(1 - MOST);
  must(
    'who has ended has ended once',
    ended.every((lane) => after.includes(lane)),
  );
}

function checkTexts({ after, atMs }: Transition, { world, rules }: RunOfPlan): void {
  const { policy } = world;
  const told = readiness(after, { policy, moment: { atMs } });
  must('it is ready or says why not', told.ready || /^[a-z]+: .|^stopped$/.test(told.reason));
  must('the reason has one line', told.ready || !/undefined|NaN|\n/.test(told.reason));
  must(
    'who is ready serves',
    !isReady(after) || after.launches.some(({ stage }) => stage === 'live'),
  );
  const waits = waitsOf(after).map(
    ({ what, otherwise = '', dueMs }) => `${what} ${otherwise} ${dueMs}`,
  );
  must('each wait can be told', !/undefined|NaN|Infinity/.test(waits.join()));
  for (const { parts } of givenUpStatus(after, atMs))
    must('something was given up', parts.length > 0);
  const isExplained = (id: Parameters<typeof restartProgress>[1]) =>
    restartProgress(after, id) !== undefined;
  must('who waits is told for what', after.phase === 'stopped' || openOf(after).every(isExplained));
  must(
    'who waits is known',
    rules.unanswered().every((id) => openOf(after).includes(id)),
  );
}

function openOf({ pending, handover, proving }: State) {
  return [
    ...pending.flatMap(({ id }) => (id === undefined ? [] : [id])),
    ...(handover?.requests ?? []),
    ...(proving?.requests ?? []),
  ];
}

function numberOf(id: string): number {
  return Number(id.slice(1));
}

function isAscending(values: readonly number[], by = 1): boolean {
  return values.every((value, at) => at === 0 || value >= (values[at - 1] ?? 0) + by);
}
