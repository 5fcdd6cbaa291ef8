import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { showHistory } from '../../src/commands/history.ts';
import { historyText } from '../../src/commands/history-text.ts';
import { type HistoryStatus, historyStatus } from '../../src/core/history-status.ts';
import { launchIdOf } from '../../src/core/model.ts';
import { fakeAgentFace } from '../support/agent-face.ts';
import {
  crashed,
  type Happening,
  handoverHappenings,
  servingHappenings,
} from '../support/agent-states.ts';
import { toldAfter } from '../support/histories.ts';
import { type CommandTrial, tryCommand } from '../support/running-agent.ts';

function historyAt(atMs: number, happenings: readonly Happening[]): HistoryStatus {
  return historyStatus(toldAfter(happenings).history, atMs);
}

describe('history as text', () => {
  test('shows launches and handovers, the newest last', () => {
    const text = historyText(
      historyAt(80_600, [
        ...handoverHappenings,
        [10_600, { type: 'launchLive', launch: launchIdOf(2) }],
        [50_000, { type: 'connectionsCounted', launch: launchIdOf(1), count: 3 }],
        [
          70_600,
          {
            type: 'launchExited',
            launch: launchIdOf(1),
            outcome: { kind: 'exited', code: 0 },
            lastLines: [],
          },
        ],
      ]),
    );
    expect(text).toBe(`LAUNCHES
2026-08-26T03:12:45Z  L1, epoch 0 of G1, cold, pid 101, 3 connections left
    starting 100 ms, live 10 s, retiring 1 min
    exited with code 0, 10 s ago
2026-08-26T03:12:55Z  L2, epoch 1 of G1, hot, pid 102
    starting 600 ms, live 1 min 10 s

HANDOVERS
2026-08-26T03:12:45Z  H1, committed, cold, because of start, to L1, took 100 ms, 1 min 20 s ago
    checking 0 ms, starting 100 ms
2026-08-26T03:12:55Z  H2, committed, hot, because of certificates, bootstrap, binary, to L2, took 600 ms, 3 connections left, 1 min 10 s ago
    checking 0 ms, starting 600 ms, retiring 1 min
`);
  });

  test('shows why a restart was needed, and what was not asked for', () => {
    const text = historyText(
      historyAt(5_100, [...servingHappenings, [5_000, crashed(1, 'SIGSEGV')]]),
    );
    expect(text).toMatch(/^ {4}unexpectedly was ended by SIGSEGV, 0 s ago$/m);
    expect(text).toMatch(/H2, under way, auto, because of crash, 0 s ago$/m);
    expect(text).toMatch(/^ {4}crash: L1 was ended by SIGSEGV: a last line$/m);
  });

  test('shows failed attempts and no control characters', () => {
    const { launches, handovers } = historyAt(1_000, servingHappenings);
    const failures = [{ launch: 'L1', reason: 'a\u001b[2Jb', afterSeconds: 1.5 }];
    const failed = handovers.map((one) => ({ ...one, failures, omittedSteps: 7 }));
    const text = historyText({ launches, handovers: failed });
    expect(text).toMatch(/^ {4}failed after 1\.5 s: a \[2Jb$/m);
    expect(text).toMatch(/starting 100 ms, and 7 more in the middle$/m);
  });

  test('says so when there is none', () => {
    expect(historyText({ launches: [], handovers: [] })).toBe(
      'LAUNCHES\nnone yet\n\nHANDOVERS\nnone yet\n',
    );
  });
});

describe('history', () => {
  let trial: CommandTrial;

  beforeEach(async () => {
    trial = await tryCommand();
  });

  afterEach(() => trial.end());

  test('exits with 69 when there is no agent', async () => {
    expect(await showHistory({ json: false }, trial.face)).toBe(69);
    expect(trial.complained()).toMatch(/^Cannot reach an agent at /);
  });

  test.each([
    [false, /^LAUNCHES\n2026-/],
    [true, /^\{\n {2}"handovers": \[/],
  ])('exits with 0 and shows what the agent answers, as JSON: %s', async (json, shown) => {
    const history = () => historyAt(1_000, servingHappenings);
    await trial.listen({ ...fakeAgentFace(), history });
    expect(await showHistory({ json }, trial.face)).toBe(0);
    expect(trial.printed()).toMatch(shown);
  });
});
