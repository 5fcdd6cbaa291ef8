import { describe, expect, test } from 'vitest';
import {
  type Guest,
  leastWorthItsMemory,
  leastWorthKeeping,
  partyOf,
} from '../../src/core/making-room.ts';

interface Named extends Guest {
  readonly name: string;
}

function guest(name: string, party: string, facts: Partial<Guest> = {}): Named {
  return { name, party, use: 'idle', byteCount: 0, ...facts };
}

describe('who has to go', () => {
  test.each<[string, readonly Named[], string | undefined]>([
    ['is nobody when nobody is there', [], undefined],
    ['is the first of those who want the same', [guest('a', 'p'), guest('b', 'p')], 'a'],
    [
      'is of the largest party, whoever came first',
      [guest('probe', 'node'), guest('a', 'crowd'), guest('b', 'crowd')],
      'a',
    ],
    [
      'is of the largest party also when only others are idle',
      [
        guest('probe', 'node'),
        guest('a', 'crowd', { use: 'waiting' }),
        guest('b', 'crowd', { use: 'waiting' }),
      ],
      'a',
    ],
    [
      'is the idle one of a party before the one that reads',
      [guest('a', 'p', { use: 'reading' }), guest('b', 'p')],
      'b',
    ],
    [
      'is the one that reads before the one that waits',
      [guest('a', 'p', { use: 'waiting' }), guest('b', 'p', { use: 'reading' })],
      'b',
    ],
    [
      'is the idle one of several parties of the same size',
      [guest('a', 'p', { use: 'waiting' }), guest('b', 'q')],
      'b',
    ],
  ])('%s', (_, guests, name) => {
    expect(leastWorthKeeping(guests)?.name).toBe(name);
  });

  test.each<[string, readonly Named[], string | undefined]>([
    ['is nobody when nothing is kept for anyone', [guest('a', 'p')], undefined],
    [
      'is of the party that takes most, though another one is larger',
      [
        guest('a', 'many', { byteCount: 1, use: 'reading' }),
        guest('b', 'many', { byteCount: 1, use: 'reading' }),
        guest('c', 'one', { byteCount: 3, use: 'reading' }),
      ],
      'c',
    ],
    [
      'is never one for whom nothing is kept',
      [guest('a', 'p'), guest('b', 'p', { byteCount: 1, use: 'reading' })],
      'b',
    ],
  ])('%s, when it is for memory', (_, guests, name) => {
    expect(leastWorthItsMemory(guests)?.name).toBe(name);
  });
});

describe('the party of an address', () => {
  test.each([
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:DB8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['', ''],
  ])('%j is %j', (address, party) => expect(partyOf(address)).toBe(party));
});
