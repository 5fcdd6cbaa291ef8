/** Makes the tables of docs/metrics.md and docs/logs.md from the metrics and messages there are. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { importTypeScript, project } from './run-typescript.mjs';

const { referencePages } = await importTypeScript('deploy/reference/pages.ts');
const docs = path.join(project, 'docs');
for (const { name, text } of await referencePages(docs))
  await writeFile(path.join(docs, name), text);
