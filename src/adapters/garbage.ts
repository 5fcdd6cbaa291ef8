/**
 * Collects garbage that Node would leave lying about: it waits until the heap has grown by 8 MB,
 * whatever the growth it is allowed, which is all that a small agent lives in.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Cancel, Clock } from '../ports.ts';

export interface Heap {
  readonly usedBytes: () => number;
  /** Returns when all garbage is gone. */
  readonly collect: () => void;
}

const LOOK_EVERY_MS = 10_000;
/** Collecting takes some 12 ms of 10 s at most, and nothing of an agent that has nothing to do. */
const GROWN_BYTES = 1.5 * 1024 * 1024;

/** Looks every ten seconds, and collects when the heap has grown since it was last collected. */
export function keepCollected(clock: Clock, heap: Heap = ownHeap()): Cancel {
  let keptBytes = 0;
  let cancel: Cancel = () => {};
  const lookLater = () => {
    cancel = clock.after(LOOK_EVERY_MS, () => {
      if (heap.usedBytes() > keptBytes + GROWN_BYTES) {
        heap.collect();
        keptBytes = heap.usedBytes();
      }
      lookLater();
    });
  };
  lookLater();
  return () => cancel();
}

function ownHeap(): Heap {
  let collect: (() => void) | undefined;
  return {
    usedBytes: () => getHeapStatistics().used_heap_size,
    collect: () => {
      collect ??= nodesCollector();
      collect();
    },
  };
}

/** Node shows it only where it was started to; a context made while the flag is set has it too. */
function nodesCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return collect;
}
