/**
 * Lines of one kind that come again and again: the first few of a window are written, what follows
 * is counted until the window ends. Pure: the time comes with each line.
 */

export interface RepeatLimits {
  /** Lines of a kind that are written in each window. */
  readonly most: number;
  /** Kinds that are told apart at once; those past them count as one, so that memory stays bounded. */
  readonly mostKinds: number;
}

export interface Kind {
  readonly name: string;
  readonly windowMs: number;
}

export interface LeftOut<Line> {
  /** The first of them. */
  readonly line: Line;
  readonly count: number;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** `opens`: the first that is left out, to be told of when the window is over. */
export type Taken =
  | { readonly isWritten: true }
  | {
      readonly isWritten: false;
      readonly opens?: { readonly window: string; readonly endsAtMs: number };
    };

export interface Repeats<Line> {
  take(line: Line, kind: Kind, atMs: number): Taken;
  /** Ends a window. @returns what it left out, if anything */
  close(window: string): LeftOut<Line> | undefined;
  /** Ends all of them. */
  closeAll(): readonly LeftOut<Line>[];
}

interface Window<Line> {
  readonly endsAtMs: number;
  writtenCount: number;
  leftOut?: LeftOut<Line>;
}

/** Stands for all kinds past those that are told apart. */
export const OTHER_KINDS = '...';

export function createRepeats<Line>({ most, mostKinds }: RepeatLimits): Repeats<Line> {
  const windows = new Map<string, Window<Line>>();

  function windowOf({ name, windowMs }: Kind, atMs: number): [string, Window<Line>] {
    const known = windows.get(name);
    if (known !== undefined && !isOver(known, atMs)) return [name, known];
    if (known === undefined && windows.size >= mostKinds) forgetOver(windows, atMs);
    const isOther = known === undefined && windows.size >= mostKinds && name !== OTHER_KINDS;
    if (isOther) return windowOf({ name: OTHER_KINDS, windowMs }, atMs);
    const opened = { endsAtMs: atMs + windowMs, writtenCount: 0 };
    windows.set(name, opened);
    return [name, opened];
  }

  function close(name: string): LeftOut<Line> | undefined {
    const leftOut = windows.get(name)?.leftOut;
    windows.delete(name);
    return leftOut;
  }

  return {
    take: (line, kind, atMs) => {
      const [name, window] = windowOf(kind, atMs);
      if (window.writtenCount < most) {
        window.writtenCount += 1;
        return { isWritten: true };
      }
      const { leftOut, endsAtMs } = window;
      window.leftOut =
        leftOut === undefined
          ? { line, count: 1, sinceMs: atMs, untilMs: atMs }
          : { ...leftOut, count: leftOut.count + 1, untilMs: atMs };
      return leftOut === undefined
        ? { isWritten: false, opens: { window: name, endsAtMs } }
        : { isWritten: false };
    },
    close,
    closeAll: () => [...windows.keys()].map(close).filter((leftOut) => leftOut !== undefined),
  };
}

/** One that has left something out stays until it is closed, so that it is told of. */
function isOver(window: Window<unknown>, atMs: number): boolean {
  return window.leftOut === undefined && atMs >= window.endsAtMs;
}

function forgetOver(windows: Map<string, Window<unknown>>, atMs: number): void {
  for (const [name, window] of windows) if (isOver(window, atMs)) windows.delete(name);
}

/** More of a message tells no kinds apart. */
const MOST_COMPARED = 200;
const VARYING =
  /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:[0-9a-f]{0,4}:){2,}[0-9a-f.]*|0x[0-9a-f]+|\b(?=[a-f]*\d)[0-9a-f]{6,}\b|\d+/gi;

/** The same for messages that differ in numbers, addresses and hexadecimal names alone. */
export function withoutVarying(message: string): string {
  return message.slice(0, MOST_COMPARED).replace(VARYING, '#');
}
