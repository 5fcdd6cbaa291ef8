import { describe, expect, test } from 'vitest';
import {
  abstractNamesIn,
  candidateBaseIds,
  MAX_BASE_ID,
  sharedMemoryNameOf,
  socketNamesOf,
} from '../../src/core/hot-restart-names.ts';

describe('names of a base id', () => {
  test('sharedMemoryNameOf multiplies by ten as Envoy does', () => {
    expect(sharedMemoryNameOf(7)).toBe('envoy_shared_memory_70');
  });

  test('socketNamesOf lists both roles, plain and UDP, of all three slots', () => {
    const names = socketNamesOf(7);

    expect(names).toHaveLength(12);
    expect(names).toContain('envoy_domain_socket_parent_70');
    expect(names).toContain('envoy_domain_socket_child_72');
    expect(names).toContain('envoy_domain_socket_udp_parent_71');
    expect(names).toContain('envoy_domain_socket_udp_child_70');
  });

  test('no two base ids share a name', () => {
    expect(socketNamesOf(7)).not.toEqual(expect.arrayContaining([socketNamesOf(8)[0]]));
    expect(new Set([...socketNamesOf(1), ...socketNamesOf(10)]).size).toBe(24);
  });
});

describe('abstractNamesIn', () => {
  const HEADER = 'Num       RefCount Protocol Flags    Type St Inode Path\n';
  const row = (path: string) =>
    `0000000000000000: 00000002 00000000 00000000 0002 01 5296971${path}\n`;

  test.each([
    ['a plain abstract name', ' @baton_base_id_7', ['baton_base_id_7']],
    [
      "Envoy's name padded with zero bytes",
      ` @envoy_domain_socket_parent_70${'@'.repeat(78)}`,
      ['envoy_domain_socket_parent_70'],
    ],
    ['a socket file', ' /run/a.sock', []],
    ['a socket file with an @ inside', ' /run/@baton_base_id_7', []],
    ['a socket without a name', '', []],
    ['a name with a space', ' @two words', ['two words']],
  ])('finds what is held by %s', (_, path, expected) => {
    expect([...abstractNamesIn(HEADER + row(path))]).toEqual(expected);
  });

  test('keeps a name apart from the one it begins with', () => {
    const names = abstractNamesIn(row(' @envoy_domain_socket_parent_700'));

    expect(names.has('envoy_domain_socket_parent_70')).toBe(false);
  });
});

describe('candidateBaseIds', () => {
  test.each([0, 1, 12_345, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER])(
    'stays in the range that Envoy can multiply by ten when the seed is %d',
    (seed) => {
      const ids = candidateBaseIds(seed);

      expect(Math.min(...ids)).toBeGreaterThanOrEqual(10_000);
      expect(Math.max(...ids)).toBeLessThanOrEqual(MAX_BASE_ID);
      expect(new Set(ids).size).toBe(ids.length);
    },
  );

  test('is the same for the same seed and differs for another', () => {
    expect(candidateBaseIds(5)).toEqual(candidateBaseIds(5));
    expect(candidateBaseIds(5)[0]).not.toBe(candidateBaseIds(500_000)[0]);
  });
});
