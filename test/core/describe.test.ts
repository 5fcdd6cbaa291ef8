import { describe, expect, it } from 'vitest';
import { describe as describeTold } from '../../src/core/describe.ts';
import type { Event } from '../../src/core/events.ts';
import { step } from '../../src/core/lifecycle.ts';
import { digestOf, launchIdOf, lineageIdOf, requestIdOf } from '../../src/core/model.ts';
import type { State } from '../../src/core/state.ts';
import { unlistedFields } from '../support/listed-fields.ts';
import {
  attemptOf,
  backingOff,
  handingOver,
  handoverOf,
  NOW_MS,
  policy,
  retiring,
  serving,
  timersOf,
} from '../support/states.ts';

/** The records of one event, each as its level, its message and some of its fields. */
function told(before: State, event: Event, afterMs = 0) {
  const atMs = NOW_MS + afterMs;
  const { state, effects } = step(before, event, { atMs, chance: 0 }, policy);
  const records = describeTold({ event, before, after: state, effects, atMs, policy });
  for (const { message, fields } of records) expect(unlistedFields(message, fields)).toEqual([]);
  return records;
}

function messages(before: State, event: Event, afterMs = 0): readonly string[] {
  return told(before, event, afterMs).map(({ level, message }) => `${level}: ${message}`);
}

const L2 = launchIdOf(2);
const exited = (count: number, code = 0): Event => ({
  type: 'launchExited',
  launch: launchIdOf(count),
  outcome: { kind: 'exited', code },
  lastLines: ['1', '2', '3', '4', '5', '6'],
});
const stop: Event = { type: 'stopRequested', how: 'graceful', reason: 'SIGTERM' };
const failed = { ...handingOver, unsound: new Map([[lineageIdOf(1), 'poisoned']]) } as State;
const repairing = {
  ...failed,
  launches: serving.launches,
  handover: handoverOf({ step: 'repairing', attempts: [attemptOf(2)] }),
} as State;

describe('the log of an event', () => {
  it.each<[string, State, Event, readonly string[]]>([
    [
      'a change',
      serving,
      { type: 'desiredChanged', desired: handoverOf().target },
      ['info: desired state read', 'debug: checking'],
    ],
    [
      'a request',
      handingOver,
      { type: 'restartRequested', trigger: 'signal', mode: 'auto' },
      ['info: handover requested'],
    ],
    [
      'passed checks',
      { ...serving, handover: handoverOf({ step: 'checking' }), desired: handoverOf().target },
      { type: 'checksPassed', handover: handoverOf().id, speaksSameVersion: true },
      ['debug: checks passed', 'debug: starting Envoy'],
    ],
    [
      'failed checks',
      { ...serving, handover: handoverOf({ step: 'checking' }), desired: handoverOf().target },
      { type: 'checksFailed', handover: handoverOf().id, problems: ['no'], exitCode: 78 },
      ['debug: checks failed', 'error: handover ended'],
    ],
    [
      'a start',
      handingOver,
      { type: 'launchSpawned', launch: L2, pid: 7 },
      ['info: Envoy started'],
    ],
    [
      'checks that failed for a while',
      { ...serving, handover: handoverOf({ step: 'checking' }), desired: handoverOf().target },
      {
        ...{ type: 'checksFailed', handover: handoverOf().id, problems: ['full'], exitCode: 73 },
        isTransient: true,
      } as Event,
      ['warn: checks failed', 'warn: next start scheduled'],
    ],
    [
      'an answer',
      handingOver,
      { type: 'launchAnswered', launch: L2, envoyState: 'INITIALIZING' },
      ['debug: Envoy answers'],
    ],
    [
      'LIVE',
      handingOver,
      { type: 'launchLive', launch: L2 },
      ['info: Envoy live', 'info: handover ended', 'info: draining'],
    ],
    [
      'a crash',
      serving,
      exited(1),
      ['error: Envoy ended unexpectedly', 'warn: next start scheduled'],
    ],
    [
      'a failed start',
      handingOver,
      exited(2),
      ['error: Envoy ended unexpectedly', 'debug: repairing lineage'],
    ],
    [
      'a repair',
      repairing,
      { type: 'lineageRepaired', lineage: lineageIdOf(1), isSound: true, reason: 'repaired' },
      ['info: lineage judged', 'warn: next start scheduled'],
    ],
    [
      'no repair',
      repairing,
      { type: 'lineageRepaired', lineage: lineageIdOf(1), isSound: false, reason: 'another owner' },
      ['error: lineage judged', 'warn: next start scheduled'],
    ],
    [
      'a count',
      retiring,
      { type: 'connectionsCounted', launch: launchIdOf(1), count: 3 },
      ['debug: connections counted'],
    ],
    [
      'a deadline',
      backingOff,
      { type: 'timerFired', timer: 'retry' },
      ['debug: deadline reached', 'debug: checking'],
    ],
    [
      'silence',
      { ...handingOver, timers: timersOf({ 'silence:L2': NOW_MS } as never) },
      { type: 'timerFired', timer: 'silence:L2' as never },
      ['warn: deadline reached', 'info: signal sent'],
    ],
    ['a stop', serving, stop, ['info: stop requested', 'info: draining']],
  ])('tells of %s', (_, before, event, expected) => {
    expect(messages(before, event)).toEqual(expected);
  });

  it('tells what is missing only when it is news', () => {
    const missing: Event = {
      type: 'desiredMissing',
      lacks: 'certificates',
      problems: ['Cannot read it.'],
    };
    const { handover: _handover, desired: _desired, ...blank } = { ...handingOver, launches: [] };
    expect(messages(blank, missing)[0]).toBe('warn: cannot start yet');
    const known = {
      ...blank,
      missing: ['Cannot read it.'],
      timers: timersOf({ certificateWait: 9 }),
    };
    expect(messages(known, missing)).not.toContain('warn: cannot start yet');
  });

  it('shortens digests', () => {
    const desired = { bootstrap: digestOf('b'.repeat(64)), binary: digestOf('c'.repeat(64)) };
    const [read] = told(serving, { type: 'desiredChanged', desired });
    expect(read?.fields).toEqual({
      certificates: undefined,
      bootstrap: 'bbbbbbbb',
      binary: 'cccccccc',
    });
  });

  it('names launch, epoch and lineage of whatever is about a launch', () => {
    for (const { fields } of told(retiring, exited(2))) {
      if ('launch' in fields)
        expect(fields).toMatchObject({ launch: 'L2', epoch: 1, lineage: 'G1' });
    }
  });
});

describe('the log of an exit', () => {
  it.each<[string, State, Event, number, string]>([
    ['a parent that leaves on time', retiring, exited(1), 60_000, 'info: Envoy ended'],
    [
      'a parent that leaves too early',
      retiring,
      exited(1),
      5_000,
      'error: Envoy ended unexpectedly',
    ],
    [
      'a parent that fails on time',
      retiring,
      exited(1, 1),
      60_000,
      'error: Envoy ended unexpectedly',
    ],
    ['what serves, with code 0', serving, exited(1), 0, 'error: Envoy ended unexpectedly'],
    [
      'what we ended',
      { ...serving, launches: [{ ...serving.launches[0], stage: 'stopping' }] } as State,
      exited(1, 1),
      0,
      'info: Envoy ended',
    ],
  ])('of %s', (_, before, event, afterMs, expected) => {
    expect(messages(before, event, afterMs)[0]).toBe(expected);
  });

  it('has the outcome, the uptime, and the last five lines of a failure', () => {
    const [record] = told(serving, exited(1, 3), 1_500);
    expect(record?.fields).toMatchObject({
      outcome: 'exited with code 3',
      uptimeMs: 1_500,
      lastLines: ['2', '3', '4', '5', '6'],
    });
  });

  it('has the delay, the attempt and the tokens left of a crash', () => {
    const record = told({ ...serving, crashes: [attemptOf(9), attemptOf(9)] }, exited(1)).at(-1);
    expect(record?.fields).toEqual({ handover: 'H2', delayMs: 800, attempt: 3, tokensLeft: 7 });
  });
});

describe('the last word', () => {
  it('is a failure with every attempt that led to it, the last one too', () => {
    const crashes = Array.from({ length: 10 }, (_, index) => attemptOf(index + 20));
    const record = told({ ...serving, crashes }, exited(1, 1)).at(-1);
    expect(record).toMatchObject({
      level: 'fatal',
      message: 'agent gives up',
      fields: { code: 255 },
    });
    expect(record?.fields['attempts']).toHaveLength(11);
    expect(record?.fields).toMatchObject({
      attempts: expect.arrayContaining([
        {
          launch: 'L1',
          epoch: 0,
          outcome: 'exited with code 1',
          uptimeMs: 0,
          lastLines: ['4', '5', '6'],
        },
      ]),
    });
  });

  it('is news when it was asked for', () => {
    expect(messages({ ...backingOff }, stop).at(-1)).toBe('info: agent stops');
  });
});

describe('the log of a stop', () => {
  const stopping = (state: State, ...events: readonly Event[]) =>
    events.reduce(
      ({ before, atMs }, event) => {
        const { state: after } = step(before, event, { atMs, chance: 0 }, policy);
        return { before: after, atMs: atMs + 1_000 };
      },
      { before: state, atMs: NOW_MS },
    ).before;

  it('tells what each further ask does', () => {
    expect(messages(stopping(serving, stop), stop, 1_000)).toEqual([
      'warn: stop hastened',
      'info: signal sent',
    ]);
    expect(messages(stopping(serving, stop, stop), stop, 2_000)).toEqual([
      'warn: stop cut short',
      'info: signal sent',
    ]);
    expect(messages(stopping(serving, stop, stop, stop), stop, 3_000)).toEqual([
      'debug: stop requested',
    ]);
  });

  it('counts the connections that are cut', () => {
    const counted: Event = { type: 'connectionsCounted', launch: launchIdOf(1), count: 3 };
    const [record] = told(stopping(serving, stop, counted), stop, 2_000);
    expect(record?.fields).toMatchObject({ connectionsLeft: 3 });
  });

  it('tells of one Ctrl-C that came twice, and of a failure on the way', () => {
    expect(messages(stopping(serving, stop), stop, 10)).toEqual(['debug: stop requested']);
    const failure = { ...stop, exitCode: 70 } as Event;
    expect(messages(stopping(serving, stop), failure, 10)).toEqual(['info: stop requested']);
  });

  it('is no trouble to a handover that it ends', () => {
    expect(messages(handingOver, stop)).toContain('info: handover ended');
  });
});

describe('the log of a handover', () => {
  it('has its end without moments of a clock nobody sees', () => {
    const asked = handoverOf({ launch: L2, requests: [requestIdOf('R1')] });
    const record = told(
      { ...handingOver, handover: asked },
      { type: 'launchLive', launch: L2 },
      70,
    )[1];
    expect(record?.fields).toMatchObject({
      handover: 'H2',
      result: 'committed',
      mode: 'hot',
      tookMs: 70,
    });
    expect(record?.fields['startedAtMs']).toBeUndefined();
    expect(record?.fields['id']).toBeUndefined();
  });
});
