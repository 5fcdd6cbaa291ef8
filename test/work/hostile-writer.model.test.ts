/**
 * A hostile writer, through random sequences of what it may do to the certificate folders, looked
 * at in between and in the midst of it: whatever happens, every snapshot that is taken is whole,
 * matched, valid and left alone, and once the writer rests with a good set it is taken.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PLANTED_BUGS } from '../support/hostile-writer-bugs.ts';
import { FOUND_BEFORE } from '../support/hostile-writer-found.ts';
import { createPlainStore } from '../support/hostile-writer-plain-store.ts';
import { hostilePlans } from '../support/hostile-writer-plans.ts';
import {
  runHostilePlan,
  type Stock,
  type StoreFactory,
  stockUp,
} from '../support/hostile-writer-run.ts';
import { PLANTED_WATCH_BUGS } from '../support/hostile-writer-watch-bugs.ts';
import { AS_IT_IS, runWatchedPlan, type Watching } from '../support/hostile-writer-watched.ts';

/** All of them together; fewer where many runs of the tests are to be quick. */
const SEQUENCES = Number(process.env['HOSTILE_SEQUENCES'] ?? 350);

/** For the slowest machine: running out of time would hide the sequence that broke a rule. */
const LONG_MS = 600_000;

let stock: Stock;

beforeAll(async () => {
  stock = await stockUp();
});

afterAll(() => stock.remove());

const looked = (createStore?: StoreFactory) =>
  fc.asyncProperty(hostilePlans, (plan) => runHostilePlan(plan, stock, createStore));

const watched = (watching: Watching) =>
  fc.asyncProperty(hostilePlans, (plan) => runWatchedPlan(plan, stock, watching));

const share = (part: number) => ({ numRuns: Math.ceil(SEQUENCES * part) });

/** A look and a hint come in any order: what fails need not fail again, so it is not made shorter. */
const once = (part: number) => ({ ...share(part), endOnFailure: true });

describe('a hostile writer', { timeout: LONG_MS }, () => {
  it('has nothing taken that is not whole, matched and valid, and what is good, once', () =>
    fc.assert(looked(), { ...share(0.8), examples: [...FOUND_BEFORE] }));

  it('is looked at once it rests, by hints alone', () => fc.assert(watched(AS_IT_IS), once(0.1)));

  it('is looked at once it rests, when every hint is lost', () =>
    fc.assert(watched({ ...AS_IT_IS, isDeaf: true }), once(0.1)));
});

/** The same sequences each time: that the judge can find a bug must not be left to chance. */
const known = { seed: 44, numRuns: 1_000, endOnFailure: true };

describe('the judge', { timeout: LONG_MS }, () => {
  it.each(Object.entries(PLANTED_BUGS))('finds a store that %s', async (_, createStore) => {
    const { failed, errorInstance } = await fc.check(looked(createStore), known);
    expect(failed).toBe(true);
    expect(errorInstance).toMatchObject({ name: 'BrokenRule' });
  });

  it.each(Object.entries(PLANTED_WATCH_BUGS))('finds a watch that %s', async (_, watching) => {
    const { failed, errorInstance } = await fc.check(watched(watching), known);
    expect(failed).toBe(true);
    expect(errorInstance).toMatchObject({ name: 'BrokenRule' });
  });

  it('has nothing to say against a simple store without a bug', async () => {
    const createStore: StoreFactory = (options) =>
      createPlainStore(options, { isResolved: true, readingCount: 2 });
    await fc.assert(looked(createStore), { ...known, numRuns: 50 });
  });
});
