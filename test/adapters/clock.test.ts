import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';

describe('the clock', () => {
  test('gives a moment that never goes back and a chance in [0, 1)', () => {
    const moments = Array.from({ length: 100 }, () => systemClock.moment());
    moments.forEach(({ atMs, chance }, at) => {
      expect(atMs).toBeGreaterThanOrEqual(moments[at - 1]?.atMs ?? 0);
      expect(chance).toBeGreaterThanOrEqual(0);
      expect(chance).toBeLessThan(1);
    });
    expect(new Set(moments.map(({ chance }) => chance)).size).toBeGreaterThan(90);
  });

  test('fires once, after the time and not before', async () => {
    const before = systemClock.moment().atMs;
    await new Promise<void>((resolve) => void systemClock.after(20, resolve));
    // A timer of Node may be up to a millisecond early.
    expect(systemClock.moment().atMs - before).toBeGreaterThanOrEqual(19);
  });

  test('fires at once for a time that is over', async () => {
    await new Promise<void>((resolve) => void systemClock.after(-5_000, resolve));
  });
});

describe('a timer', () => {
  const fire = vi.fn();
  const monthMs = 30 * 24 * 3_600_000;

  beforeEach(() => {
    fire.mockClear();
    vi.useFakeTimers();
  });
  afterEach(() => void vi.useRealTimers());

  test('is not cut short when it is longer than those of Node', () => {
    systemClock.after(3 * monthMs, fire);
    vi.advanceTimersByTime(3 * monthMs - 1);
    expect(fire).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fire).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('does not fire when cancelled, in its second stretch neither, and twice does no harm', () => {
    const cancel = systemClock.after(2 * monthMs, fire);
    vi.advanceTimersByTime(1.5 * monthMs);
    cancel();
    cancel();
    vi.advanceTimersByTime(monthMs);
    expect(fire).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});
