/** What is still to happen, the earliest first. */

export interface Due<Item> {
  readonly atMs: number;
  readonly item: Item;
}

export interface Agenda<Item> {
  add(atMs: number, item: Item): void;
  /** The earliest, of several at the same moment the one added first; undefined when all is done. */
  take(): Due<Item> | undefined;
}

interface Entry<Item> extends Due<Item> {
  /** Counts up from entry to entry, so that a run can be repeated. */
  readonly turn: number;
}

/** A binary heap: both verbs take a time that grows with the logarithm of what is in it. */
export function createAgenda<Item>(): Agenda<Item> {
  const heap: Entry<Item>[] = [];
  let addedCount = 0;
  return {
    add(atMs, item) {
      heap.push({ atMs, item, turn: addedCount });
      addedCount += 1;
      rise(heap, heap.length - 1);
    },
    take() {
      const [first] = heap;
      const last = heap.pop();
      if (first === undefined || last === undefined) return undefined;
      if (heap.length > 0) {
        heap[0] = last;
        sink(heap, 0);
      }
      return first;
    },
  };
}

function rise<Item>(heap: Entry<Item>[], from: number): void {
  for (let index = from; index > 0; ) {
    const parent = (index - 1) >> 1;
    if (!isBefore(heap[index], heap[parent])) return;
    swap(heap, index, parent);
    index = parent;
  }
}

function sink<Item>(heap: Entry<Item>[], from: number): void {
  for (let index = from; ; ) {
    const left = 2 * index + 1;
    const child = isBefore(heap[left + 1], heap[left]) ? left + 1 : left;
    if (!isBefore(heap[child], heap[index])) return;
    swap(heap, index, child);
    index = child;
  }
}

function isBefore<Item>(one: Entry<Item> | undefined, other: Entry<Item> | undefined): boolean {
  if (one === undefined || other === undefined) return one !== undefined;
  return one.atMs === other.atMs ? one.turn < other.turn : one.atMs < other.atMs;
}

function swap<Item>(heap: Entry<Item>[], one: number, other: number): void {
  const [first, second] = [heap[one], heap[other]];
  if (first === undefined || second === undefined) return;
  heap[one] = second;
  heap[other] = first;
}
