import { describe, expect, test } from 'vitest';
import { createAgent } from '../../src/agent.ts';
import { handoverIdOf, launchIdOf } from '../../src/core/model.ts';
import type { RestartNote } from '../../src/core/restart-progress.ts';
import { createAskedRestarts } from '../../src/work/asked-restarts.ts';
import { checksPassed, defaultPolicy, servingHappenings } from '../support/agent-states.ts';
import { createFakeClock, promisesSettled } from '../support/fake-clock.ts';

/** An agent on which L1 serves, and someone who has asked it for a restart and reads on. */
async function trial() {
  const clock = createFakeClock();
  const agent = createAgent({
    policy: defaultPolicy,
    clock,
    observe: () => {},
    perform: (effect) => {
      if (effect.type === 'reportHandover') restarts.answer(effect.requests, effect.end);
    },
  });
  const restarts = createAskedRestarts(agent, clock);
  for (const [, event] of servingHappenings) agent.post(event);
  agent.post({ type: 'partHeld', part: 'bootstrap', problems: ['Cannot read it.'] });
  const { ended, progress } = restarts.ask('auto');
  const notes: (RestartNote | undefined)[] = [];
  const read = (async () => {
    for await (const note of progress()) notes.push(note);
  })();
  await promisesSettled();
  return { clock, agent, restarts, ended, notes, read };
}

const HELD = 'the last good bootstrap is taken, for that on disk is no good: Cannot read it.';

describe('who has asked for a restart', () => {
  test('is told once of each thing that is waited for, until it has ended', async () => {
    const { clock, agent, ended, notes, read } = await trial();
    await clock.passSlowly(1_000, 200);
    const checks = { note: 'H2 checks what is to be started' };
    expect(notes).toEqual([{ note: HELD }, checks]);
    agent.post(checksPassed(2));
    await clock.passSlowly(1_000, 200);
    const start = { note: 'H2 starts L2 (mode hot)', leftSeconds: 59.8 };
    expect(notes).toEqual([{ note: HELD }, checks, start]);
    agent.post({ type: 'launchLive', launch: launchIdOf(2) });
    await read;
    expect(await ended).toMatchObject({ id: handoverIdOf(2), result: 'committed' });
    expect(clock.armedAtMs()).toHaveLength(agent.state().timers.size);
  });

  test('is told of nothing new now and then, which shows whether the reader is there', async () => {
    const { clock, notes } = await trial();
    await clock.passSlowly(10_000, 200);
    const heartbeats = notes.filter((note) => note === undefined).length;
    expect(heartbeats).toBeGreaterThan(1);
    expect(heartbeats).toBeLessThan(10);
  });
});
