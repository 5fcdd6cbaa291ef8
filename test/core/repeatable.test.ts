import { describe, expect, it } from 'vitest';
import type { EnvoyLine } from '../../src/core/envoy-line.ts';
import { LOG_EVENTS } from '../../src/core/log-events.ts';
import { record } from '../../src/core/log-record.ts';
import { epochOf, launchIdOf } from '../../src/core/model.ts';
import { repeatableLine, repeatableRecord } from '../../src/core/repeatable.ts';

const L1 = { launch: launchIdOf(1), epoch: epochOf(0) };
const L2 = { launch: launchIdOf(2), epoch: epochOf(1) };
const warning: EnvoyLine = { kind: 'log', level: 'warn', message: 'reset by 10.0.0.1' };

describe('a line of Envoy', () => {
  it.each<[string, EnvoyLine]>([
    ['of an access log', { ...warning, kind: 'access' }],
    ['that someone asked for', { ...warning, level: 'info' }],
    ['that tells why it ends', { ...warning, level: 'fatal' }],
  ])('is always written: one %s', (_, line) => {
    expect(repeatableLine(L1, line)).toBeUndefined();
  });

  it('is of a kind with those that differ in numbers alone, of its launch, level and place', () => {
    const name = repeatableLine(L1, warning)?.kind.name;
    const same = repeatableLine(L1, { ...warning, message: 'reset by 10.0.0.2' });
    expect(same?.kind.name).toBe(name);
    for (const other of [
      repeatableLine(L2, warning),
      repeatableLine(L1, { ...warning, level: 'error' }),
      repeatableLine(L1, { ...warning, origin: 'a.cc:1' }),
      repeatableLine(L1, { ...warning, message: 'closed by 10.0.0.1' }),
    ])
      expect(other?.kind.name).not.toBe(name);
  });

  it('is quoted in part when it is long', () => {
    const line = { ...warning, message: 'x'.repeat(16_384) };
    expect(JSON.stringify(repeatableLine(L1, line)).length).toBeLessThan(1_000);
  });
});

describe('a record of the agent', () => {
  it('is always written when it tells of a change of state', () => {
    const changes = Object.entries(LOG_EVENTS).filter(([, { isLimited }]) => !isLimited);
    expect(changes.map(([message]) => message)).toEqual(
      expect.arrayContaining([
        'handover ended',
        'Envoy ended unexpectedly',
        'agent gives up',
        'bug',
      ]),
    );
    expect(repeatableRecord(record('error', 'Envoy hangs', {}))).toBeUndefined();
  });

  it('may be left out when it is a complaint that comes again, with its reason', () => {
    const complaint = (reason: string) =>
      repeatableRecord(record('warn', 'cannot watch', { reason }));
    expect(complaint('EMFILE at 1')?.kind).toEqual(complaint('EMFILE at 2')?.kind);
    expect(complaint('EMFILE')?.kind).not.toEqual(complaint('ENOSPC')?.kind);
    expect(complaint('EMFILE')?.fields).toEqual({ from: 'baton', of: 'cannot watch: EMFILE' });
  });
});
