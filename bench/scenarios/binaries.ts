import { rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { getEnvoy } from '../envoy.ts';
import type { Figure, Scenario } from '../scenario.ts';
import { loadFigures, rateFigures } from './load-figures.ts';

const VERSIONS = ['1.36.4', '1.40.0', '1.36.4'] as const;
const PER_SECOND = { plain: 300, tls: 300 };

export const binaries: Scenario = {
  name: 'binaries',
  about: `Envoy ${VERSIONS.join(' -> ')} in place under load`,
  async run(bench) {
    const world = await bench.openWorld();
    const link = join(world.folder, 'current-envoy');
    await pointAt(link, await getEnvoy(VERSIONS[0]));
    const agent = world.startAgent({ BATON_ENVOY_BINARY: link });
    await agent.ready();
    const plain = await world.startLoad(world.plain, PER_SECOND.plain);
    const tls = await world.startLoad(world.tls, PER_SECOND.tls);

    const served: string[] = [];
    for (const [epoch, version] of VERSIONS.entries()) {
      if (epoch > 0) await pointAt(link, await getEnvoy(version));
      await agent.servesAlone(epoch);
      served.push(await versionOf(agent.baton('request', 'GET', '/server_info')));
      bench.note(
        `epoch ${epoch}: ${served.at(-1)}, ${plain.progress().lost + tls.progress().lost} lost`,
      );
    }

    const ledgers = { plain: await plain.stop(), tls: await tls.stop() };
    return [
      versionsFigure(served),
      ...rateFigures([ledgers.plain, ledgers.tls], {
        atLeastPerSecond: 500,
        servedCount: await world.upstream.servedCount(),
      }),
      ...loadFigures('plain', ledgers.plain),
      ...loadFigures('TLS', ledgers.tls),
    ];
  },
};

/** As an upgrade does it: a new link takes the old one's place in one step. */
async function pointAt(link: string, binary: string) {
  await symlink(binary, `${link}.new`);
  await rename(`${link}.new`, link);
}

async function versionOf(serverInfo: Promise<string>): Promise<string> {
  return /\/(\d+\.\d+\.\d+)\//.exec(await serverInfo)?.[1] ?? 'unknown';
}

function versionsFigure(served: readonly string[]): Figure {
  const expected = VERSIONS.join(' -> ');
  const measured = served.join(' -> ');
  return { name: 'versions served', measured, bound: expected, isMet: measured === expected };
}
