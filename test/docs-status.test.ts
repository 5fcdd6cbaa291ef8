/** The page about `baton status` explains each of its lines, and everything it may wait for. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { STATUS_TITLES } from '../src/commands/status-text.ts';
import { launchIdOf, type TimerName } from '../src/core/model.ts';
import { waitsOf } from '../src/core/waits.ts';
import { crashed, servingHappenings, stateAfter } from './support/agent-states.ts';

type TimerKind<Name> = Name extends `${infer Kind}:${string}` ? Kind : Name;

const L1 = launchIdOf(1);
const TIMERS: Readonly<Record<TimerKind<TimerName>, TimerName>> = {
  certificateWait: 'certificateWait',
  jitter: 'jitter',
  retry: 'retry',
  headroom: 'headroom',
  reconsider: 'reconsider',
  reconsiderCertificates: 'reconsiderCertificates',
  standby: 'standby',
  refill: 'refill',
  stopDelay: 'stopDelay',
  drainMin: 'drainMin',
  drainMax: 'drainMax',
  silence: `silence:${L1}`,
  initialize: `initialize:${L1}`,
  retire: `retire:${L1}`,
  replace: `replace:${L1}`,
  kill: `kill:${L1}`,
};

const page = readFileSync(new URL('../docs/status.md', import.meta.url), 'utf8');

/** The first cells of the table under a heading, in their order. */
function firstCellsUnder(heading: string): readonly string[] {
  const [, after = ''] = page.split(`\n## ${heading}\n`);
  const [section = ''] = after.split('\n## ');
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(2).map((row) => (row.split('|')[1] ?? '').trim());
}

test('every line is explained, in the order of the status', () => {
  expect(firstCellsUnder('Lines of baton status')).toEqual(
    STATUS_TITLES.map((title) => `\`${title}\``),
  );
});

test('everything that may be waited for is explained', () => {
  const { crashes } = stateAfter([...servingHappenings, [5_000, crashed(1, 'SIGSEGV')]]);
  const timers = new Map(Object.values(TIMERS).map((timer, at) => [timer, at] as const));
  const waits = waitsOf({ ...stateAfter(servingHappenings), crashes, timers });
  expect(firstCellsUnder('What is waited for')).toEqual(waits.map(({ what }) => what));
});
