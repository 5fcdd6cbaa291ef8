import { expect, test } from 'vitest';
import { nearestName } from '../../src/settings/nearest.ts';

test('the nearest name is found when letters are swapped or of another case', () => {
  expect(nearestName('app_prot', ['READY_PORT', 'APP_PORT'])).toBe('APP_PORT');
});

test('no name is near when none is within a third', () => {
  expect(nearestName('COMPLETELY', ['APP_PORT'])).toBeUndefined();
  expect(nearestName('A', [])).toBeUndefined();
});
