/** Bytes that are passed on: parts of what came as they are, and what was made in their place. */

export interface ByteRuns {
  /** Passes on this part; parts that follow each other become one. */
  keep(from: number, to: number): void;
  add(bytes: Uint8Array): void;
  all(): readonly Uint8Array[];
}

/** So many are sent one by one; more are first put together. */
const MOST_PIECES = 8;

export function createByteRuns(bytes: Uint8Array): ByteRuns {
  const pieces: Uint8Array[] = [];
  let runFrom = 0;
  let runTo = 0;
  const endRun = () => {
    if (runTo > runFrom) pieces.push(bytes.subarray(runFrom, runTo));
    runFrom = runTo;
  };
  return {
    keep: (from, to) => {
      if (from !== runTo) {
        endRun();
        runFrom = from;
      }
      runTo = to;
    },
    add: (more) => {
      if (more.length === 0) return;
      endRun();
      pieces.push(more);
    },
    all: () => {
      endRun();
      return pieces.length > MOST_PIECES ? [joinedBytes(pieces)] : pieces;
    },
  };
}

/** A copy of them all. */
export function joinedBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
