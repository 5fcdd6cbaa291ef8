import { beforeEach, describe, expect, test } from 'vitest';
import { createPageEvents, type PageEvents } from '../../src/work/page-events.ts';
import { createFakeClock, type FakeClock, promisesSettled } from '../support/fake-clock.ts';

let clock: FakeClock;
let regions: Map<string, string>;
let reported: unknown[];
let events: PageEvents;
let madeCount: number;

beforeEach(() => {
  clock = createFakeClock();
  regions = new Map([
    ['glance', 'one'],
    ['tokens', 'ten'],
  ]);
  reported = [];
  madeCount = 0;
  events = createPageEvents({
    clock,
    regions: () => {
      madeCount += 1;
      return new Map(regions);
    },
    report: (error) => reported.push(error),
  });
});

/** Reads until it is told to stop, or there is no more. */
function readAll(from = events) {
  const read: string[] = [];
  const iterator = from.follow()[Symbol.asyncIterator]();
  let isOver = false;
  void (async () => {
    for (let next = await iterator.next(); !next.done; next = await iterator.next())
      read.push(next.value);
    isOver = true;
  })();
  return {
    iterator,
    messages: () => read.map((text) => /^data: (.*)$/m.exec(text)?.[1] ?? text),
    news: () => read.map((text) => newsIn(text)),
    isOver: () => isOver,
  };
}

function newsIn(text: string): unknown {
  const [, data = '{}'] = /^data: (\{.*\})$/m.exec(text) ?? [];
  return (JSON.parse(data) as { regions?: unknown }).regions;
}

async function change(id: string, markup: string): Promise<void> {
  regions.set(id, markup);
  events.changed();
  await promisesSettled();
}

describe('the events of a page', () => {
  test('begin with everything, and with when to come back', async () => {
    const iterator = events.follow()[Symbol.asyncIterator]();
    const { value } = await iterator.next();
    expect(value).toMatch(/^retry: 2000\ndata: \{"atMs":1000000,.*\}\n\n$/);
    expect(newsIn(String(value))).toEqual({ glance: 'one', tokens: 'ten' });
  });

  test('tell what has changed, that alone, and at most four times a second', async () => {
    const { news } = readAll();
    await promisesSettled();
    for (let count = 0; count < 100; count += 1) {
      await change('glance', `change ${count}`);
      await clock.passSlowly(10, 10);
    }
    await clock.passSlowly(250, 50);
    const told = news().slice(1);
    expect(told.length).toBeLessThanOrEqual(5);
    expect(told.at(-1)).toEqual({ glance: 'change 99' });
    expect(told.flatMap((one) => Object.keys(one as object))).not.toContain('tokens');
  });

  test('come by themselves when a text counts seconds', async () => {
    const { news } = readAll();
    await promisesSettled();
    regions.set('glance', 'next start in 3 s');
    await clock.passSlowly(1_000);
    expect(news().slice(1)).toEqual([{ glance: 'next start in 3 s' }]);
  });

  test('say every few seconds that the agent is there, and nothing else', async () => {
    const { news } = readAll();
    await promisesSettled();
    await clock.passSlowly(9_500);
    expect(news().slice(1)).toEqual([{}, {}, {}]);
  });

  test('of what a slow reader has not read keep the newest of each region', async () => {
    const iterator = events.follow()[Symbol.asyncIterator]();
    await iterator.next();
    for (let count = 0; count < 500; count += 1) {
      await change('glance', `change ${count}`);
      await clock.passSlowly(300, 300);
    }
    const { value } = await iterator.next();
    expect(newsIn(String(value))).toEqual({ glance: 'change 499' });
  });

  test('reach everyone who follows, whoever came last with everything', async () => {
    const first = readAll();
    await promisesSettled();
    await change('glance', 'two');
    await clock.passSlowly(300);
    const second = readAll();
    await promisesSettled();
    await change('tokens', 'nine');
    await clock.passSlowly(300);
    expect(first.news().slice(1)).toEqual([{ glance: 'two' }, { tokens: 'nine' }]);
    expect(second.news()).toEqual([{ glance: 'two', tokens: 'ten' }, { tokens: 'nine' }]);
  });

  test('cost nothing while nobody follows, and no more once nobody does', async () => {
    events.changed();
    expect(clock.armedAtMs()).toEqual([]);
    const { iterator } = readAll();
    await promisesSettled();
    expect(clock.armedAtMs()).toHaveLength(1);
    const ending = iterator.return?.(undefined);
    await clock.passSlowly(4_000);
    await ending;
    await clock.passSlowly(2_000);
    const before = madeCount;
    events.changed();
    await clock.passSlowly(5_000);
    expect(madeCount).toBe(before);
    expect(clock.armedAtMs()).toEqual([]);
  });

  test('are not begun by an answer that nobody reads', () => {
    events.follow();
    expect(clock.armedAtMs()).toEqual([]);
    expect(madeCount).toBe(0);
  });

  test('end for the oldest of too many, who is told', async () => {
    const all = Array.from({ length: 17 }, () => readAll());
    await promisesSettled();
    expect(all.map(({ isOver }) => isOver())).toEqual([true, ...Array(16).fill(false)]);
    expect(all[0]?.messages().at(-1)).toBe('over');
  });

  test('end for everyone when they cannot be made, which is reported', async () => {
    const { isOver, messages } = readAll();
    await promisesSettled();
    const bug = new Error('a bug');
    regions = {
      [Symbol.iterator]: () => {
        throw bug;
      },
    } as never;
    await clock.passSlowly(1_000);
    expect(reported).toEqual([bug]);
    expect(isOver()).toBe(true);
    expect(messages().at(-1)).toBe('over');
  });
});
