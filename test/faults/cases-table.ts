/** The table of docs/performance.md: the known cases beside what two other supervisors make of them. */
import { CASES } from '../../bench/scenarios/faults/known-cases.ts';
import { markdownTable } from './markdown-table.ts';
import { type Measurements, measuredIn, NOT_MEASURED } from './measurements.ts';

export function casesTable(measurements: Measurements): string {
  const measured = measuredIn(measurements);
  const rows = Object.values(CASES).map(({ title, pilotAgent, hotRestarter }) => [
    title,
    measured.get(title) ?? NOT_MEASURED,
    pilotAgent,
    hotRestarter,
  ]);
  return markdownTable(['case', 'Baton', 'pilot-agent 1.1.0', 'hot-restarter.py'], rows);
}

/** Text with the table put between its marks. */
export function withCasesTable(page: string, measurements: Measurements): string {
  return page.replace(
    /(<!-- cases -->\n)[\s\S]*?(\n<!-- end of cases -->)/,
    (_, begin: string, end: string) => `${begin}${casesTable(measurements)}${end}`,
  );
}
