import { beforeEach, describe, expect, test } from 'vitest';
import type { Log } from '../../../src/adapters/log.ts';
import { spareRepeats } from '../../../src/commands/run/sparing-log.ts';
import type { EnvoyLine } from '../../../src/core/envoy-line.ts';
import type { LogRecord } from '../../../src/core/log-record.ts';
import { epochOf, launchIdOf } from '../../../src/core/model.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';

const spec = { launch: launchIdOf(1), epoch: epochOf(0), binary: '/envoy', args: [] };

let clock: FakeClock;
let records: LogRecord[];
let lines: EnvoyLine[];

const log: Log = {
  record: (record) => records.push(record),
  envoyLine: (_spec, _pid, line) => lines.push(line),
  setLevel: () => {},
  load: async () => {},
  droppedCount: () => 0,
  flush: async () => {},
};

beforeEach(() => {
  clock = createFakeClock();
  records = [];
  lines = [];
});

const warningOf = (number: number): EnvoyLine => ({
  kind: 'log',
  level: 'warn',
  component: 'upstream',
  message: `no healthy host at 10.0.0.${number}`,
});

describe('an Envoy that writes the same warning ten thousand times', () => {
  test('fills a few lines, and the end of the minute tells of the others', () => {
    const sparing = spareRepeats(log, { clock, most: 10 });
    for (let count = 0; count < 10_000; count += 1) sparing.envoyLine(spec, 7, warningOf(count));
    expect({ written: lines.length, leftOut: sparing.leftOutCount() }).toEqual({
      written: 10,
      leftOut: 9_990,
    });

    clock.pass(59_999);
    expect(records).toEqual([]);
    clock.pass(1);
    expect(records).toMatchObject([
      {
        level: 'warn',
        message: 'repeated lines left out',
        fields: { count: 9_990, launch: 'L1', of: 'no healthy host at 10.0.0.10' },
      },
    ]);
    sparing.envoyLine(spec, 7, warningOf(1));
    expect(lines).toHaveLength(11);
  });

  test('is told of at the end of the run, and once', async () => {
    const sparing = spareRepeats(log, { clock, most: 1 });
    for (let count = 0; count < 3; count += 1) sparing.envoyLine(spec, 7, warningOf(count));
    await sparing.flush();
    expect(records).toMatchObject([{ fields: { count: 2 } }]);
    await sparing.flush();
    clock.pass(120_000);
    expect(records).toHaveLength(1);
  });

  test('is written out where that was asked for', () => {
    const sparing = spareRepeats(log, { clock, most: 0 });
    for (let count = 0; count < 100; count += 1) sparing.envoyLine(spec, 7, warningOf(count));
    expect({ written: lines.length, leftOut: sparing.leftOutCount() }).toEqual({
      written: 100,
      leftOut: 0,
    });
  });
});

test('a complaint of the agent comes a few times an hour, a change of state each time', () => {
  const sparing = spareRepeats(log, { clock, most: 2 });
  for (let count = 0; count < 119; count += 1) {
    sparing.record({ level: 'warn', message: 'cannot watch', fields: { reason: 'EMFILE' } });
    sparing.record({ level: 'error', message: 'Envoy hangs', fields: {} });
    clock.pass(30_000);
  }
  clock.pass(30_000);
  const count = (message: string) => records.filter((one) => one.message === message).length;
  expect([count('cannot watch'), count('Envoy hangs')]).toEqual([2, 119]);
  expect(records.at(-1)).toMatchObject({
    message: 'repeated lines left out',
    fields: { count: 117, from: 'baton', of: 'cannot watch: EMFILE' },
  });
});
