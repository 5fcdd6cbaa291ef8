import { describe, expect, test } from 'vitest';
import { createLookOut } from '../../src/work/look-out.ts';
import { createFakeClock } from '../support/fake-clock.ts';

function startLookOut(look: () => Promise<void> = async () => {}) {
  const clock = createFakeClock();
  const done: string[] = [];
  const lookOut = createLookOut({
    clock,
    times: { quietMs: 1_000, maxWaitMs: 10_000 },
    pollIntervalMs: 30_000,
    look: () => {
      done.push('look');
      return look();
    },
    rearm: () => void done.push('rearm'),
  });
  return { clock, done, ...lookOut };
}

describe('the look-out', () => {
  test('looks once it has been quiet for a while', () => {
    const { clock, done, hint } = startLookOut();
    for (let count = 0; count < 3; count++) {
      hint();
      clock.pass(999);
    }
    expect(done).toEqual([]);
    clock.pass(1);
    expect(done).toEqual(['look']);
  });

  test('looks at last when the hints never end', () => {
    const { clock, done, hint } = startLookOut();
    for (let count = 0; count < 100; count++) {
      hint();
      clock.pass(100);
    }
    expect(done).toEqual(['look']);
  });

  test('waits anew for the first hint after a look', () => {
    const { clock, done, hint } = startLookOut();
    hint();
    clock.pass(15_000);
    expect(done).toEqual(['look']);
    hint();
    clock.pass(999);
    expect(done).toEqual(['look']);
    clock.pass(1);
    expect(done).toEqual(['look', 'look']);
  });

  test('looks again for a hint during a look', () => {
    const { clock, done, hint } = startLookOut(() => new Promise(() => {}));
    hint();
    clock.pass(1_000);
    hint();
    clock.pass(1_000);
    expect(done).toEqual(['look', 'look']);
  });

  test('looks every now and then without a hint, at folders that are watched anew', () => {
    const { clock, done } = startLookOut();
    clock.pass(29_999);
    expect(done).toEqual([]);
    clock.pass(30_001);
    expect(done).toEqual(['rearm', 'look', 'rearm', 'look']);
  });

  test('does nothing more once closed', () => {
    const { clock, done, hint, close } = startLookOut();
    hint();
    close();
    close();
    clock.pass(100_000);
    expect(done).toEqual([]);
    expect(clock.armedAtMs()).toEqual([]);
  });
});
