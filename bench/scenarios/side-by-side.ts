import { readFile, writeFile } from 'node:fs/promises';
import { exactly, type Scenario, told } from '../scenario.ts';
import { loadFigures } from './load-figures.ts';

const HANDOVER_COUNT = 12;
const PER_SECOND = 800;
const TCP_MIGRATION = '/proc/sys/net/ipv4/tcp_migrate_req';

export const sideBySide: Scenario = {
  name: 'side-by-side',
  about: '12 handovers to a lineage of its own under load, with tcp_migrate_req as Baton sets it',
  async run(bench) {
    const before = await readFile(TCP_MIGRATION, 'utf8');
    try {
      const world = await bench.openWorld();
      const agent = world.startAgent({ BATON_HANDOVER: 'side-by-side' });
      await agent.ready();
      const load = await world.startLoad(world.plain, PER_SECOND);
      for (let count = 1; count <= HANDOVER_COUNT; count += 1) {
        await agent.baton('restart');
        await agent.servesAlone(0);
        bench.note(`handover ${count}: ${load.progress().lost} lost`);
      }
      const ledger = await load.stop();
      return [
        exactly('handovers side by side', HANDOVER_COUNT, HANDOVER_COUNT),
        told('net.ipv4.tcp_migrate_req, before / during', await migration(before)),
        ...loadFigures('plain', ledger),
      ];
    } finally {
      await writeFile(TCP_MIGRATION, before);
    }
  },
};

async function migration(before: string): Promise<string> {
  return `${before.trim()} / ${(await readFile(TCP_MIGRATION, 'utf8')).trim()}`;
}
