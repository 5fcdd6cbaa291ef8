/** Makes docs/faults.md and a table of docs/performance.md from the fault matrix and its figures. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { importTypeScript, project } from './run-typescript.mjs';

const { faultsPage } = await importTypeScript('test/faults/page.ts');
const { withCasesTable } = await importTypeScript('test/faults/cases-table.ts');
const [figures, faults, performancePage] = ['faults.json', 'faults.md', 'performance.md'].map(
  (name) => path.join(project, 'docs', name),
);
const measurements = JSON.parse(await readFile(figures, 'utf8'));
await writeFile(faults, faultsPage(measurements));
const page = await readFile(performancePage, 'utf8');
await writeFile(performancePage, withCasesTable(page, measurements));
