import { expect, test } from 'vitest';
import { keepCollected } from '../../src/adapters/garbage.ts';
import { createFakeClock, promisesSettled } from '../support/fake-clock.ts';

const MB = 1024 * 1024;

/** A heap in which so much is kept, whatever lies on top of it. */
function heapOf({ keptMb }: { readonly keptMb: number }) {
  let usedBytes = keptMb * MB;
  let collectedCount = 0;
  return {
    usedBytes: () => usedBytes,
    collect: () => {
      usedBytes = keptMb * MB;
      collectedCount += 1;
    },
    grow: (mb: number) => {
      usedBytes += mb * MB;
    },
    collectedCount: () => collectedCount,
  };
}

test('what the start leaves is collected once, and nothing more of an agent that rests', () => {
  const clock = createFakeClock();
  const heap = heapOf({ keptMb: 9 });
  keepCollected(clock, heap);

  clock.pass(10_000);
  expect(heap.collectedCount()).toBe(1);
  heap.grow(1);
  clock.pass(3_600_000);

  expect(heap.collectedCount()).toBe(1);
});

test('an hour of rotations never holds more than what grows within ten seconds', () => {
  const clock = createFakeClock();
  const heap = heapOf({ keptMb: 9 });
  keepCollected(clock, heap);
  clock.pass(10_000);

  let mostBytes = 0;
  for (let second = 0; second < 3_600; second += 1) {
    heap.grow(0.2);
    clock.pass(1_000);
    mostBytes = Math.max(mostBytes, heap.usedBytes());
  }

  expect(mostBytes).toBeLessThanOrEqual(13 * MB);
  expect(heap.collectedCount()).toBeLessThanOrEqual(361);
});

test('nothing is collected any more after the end', () => {
  const clock = createFakeClock();
  const heap = heapOf({ keptMb: 9 });
  const stop = keepCollected(clock, heap);

  stop();

  expect(clock.armedAtMs()).toEqual([]);
});

test("Node's own heap is collected without its being started for that", async () => {
  const clock = createFakeClock();
  const stop = keepCollected(clock);
  const forgotten = new WeakRef({ some: 'garbage' });
  await promisesSettled();

  clock.pass(10_000);
  stop();

  expect(forgotten.deref()).toBeUndefined();
  expect(globalThis).not.toHaveProperty('gc');
});
