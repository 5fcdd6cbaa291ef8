import { describe, expect, test } from 'vitest';
import { statusText } from '../../src/commands/status-text.ts';
import { handoverIdOf, launchIdOf } from '../../src/core/model.ts';
import { type Status, statusOf } from '../../src/core/status.ts';
import {
  crashed,
  defaultPolicy,
  type Happening,
  handoverHappenings,
  servingHappenings,
  stateAfter,
} from '../support/agent-states.ts';

function textAt(atMs: number, happenings: readonly Happening[]): string {
  const outlook = { policy: defaultPolicy, moment: { atMs } };
  const sent = JSON.stringify(statusOf(stateAfter(happenings), outlook));
  return statusText(JSON.parse(sent) as Status);
}

describe('the status page', () => {
  test('tells everything there is during a handover', () => {
    const counted = { type: 'connectionsCounted', launch: launchIdOf(1), count: 12 } as const;
    const said = {
      type: 'launchAnswered',
      launch: launchIdOf(2),
      envoyState: 'INITIALIZING',
    } as const;
    const text = textAt(90_000, [...handoverHappenings, [10_500, said], [10_500, counted]]);
    expect(text).toBe(`ready          yes
phase          running
launches       L1  epoch 0  G1  live                    pid 101  live for 1 min 29 s     12 connections
               L2  epoch 1  G1  starting, INITIALIZING  pid 102  started 1 min 20 s ago
handover       H2 starting, mode hot, because of certificates, bootstrap, binary, to L2, for 1 min 20 s
last handover  H1 committed, mode cold, because of start, to L1, took 0.1 s, 1 min 29 s ago
tokens         10 of 10 left, the next crash is answered after 0.2 s
waits for      L2 to answer (0 s, else it is killed)
               L2 to be initialized (3 min 40 s, else it is killed)
desired        certificates c2000000, bootstrap b2000000, binary e2000000
committed      certificates c1000000, bootstrap b1000000, binary e1000000
on SIGTERM     0 s readiness off, clients are told to go, until 5 s
               5 s on as soon as no connection is left, 25 s at the latest
               25 s SIGTERM to Envoy, newest first
               28 s SIGKILL to what is left
               30 s gone, whatever happened
`);
  });

  test('tells why it is not ready and what it waits for after a crash', () => {
    const text = textAt(5_000, [...servingHappenings, [5_000, crashed(1, 'SIGSEGV')]]);
    expect(text).toMatch(/^ready {10}no, backoff: attempt 1 of 10, 9 tokens left, /);
    expect(text).toMatch(/^launches {7}none$/m);
    expect(text).toMatch(/^waits for {6}the delay before the next start \(0\.2 s\)$/m);
  });

  test('tells why there is no standby', () => {
    const status = statusOf(stateAfter([]), { policy: defaultPolicy, moment: { atMs: 0 } });
    const text = statusText({ ...status, standby: { state: 'missing', reason: 'it died; later' } });
    expect(text).toMatch(/^standby {8}missing, it died; later$/m);
    expect(statusText(status)).not.toContain('standby');
  });

  test('shows no control characters of a reason', () => {
    const text = statusText({
      ...statusOf(stateAfter([]), { policy: defaultPolicy, moment: { atMs: 0 } }),
      reason: 'a\u001b[2Jb\r\nc',
    });
    expect(text.split('\n')[0]).toBe('ready          no, a [2Jb c');
  });

  test('tells what was given up, by what, why and until when', () => {
    const failed = {
      type: 'checksFailed',
      handover: handoverIdOf(2),
      problems: ['Envoy rejects it.'],
      exitCode: 78,
    } as const;
    const changed = handoverHappenings.slice(0, servingHappenings.length + 1);
    const text = textAt(196_000, [...changed, [11_000, failed]]);
    expect(text).toMatch(
      /^given up {7}certificates c2000000, bootstrap b2000000, binary e2000000, 3 min 5 s ago by H2: Envoy rejects it\. \(tried again when something changes or someone asks\)$/m,
    );
    const status = statusOf(stateAfter([]), { policy: defaultPolicy, moment: { atMs: 0 } });
    const part = { part: 'bootstrap', digest: 'b2000000' } as const;
    const soon = { parts: [part], handover: 'H2', reason: 'No disk.', agoSeconds: 2 };
    expect(statusText({ ...status, givenUp: [{ ...soon, againSeconds: 58 }] })).toContain(
      'tried again in 58 s, or when something changes',
    );
  });

  test('tells when an old Envoy is expected to end, and when it would be killed', () => {
    const live = { type: 'launchLive', launch: launchIdOf(2) } as const;
    expect(textAt(12_000, [...handoverHappenings, [11_000, live]])).toMatch(
      /^waits for {6}L1 to have drained and ended \(expected in 59 s, else it is killed in 1 min 9 s\)$/m,
    );
  });

  test('tells what the application says only where it is asked', () => {
    const outlook = { policy: defaultPolicy, moment: { atMs: 1_000 } };
    const state = stateAfter(servingHappenings);
    const down = statusText(statusOf(state, outlook, { ready: false, reason: 'it answers 503' }));
    expect(down).toMatch(/^ready {10}no, application not ready: it answers 503\n/);
    expect(down).toMatch(/^application {4}not ready, it answers 503$/m);
    expect(statusText(statusOf(state, outlook, { ready: true }))).toMatch(
      /^application {4}ready$/m,
    );
    expect(statusText(statusOf(state, outlook))).not.toContain('application');
  });
});
