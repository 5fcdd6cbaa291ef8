import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Settling, settle } from '../../src/core/settle.ts';

const times = { quietMs: 1_000, maxWaitMs: 10_000 };

function afterHints(hintsAtMs: readonly number[]): Settling | undefined {
  return hintsAtMs.reduce<Settling | undefined>(
    (settling, hintAtMs) => settle(settling, hintAtMs, times),
    undefined,
  );
}

describe('settle', () => {
  it('is due a quiet time after the only hint', () => {
    expect(afterHints([500])).toEqual({ firstHintAtMs: 500, dueAtMs: 1_500 });
  });

  it('is due once, a quiet time after the last, when three hints come together', () => {
    expect(afterHints([500, 900, 1_400])?.dueAtMs).toBe(2_400);
  });

  it('is due at the longest wait from the first hint when hints never end', () => {
    const everyHalfSecond = Array.from({ length: 20 }, (_, count) => count * 500);
    expect(afterHints(everyHalfSecond)?.dueAtMs).toBe(10_000);
  });

  it('is due at once when a hint comes after the longest wait', () => {
    expect(afterHints([0, 12_000])?.dueAtMs).toBe(12_000);
  });

  it('is due at the longest wait when that is shorter than the quiet time', () => {
    expect(settle(undefined, 0, { quietMs: 1_000, maxWaitMs: 200 }).dueAtMs).toBe(200);
  });

  it('starts anew when a look began since', () => {
    expect(settle(undefined, 30_000, times)).toEqual({ firstHintAtMs: 30_000, dueAtMs: 31_000 });
  });

  it('is never due before the hint nor after both bounds, whatever the hints', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 5_000 }), { minLength: 1, maxLength: 200, size: 'max' }),
        (gaps) => {
          let atMs = 0;
          let settling: Settling | undefined;
          for (const gap of gaps) {
            atMs += gap;
            settling = settle(settling, atMs, times);
            expect(settling.dueAtMs).toBeGreaterThanOrEqual(atMs);
            expect(settling.dueAtMs).toBeLessThanOrEqual(
              Math.max(atMs, settling.firstHintAtMs + times.maxWaitMs),
            );
            expect(settling.dueAtMs).toBeLessThanOrEqual(atMs + times.quietMs);
          }
        },
      ),
    );
  });
});
