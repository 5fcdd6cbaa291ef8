import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { restart } from '../../src/commands/restart.ts';
import type { HandoverEnd } from '../../src/core/state.ts';
import { askedRestart, committedEnd, fakeAgentFace } from '../support/agent-face.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { type CommandTrial, tryCommand } from '../support/running-agent.ts';

let trial: CommandTrial;

beforeEach(async () => {
  trial = await tryCommand();
});

afterEach(() => trial.end());

const never = new Promise<HandoverEnd>(() => undefined);

function restartWithin(timeoutMs: number) {
  return restart({ mode: 'hot', isDryRun: false, timeoutMs }, trial.face);
}

describe('restart', () => {
  test('exits with 0 when committed', async () => {
    const agent = fakeAgentFace({ end: { ...committedEnd, attemptCount: 2 } });
    await trial.listen(agent);
    expect(await restartWithin(10_000)).toBe(0);
    expect(agent.asked).toEqual(['restart hot']);
    expect(trial.printed()).toBe('committed (mode hot, 2 failed attempts)\n');
    expect(trial.complained()).toBe('');
  });

  test.each(['refused', 'rolledBack', 'abandoned', 'unproved'] as const)(
    'exits with 1 and the reason when %s',
    async (result) => {
      await trial.listen(fakeAgentFace({ end: { ...committedEnd, result, reason: 'No.' } }));
      expect(await restartWithin(10_000)).toBe(1);
      expect(trial.printed()).toBe(`${result} (mode hot): No.\n`);
    },
  );

  test('tells on standard error what is waited for, as it comes', async () => {
    const notes = [{ note: 'H4 has to end first', leftSeconds: 12.5 }, undefined, { note: 'ä' }];
    await trial.listen(fakeAgentFace({ notes }));
    expect(await restartWithin(10_000)).toBe(0);
    expect(trial.complained()).toBe('H4 has to end first (at most 12.5 s more)\nä\n');
    expect(trial.printed()).toBe('committed (mode hot)\n');
  });

  test('exits with 1 when the handover has not ended in time, which goes on', async () => {
    const clock = createFakeClock();
    const timed = await tryCommand({}, clock);
    onTestFinished(timed.end);
    await timed.listen(fakeAgentFace({ end: never, notes: [{ note: 'H2 starts L2' }] }));
    const ended = restart({ mode: 'hot', isDryRun: false, timeoutMs: 500 }, timed.face);
    await vi.waitUntil(() => timed.complained() !== '', 20_000);
    clock.pass(500);
    expect(await ended).toBe(1);
    expect(timed.complained()).toMatch(
      /^H2 starts L2\nThe restart has not ended within 500ms\. It goes on without this command: `baton status`/,
    );
  });

  test('exits with 1 when the agent has not even begun to answer in time', async () => {
    await trial.listen(fakeAgentFace({ end: never }));
    expect(await restartWithin(100)).toBe(1);
    expect(trial.complained()).toMatch(/it has not answered in time\. It is stopped, or too busy/);
  });

  test('exits with 1 when the agent goes away meanwhile', async () => {
    const requestRestart = () => {
      void trial.end();
      return askedRestart(never);
    };
    await trial.listen({ ...fakeAgentFace(), requestRestart });
    expect(await restartWithin(10_000)).toBe(1);
    expect(trial.complained()).toMatch(/^Cannot read the answer of the agent/);
  });
});
