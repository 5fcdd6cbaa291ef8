import { expect, test } from 'vitest';
import { checkEnvoyArgs, disablesHotRestart } from '../../src/core/envoy-args-check.ts';

test.each([
  [[]],
  [['--service-zone', 'a', '--enable-core-dump']],
  [['--service-zone', '--config-path']],
  [['--disable-hot-restart']],
  [['--stats-tag', 'a:b', '--stats-tag', 'c:d']],
  [['--file-flush-min-size-kb', '64']],
])('%j may be passed on', (args) => {
  expect(checkEnvoyArgs(args)).toEqual([]);
});

const RESERVED = [
  '-c',
  '--config-path',
  '--config-yaml',
  '--restart-epoch',
  '--base-id',
  '--use-dynamic-base-id',
  '--base-id-path',
  '--socket-path',
  '--socket-mode',
  '--drain-time-s',
  '--drain-strategy',
  '--parent-shutdown-time-s',
  '--concurrency',
  '--mode',
  '--version',
  '--hot-restart-version',
  '--help',
  '-h',
  '--admin-address-path',
  '--log-format',
  '--log-format-escaped',
  '--log-path',
  '-l',
  '--log-level',
  '--component-log-level',
  '--',
  '--ignore_rest',
];

test.each(RESERVED)('%s is refused by name with a reason', (flag) => {
  const [problem] = checkEnvoyArgs([flag, 'secret']);

  expect(problem).toMatch(`Cannot pass ${flag} to Envoy: `);
  expect(problem).not.toContain('secret');
});

test.each(['--concurrency=4', '-linfo', '-c/etc/envoy.yaml'])(
  '%s is refused in one word too',
  (word) => {
    expect(checkEnvoyArgs([word])).toHaveLength(1);
  },
);

test.each([
  [
    ['--service-zone=a'],
    'Cannot pass --service-zone to Envoy: write it as two words, flag and value.',
  ],
  [['--service-zone'], 'Cannot pass --service-zone to Envoy: its value is missing.'],
  [['envoy.yaml'], 'Cannot pass an argument to Envoy that is no flag.'],
  [
    ['--service-zone', 'a', '--service-zone', 'b'],
    'Cannot pass --service-zone to Envoy: it is given twice.',
  ],
  [
    ['--enable-core-dump', '--enable-core-dump'],
    'Cannot pass --enable-core-dump to Envoy: it is given twice.',
  ],
])('%j is refused', (args, problem) => {
  expect(checkEnvoyArgs(args)).toEqual([problem]);
});

test('every refused argument is reported', () => {
  expect(checkEnvoyArgs(['--mode', 'validate', '--base-id=1', 'x'])).toHaveLength(3);
});

test.each([
  [['--disable-hot-restart'], true],
  [['--service-zone', 'a', '--disable-hot-restart'], true],
  [['--service-zone', '--disable-hot-restart'], false],
  [[], false],
])('whether %j switches hot restart off: %s', (args, isOff) => {
  expect(disablesHotRestart(args)).toBe(isOff);
});
