import { describe, expect, test } from 'vitest';
import { type Agent, createAgent } from '../../src/agent.ts';
import type { Event } from '../../src/core/events.ts';
import { createChronicle } from '../../src/work/chronicle.ts';
import { createFace } from '../../src/work/face.ts';
import { committedEnd, fakeAgentFace } from '../support/agent-face.ts';
import { defaultPolicy, servingHappenings } from '../support/agent-states.ts';
import { createFakeWorld } from '../support/fake-world.ts';

/** The face of an agent whose posts are noted. */
function faceOf() {
  const world = createFakeWorld();
  const { application, adminRequest, isEnvoys } = fakeAgentFace();
  const posted: Event[] = [];
  const agent: Agent = createAgent({
    policy: defaultPolicy,
    clock: world.clock,
    observe: (transition) => {
      posted.push(transition.event);
      chronicle.observe(transition);
    },
    perform: () => {},
  });
  const chronicle = createChronicle({
    policy: defaultPolicy,
    clock: world.clock,
    state: agent.state,
    application,
    name: 'pod-1',
    version: '1.2.3',
    report: (error) => {
      throw error;
    },
  });
  const metricsText = async () => 'baton_ready 1\n';
  const { clock } = world;
  const face = createFace({
    agent,
    policy: defaultPolicy,
    clock,
    adminRequest,
    isEnvoys,
    metricsText,
    chronicle,
    application,
    scrape: () => undefined,
    changeLogLevel: ({ level }) => (level === 'default' ? 'info' : level),
    dryRun: async () => undefined,
  });
  return { face, agent, posted };
}

describe('the face', () => {
  test('shows the state as it is now', async () => {
    const { face, agent } = faceOf();
    expect(face.readiness()).toMatchObject({ ready: false });
    for (const [, event] of servingHappenings) agent.post(event);
    expect(face.readiness()).toEqual({ ready: true });
    expect(face.status()).toMatchObject({ ready: true, phase: 'running' });
    expect(await face.metricsText()).toBe('baton_ready 1\n');
    expect(face.history()).toMatchObject({ launches: [{ id: 'L1' }], handovers: [{ id: 'H1' }] });
    expect(face.pageText()).toContain('✓ ready · pod-1 · Baton');
  });

  test('turns a stop into an event', () => {
    const { face, posted } = faceOf();
    face.requestStop('now', 'asked by /quitquitquit');
    expect(posted).toEqual([
      { type: 'stopRequested', how: 'now', reason: 'asked by /quitquitquit' },
    ]);
  });

  test('gives each who asked for a restart the end of theirs, once', async () => {
    const { face, posted } = faceOf();
    const asked = [face.requestRestart('auto'), face.requestRestart('hot')];
    const requests = posted.flatMap((event) =>
      event.type === 'restartRequested' && event.request ? [event.request] : [],
    );
    expect(new Set(requests).size).toBe(2);
    const [first, second] = requests.map((request) => [request]);
    face.answer(second ?? [], { ...committedEnd, result: 'refused' });
    face.answer(first ?? [], committedEnd);
    face.answer(first ?? [], { ...committedEnd, result: 'abandoned' });
    expect(await Promise.all(asked.map(({ ended }) => ended))).toMatchObject([
      { result: 'committed' },
      { result: 'refused' },
    ]);
  });
});
