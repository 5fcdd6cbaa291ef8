import { describe, expect, test } from 'vitest';
import { judgeSharedMemory } from '../../src/core/shared-memory-layout.ts';
import { sharedMemoryBytes } from '../support/shared-memory.ts';

describe('judgeSharedMemory', () => {
  test.each([
    ['x86-64', 104],
    ['aarch64', 120],
  ])('finds the flags at the end of the layout of %s', (_, size) => {
    expect(judgeSharedMemory(sharedMemoryBytes({ size, flags: 0n }))).toEqual({ kind: 'sound' });
    expect(judgeSharedMemory(sharedMemoryBytes({ size, flags: 1n }))).toEqual({
      kind: 'initializing',
      flagsOffset: size - 8,
    });
  });

  test.each([
    ['empty', new Uint8Array(0), 'it is only 0 bytes long'],
    ['too short for a layout', new Uint8Array(23), 'it is only 23 bytes long'],
    [
      'of another length than it says',
      sharedMemoryBytes({ statedSize: 96n }),
      'it says it is 96 bytes long and is 104',
    ],
    ['of another version', sharedMemoryBytes({ version: 12n }), 'its version is 12 and not 11'],
    [
      'with a flag nobody knows',
      sharedMemoryBytes({ flags: 3n }),
      'its flags are 3, of which only 1 is known',
    ],
    [
      'with the largest numbers there are',
      new Uint8Array(104).fill(255),
      'it says it is 18446744073709551615 bytes long and is 104',
    ],
  ])('refuses memory that is %s', (_, memory, reason) => {
    expect(judgeSharedMemory(memory)).toEqual({ kind: 'unknown', reason });
  });

  test('reads a view into a larger buffer at its own place', () => {
    const larger = new Uint8Array(200);
    larger.set(sharedMemoryBytes({ flags: 1n }), 50);

    expect(judgeSharedMemory(larger.subarray(50, 154)).kind).toBe('initializing');
  });
});
