import { describe, expect, it } from 'vitest';
import { type EnvoyOptions, envoyArgs } from '../../src/core/envoy-args.ts';
import { ENVOY_LOG_FORMAT } from '../../src/core/envoy-line.ts';
import { epochOf } from '../../src/core/model.ts';

const options: EnvoyOptions = {
  concurrency: 2,
  drainTimeMs: 45_000,
  parentShutdownTimeMs: 60_000,
  drainStrategy: 'gradual',
  logLevel: 'warning',
  componentLogLevel: undefined,
  extraArgs: [],
};
const place = {
  bootstrapPath: '/run/baton/envoy-rev3.json',
  adminSocketPath: '/run/baton/admin-L7.sock',
  epoch: epochOf(3),
  baseId: 17,
};

describe("Envoy's arguments", () => {
  it('are always the same ones in the same order', () => {
    expect(envoyArgs(options, place)).toEqual([
      ...['--config-path', '/run/baton/envoy-rev3.json'],
      '--config-yaml',
      '{"admin":{"address":{"pipe":{"path":"/run/baton/admin-L7.sock","mode":384}}}}',
      ...['--restart-epoch', '3'],
      ...['--base-id', '17'],
      ...['--concurrency', '2'],
      ...['--drain-time-s', '45'],
      ...['--drain-strategy', 'gradual'],
      ...['--parent-shutdown-time-s', '60'],
      ...['--log-level', 'warning'],
      ...['--log-format', ENVOY_LOG_FORMAT],
      ...['--file-flush-interval-msec', '1000'],
    ]);
  });

  it("end with the user's own", () => {
    const extraArgs = ['--service-zone', 'here'];
    expect(envoyArgs({ ...options, extraArgs }, place).slice(-2)).toEqual(extraArgs);
  });

  it.each([
    ['upstream:debug', true],
    ['', false],
    [undefined, false],
  ])('name component log levels only when there are some: %j', (componentLogLevel, isNamed) => {
    const args = envoyArgs({ ...options, componentLogLevel }, place);
    expect(args.includes('--component-log-level')).toBe(isNamed);
  });

  it('round durations up to whole seconds, never down to nothing', () => {
    const args = envoyArgs({ ...options, drainTimeMs: 1, parentShutdownTimeMs: 1_001 }, place);
    expect(args[args.indexOf('--drain-time-s') + 1]).toBe('1');
    expect(args[args.indexOf('--parent-shutdown-time-s') + 1]).toBe('2');
  });

  it('keep a path with quotes one JSON string', () => {
    const args = envoyArgs(options, { ...place, adminSocketPath: '/a"b/\\c' });
    const yaml = JSON.parse(args[args.indexOf('--config-yaml') + 1] ?? '');
    expect(yaml.admin.address.pipe.path).toBe('/a"b/\\c');
  });
});
