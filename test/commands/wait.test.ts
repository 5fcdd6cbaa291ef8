import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { waitUntilReady } from '../../src/commands/wait.ts';
import type { Readiness } from '../../src/core/readiness.ts';
import { fakeAgentFace } from '../support/agent-face.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { type CommandTrial, tryCommand } from '../support/running-agent.ts';

let trial: CommandTrial;

beforeEach(async () => {
  trial = await tryCommand();
});

afterEach(() => trial.end());

describe('wait', () => {
  test('ends at once when the agent is ready', async () => {
    await trial.listen(fakeAgentFace());
    expect(await waitUntilReady({ timeoutMs: 0 }, trial.face)).toBe(0);
  });

  test('goes on through an absent and an unready agent until it is ready', async () => {
    const waiting = waitUntilReady({ timeoutMs: 30_000 }, trial.face);
    const answers: Readiness[] = [{ ready: false, reason: 'starting' }, { ready: true }];
    await trial.listen(
      fakeAgentFace({ readiness: () => answers.shift() ?? { ready: false, reason: '' } }),
    );
    expect(await waiting).toBe(0);
    expect(answers).toEqual([]);
    expect(trial.complained()).toBe('');
  });

  test('exits with 1 and the last reason when the time is over', async () => {
    const clock = createFakeClock();
    const timed = await tryCommand({}, clock);
    onTestFinished(timed.end);
    const reasons = ['waiting', 'starting: L1'];
    await timed.listen(
      fakeAgentFace({ readiness: () => ({ ready: false, reason: reasons.shift() ?? '' }) }),
    );
    const secondAskAtMs = clock.moment().atMs + 500;
    const waited = waitUntilReady({ timeoutMs: 600 }, timed.face);
    await vi.waitUntil(() => clock.armedAtMs()[0] === secondAskAtMs, 20_000);
    clock.pass(500);
    expect(await waited).toBe(1);
    expect(timed.complained()).toBe('Not ready in time: starting: L1\n');
  });

  test('exits with 1 when no agent ever answered', async () => {
    expect(await waitUntilReady({ timeoutMs: 100 }, trial.face)).toBe(1);
    expect(trial.complained()).toMatch(/^Not ready in time: Cannot reach an agent at /);
  });
});
