/** What each outcome means, as it is looked for. Every function throws when it was another. */
import assert from 'node:assert/strict';
import { untilServesAlone } from './moments.ts';
import { type AgentSeen, pidOf, type Scene } from './scene.ts';
import type { Moment, PossibleCell } from './vocabulary.ts';

const ENDED = { msg: 'handover ended' };
const DIED = { msg: 'Envoy ended unexpectedly' };
/** The first is the start of the agent. */
const THIS_HANDOVER = 2;
const NEXT_HANDOVER = 3;

interface Look {
  readonly scene: Scene;
  readonly agent: AgentSeen;
  readonly moment: Moment;
}

/** Resolves when the outcome has come about and one Envoy serves alone, if it is to. */
export async function expectOutcome(
  { outcome }: PossibleCell,
  scene: Scene,
  moment: Moment,
): Promise<void> {
  await expectations[outcome]({ scene, agent: scene.agent(), moment });
  if (outcome === 'stopped') return;
  await untilServesAlone(scene);
  assert.equal(scene.envoys().length, 1, 'expected one Envoy');
}

const expectations: Readonly<Record<PossibleCell['outcome'], (look: Look) => Promise<void>>> = {
  async goesThrough({ agent }) {
    const ended = await agent.untilRecord(ENDED, THIS_HANDOVER);
    assertLike(ended, { ...HOT, launch: 'L2', attemptCount: 0 });
  },

  async triedAgain({ scene, agent, moment }) {
    const isLater = moment === 'afterParentEnd';
    const ended = await agent.untilRecord(ENDED, isLater ? NEXT_HANDOVER : THIS_HANDOVER);
    assertLike(ended, HOT);
    assert.ok(Number(ended['attemptCount']) > 0, 'expected a failed attempt');
    assert.deepEqual(agent.records({ ...DIED, launch: isLater ? 'L2' : 'L1' }), []);
    await assertTokensSpent(scene, 0);
  },

  async refused({ agent, moment }) {
    const nth = moment === 'beforeSpawn' ? THIS_HANDOVER : NEXT_HANDOVER;
    if (nth === NEXT_HANDOVER) assertLike(await agent.untilRecord(ENDED, THIS_HANDOVER), HOT);
    assertLike(await agent.untilRecord(ENDED, nth), { result: 'refused' });
    assert.deepEqual(agent.records(DIED), []);
  },

  async heldBack({ agent }) {
    await agent.untilRecord({ msg: 'held at its last good state', part: 'certificates' });
    assertLike(await agent.untilRecord(ENDED, THIS_HANDOVER), HOT);
    assert.deepEqual(agent.records(DIED), []);
  },

  async takenAlong({ scene, agent }) {
    assertLike(await agent.untilRecord(ENDED, THIS_HANDOVER), { ...HOT, launch: 'L2' });
    await untilServesAlone(scene);
    const { desired, committed } = await agent.status();
    assert.deepEqual(committed, desired);
    assert.equal(agent.records(ENDED).length, THIS_HANDOVER);
  },

  async doneNext({ scene, agent }) {
    assertLike(await agent.untilRecord(ENDED, THIS_HANDOVER), { ...HOT, launch: 'L2' });
    assertLike(await agent.untilRecord(ENDED, NEXT_HANDOVER), { ...HOT, launch: 'L3' });
    await untilServesAlone(scene);
    const { desired, committed } = await agent.status();
    assert.deepEqual(committed, desired);
  },

  async rescued({ agent }) {
    await agent.untilRecord({
      ...ENDED,
      triggers: ['crash'],
      mode: 'side-by-side',
      result: 'committed',
    });
    assert.deepEqual(agent.records({ msg: 'next start scheduled' }), []);
  },

  async back({ scene, agent }) {
    const back = await agent.untilRecord({ ...ENDED, triggers: ['crash'] });
    const mode = hasParentAt(agent, String(back['launch'])) ? 'hot' : 'cold';
    assertLike(back, { result: 'committed', mode });
    assert.equal(agent.records({ msg: 'next start scheduled' }).length, 1);
    await assertTokensSpent(scene, 1);
  },

  async sideBySide({ agent }) {
    await agent.untilRecord({ ...ENDED, mode: 'side-by-side', result: 'committed' });
  },

  async stopped({ scene, agent }) {
    assert.equal((await agent.ended).code, 0);
    const told = agent.records({ msg: 'signal sent', launch: 'L2', signal: 'SIGTERM' });
    const wasLive = agent.records({ msg: 'Envoy live', launch: 'L2' }).length > 0;
    assert.ok(wasLive || told.length === 0, 'expected no SIGTERM before LIVE');
    assert.deepEqual(await scene.leftOvers(), []);
  },

  async startedAnew({ scene, agent }) {
    const { pid } = agent;
    const envoy = pidOf(scene, 'L1');
    await agent.ended;
    await scene.startAgain();
    assert.notEqual(scene.agent().pid, pid);
    await scene.agent().until('the end of the last run', () => scene.envoys().length === 1);
    assert.notEqual(scene.envoys()[0]?.pid, envoy);
  },
};

/** Whether L1 had not ended yet when a later launch was begun. */
function hasParentAt(agent: AgentSeen, launch: string): boolean {
  const records = agent.records();
  const begun = records.findIndex((record) => {
    return record['msg'] === 'starting Envoy' && record['launch'] === launch;
  });
  return !records.slice(0, begun).some((record) => {
    return record['launch'] === 'L1' && /^Envoy ended/.test(String(record['msg']));
  });
}

const HOT = { mode: 'hot', result: 'committed' };

/** One more handover is committed hot: nothing of the fault is left in its way. */
export async function expectNextHot(scene: Scene, begin: () => unknown): Promise<void> {
  const agent = scene.agent();
  const ended = agent.records(ENDED).length;
  await begin();
  assertLike(await agent.untilRecord(ENDED, ended + 1), { ...HOT, attemptCount: 0 });
}

async function assertTokensSpent(scene: Scene, count: number): Promise<void> {
  const { total, left } = (await scene.agent().status()).tokens;
  assert.equal(total - left, count, 'expected another number of tokens to be spent');
}

function assertLike(record: object, wanted: object): void {
  const same = Object.fromEntries(
    Object.keys(wanted).map((name) => [name, Reflect.get(record, name)]),
  );
  assert.deepEqual(same, wanted, JSON.stringify(record));
}
