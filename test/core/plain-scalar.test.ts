import { expect, test } from 'vitest';
import { plainScalar } from '../../src/core/plain-scalar.ts';

test.each([
  ['yes', true],
  ['Y', true],
  ['ON', true],
  ['NO', false],
  ['n', false],
  ['Off', false],
  ['', null],
  ['~', null],
  ['NULL', null],
  ['0', 0],
  ['-0', 0],
  ['+5', 5],
  ['012', 10],
  ['-012', -10],
  ['0x1F', 31],
  ['-0X1f', -31],
  ['2147483647', 2_147_483_647],
  ['2147483648', '2147483648'],
  ['-2147483648', -2_147_483_648],
  ['+9007199254740993', '9007199254740993'],
  ['0x7FFFFFFFFFFFFFFF', '9223372036854775807'],
])('plain %j means %j to Envoy', (text, value) => {
  expect(plainScalar(text)).toStrictEqual(value);
});

test.each([
  'tRuE',
  'yEs',
  'nUll',
  '1.5',
  '.5',
  '1e3',
  '.inf',
  '.nan',
  '0o17',
  '0b1',
  '1_000',
  '089',
  '0x',
  '18446744073709551615',
  '0xFFFFFFFFFFFFFFFF',
  '2001-01-01',
  '1:30',
  '<<',
  '٣',
  ' 5',
])('plain %j is text to Envoy', (text) => {
  expect(plainScalar(text)).toBe(text);
});
