/** Stretches of time one after the other, bounded in number. */
import type { Span, Spans } from './history-model.ts';

const KEPT_AT_EACH_END = 16;

export function noSpans<Name>(): Spans<Name> {
  return { kept: [], omittedCount: 0 };
}

/** Goes on with the last span when that has the name already. */
export function continued<Name>(spans: Spans<Name>, next: Span<Name>): Spans<Name> {
  const { kept, omittedCount } = spans;
  if (kept.at(-1)?.name === next.name) return spans;
  const longer = [...kept, next];
  if (longer.length <= 2 * KEPT_AT_EACH_END) return { kept: longer, omittedCount };
  return {
    kept: [...longer.slice(0, KEPT_AT_EACH_END), ...longer.slice(-KEPT_AT_EACH_END)],
    omittedCount: omittedCount + 1,
  };
}

/** A span with its end, in monotonic milliseconds. */
export interface ClosedSpan<Name> extends Span<Name> {
  readonly toMs: number;
}

/** Each with its end; the last one goes on until `untilMs`. */
export function closedSpans<Name>(
  { kept }: Spans<Name>,
  untilMs: number,
): readonly ClosedSpan<Name>[] {
  return kept.map((span, at) => ({ ...span, toMs: kept[at + 1]?.fromMs ?? untilMs }));
}
