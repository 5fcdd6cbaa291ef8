import { expect, test } from 'vitest';
import { withOwnNames } from '../../src/work/own-names.ts';

const places = { bootstrapPath: '/run/candidate-1.json', certificateFolder: '/run/certs/1a2b' };
const refusalOf = (message: string) =>
  ({ ok: false, problems: [{ about: 'bootstrap', message }] }) as const;

test.each([
  ["configuration '/run/candidate-1.json' is no good", "configuration 'the bootstrap' is no good"],
  ['Invalid path: /run/certs/1a2b/$&.crt', 'Invalid path: ${CERT_DIR}/$&.crt'],
  ['/etc/certs/tls.crt is mine', '/etc/certs/tls.crt is mine'],
])('what Envoy says of a passing file names the one that stays: %s', (said, told) => {
  expect(withOwnNames(refusalOf(said), places)).toEqual(refusalOf(told));
});

test('without certificates the bootstrap alone is named anew', () => {
  const { bootstrapPath } = places;
  expect(withOwnNames(refusalOf(bootstrapPath), { bootstrapPath })).toEqual(
    refusalOf('the bootstrap'),
  );
});

test('what is in order stays so', () => {
  const passed = { ok: true, value: undefined } as const;
  expect(withOwnNames(passed, places)).toBe(passed);
});
