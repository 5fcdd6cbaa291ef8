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

describe('running time', () => {
  const standStill = (ms: number) =>
    void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

  test('leaves the time for an answer after the process stood still', async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      systemClock.after(50, () => order.push('any time'));
      systemClock.afterRunning(50, () => {
        order.push('running time');
        resolve();
      });
      standStill(600);
      systemClock.after(20, () => order.push('answer'));
    });
    expect(order).toEqual(['any time', 'answer', 'running time']);
  });

  test('comes to an end all the same, and at once when it is over', async () => {
    const fired: number[] = [];
    const wait = (ms: number) =>
      new Promise<void>((resolve) => {
        systemClock.afterRunning(ms, () => {
          fired.push(ms);
          resolve();
        });
      });
    const waits = [wait(1_200), wait(30), wait(-5_000)];
    await Promise.all(waits);
    expect(fired).toEqual([-5_000, 30, 1_200]);
  });

  test('does not wait for ever where every stretch of it is late', async () => {
    let isOver = false;
    const over = new Promise<void>((resolve) => {
      systemClock.afterRunning(100, () => {
        isOver = true;
        resolve();
      });
    });
    for (let count = 0; count < 10 && !isOver; count += 1) {
      standStill(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(isOver).toBe(true);
    await over;
  });

  test('does not end when cancelled, in its second stretch neither', async () => {
    let isOver = false;
    const cancel = systemClock.afterRunning(100, () => {
      isOver = true;
    });
    standStill(400);
    await new Promise<void>((resolve) => void systemClock.after(50, resolve));
    cancel();
    cancel();
    await new Promise<void>((resolve) => void systemClock.after(150, resolve));
    expect(isOver).toBe(false);
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
