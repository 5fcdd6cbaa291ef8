import type { Status } from '../../src/core/status.ts';
import type { Agent } from '../agent.ts';
import type { Ledger } from '../judge/ledger.ts';
import { exactly, rounded, type Scenario, told } from '../scenario.ts';
import { delay, waitFor } from '../waiting.ts';

const DEATH_COUNT = 10;
const CHANGE_COUNT = 5;
const PER_SECOND = 600;
/** So that each death meets a load that has found its pace on both. */
const BETWEEN_MS = 1_000;

export const standby: Scenario = {
  name: 'standby',
  about: 'two Envoys on the same ports: handovers of both, then the death of either, under load',
  async run(bench) {
    const world = await bench.openWorld();
    const agent = world.startAgent({ BATON_STANDBY: 'on', BATON_RESTART_REFILL_TIME: '1s' });
    await paired(agent);

    const changing = await world.startLoad(world.plain, PER_SECOND);
    for (let change = 1; change <= CHANGE_COUNT; change += 1) {
      const before = await paired(agent);
      agent.signal('SIGHUP');
      await paired(agent, (after) => noneOf(before, after));
      bench.note(`change ${change}: both replaced, ${changing.progress().lost} lost`);
    }
    const changes = await changing.stop();

    const dying = await world.startLoad(world.plain, PER_SECOND);
    for (let death = 1; death <= DEATH_COUNT; death += 1) {
      const { launches } = await paired(agent);
      const victim = launches[death % 2];
      await delay(BETWEEN_MS);
      process.kill(victim?.pid ?? 0, 'SIGKILL');
      await paired(agent, (after) => !after.launches.some(({ id }) => id === victim?.id));
      bench.note(`death ${death}: of ${victim?.id}, ${dying.progress().lost} lost so far`);
    }
    return figuresOf(changes, await dying.stop());
  },
};

function figuresOf(changes: Ledger, deaths: Ledger) {
  const { noAnswer, cutMidResponse, refused } = deaths.counts;
  return [
    exactly('changes of both: lost', changes.lost, 0, ` of ${changes.sent}`),
    told('changes of both: longest gap', `${rounded(changes.longestGap.ms)} ms`),
    exactly('deaths of one: refused', refused, 0, ` of ${deaths.sent}`),
    told('deaths of one', String(DEATH_COUNT)),
    told('deaths of one: lost in flight', `${noAnswer + cutMidResponse} of ${deaths.sent}`),
    exactly('deaths of one: lost otherwise', deaths.lost - noAnswer - cutMidResponse, 0),
    told('deaths of one: longest gap', `${rounded(deaths.longestGap.ms)} ms`),
  ];
}

/** Two are live and nothing is going on. @throws Error when that does not come about. */
function paired(agent: Agent, isWanted: (status: Status) => boolean = () => true) {
  return waitFor('pair of live launches', async () => {
    const status = await agent.status().catch(() => undefined);
    const isPair = status?.launches.length === 2 && status.handover === undefined;
    const areLive = status?.launches.every(({ stage }) => stage === 'live') === true;
    return isPair && areLive && isWanted(status) ? status : undefined;
  });
}

function noneOf(before: Status, after: Status): boolean {
  const old = new Set(before.launches.map(({ id }) => id));
  return after.launches.every(({ id }) => !old.has(id));
}
