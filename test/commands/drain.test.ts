import { expect, onTestFinished, test, vi } from 'vitest';
import { undrain } from '../../src/commands/drain.ts';
import { requestIdOf } from '../../src/core/model.ts';
import type { HandoverEnd, State } from '../../src/core/state.ts';
import { fakeAgentFace } from '../support/agent-face.ts';
import { servingHappenings, stateAfter } from '../support/agent-states.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { tryCommand } from '../support/running-agent.ts';

const drained: State = stateAfter([
  ...servingHappenings,
  [5_000, { type: 'drainRequested', reason: 'asked by /drain' }],
]);
const returning = stateAfter(
  [[6_000, { type: 'undrainRequested', request: requestIdOf('R1') }]],
  undefined,
  drained,
);

test.each([
  [
    'that the handover goes on when that takes longer',
    returning,
    'The way back has not ended within 500ms. It goes on without this command: `baton status` shows it now, `baton history` how it ended.\n',
  ],
  [
    'that nobody answered when the agent does not know of it',
    drained,
    expect.stringContaining('it has not answered in time. It is stopped, or too busy'),
  ],
])('undrain exits with 1 and says %s', async (_, state, said) => {
  const clock = createFakeClock();
  const trial = await tryCommand({}, clock);
  onTestFinished(trial.end);
  const agent = fakeAgentFace({ state, end: new Promise<HandoverEnd>(() => {}) });
  await trial.listen(agent);

  const ended = undrain({ timeoutMs: 500 }, trial.face);
  await vi.waitUntil(() => agent.asked.length > 0, 20_000);
  clock.pass(500);

  expect(await ended).toBe(1);
  expect(trial.complained()).toEqual(said);
});
