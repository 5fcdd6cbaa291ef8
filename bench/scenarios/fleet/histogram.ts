/** Handovers begun per second over time, drawn with letters. */
import { perBin } from './cases.ts';

const WIDTHS_S = [1, 2, 5, 10, 15, 30, 60, 120] as const;
const MOST_ROWS = 26;
const BAR_LENGTH = 48;

/** One row for each span of seconds since the write: its handovers a second, as a bar and a number. */
export function histogram(begunAtMs: readonly number[]): string {
  const lastS = Math.max(0, ...begunAtMs.slice(-1)) / 1_000;
  const widthS =
    WIDTHS_S.find((width) => lastS / width < MOST_ROWS) ?? Math.ceil(lastS / MOST_ROWS);
  const perSecond = perBin(begunAtMs, widthS * 1_000).map((count) => count / widthS);
  const most = Math.max(...perSecond);
  const digits = String(perSecond.length * widthS).length;
  return perSecond
    .map((rate, bin) => {
      const [from, to] = [bin, bin + 1].map((edge) => String(edge * widthS).padStart(digits));
      const bar = '#'.repeat(Math.ceil((rate / most) * BAR_LENGTH));
      return `${from}-${to} s |${bar}${rate === 0 ? '' : ` ${rateText(rate)}`}`;
    })
    .join('\n');
}

function rateText(rate: number): string {
  return rate >= 10 ? String(Math.round(rate)) : String(Number(rate.toPrecision(2)));
}
