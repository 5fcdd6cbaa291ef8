import { readFile, writeFile } from 'node:fs/promises';
import { isShownOnReal, type Place, placesOf, titleOf } from '../../test/faults/matrix.ts';
import type { Ledger } from '../judge/ledger.ts';
import type { Bench, Figure, Scenario } from '../scenario.ts';
import { measureCases } from './faults/cases.ts';
import { measureCell } from './faults/cell.ts';
import { feltFigure } from './faults/felt.ts';

/** Switched on by the agents that are started here, where they may. */
const TCP_MIGRATION = '/proc/sys/net/ipv4/tcp_migrate_req';

/** docs/faults.md is made from its figures: their names and words are read there. */
export const faults: Scenario = {
  name: 'faults',
  about: 'every cell of the fault matrix that a real Envoy shows, under load, and the known cases',
  async run(bench) {
    const before = await readFile(TCP_MIGRATION, 'utf8');
    try {
      return [...(await measureCases(bench)), ...(await measureCells(bench))];
    } finally {
      // Where no agent may change it nobody has.
      await writeFile(TCP_MIGRATION, before).catch(() => undefined);
    }
  },
};

async function measureCells(bench: Bench): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const place of placesOf().filter(isShownOnReal)) {
    const figure = await figureOf(place, bench).catch((error: Error) => failureOf(place, error));
    bench.note(`${figure.name}: ${figure.measured}${figure.isMet ? '' : ' (MISSED)'}`);
    figures.push(figure);
  }
  return figures;
}

async function figureOf(place: Place, bench: Bench): Promise<Figure> {
  const ledger = await measureFairly(place, bench);
  return feltFigure(place, ledger, (await readFile(TCP_MIGRATION, 'utf8')).trim() === '1');
}

/** A run in which the judge itself was late says nothing: it is played once more. */
async function measureFairly(place: Place, bench: Bench): Promise<Ledger> {
  const ledger = await measureCell(place, bench);
  return ledger.isVoid ? measureCell(place, bench) : ledger;
}

function failureOf(place: Place, { message }: Error): Figure {
  const [measured = ''] = message.split('\n');
  return { name: titleOf(place), measured, bound: 'the outcome', isMet: false };
}
