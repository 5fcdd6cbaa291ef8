/** Makes docs/certificates-fleet.md by playing one rotation of a fleet, case by case. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { importTypeScript, project } from './run-typescript.mjs';

const { fleetCases, playCase } = await importTypeScript('bench/scenarios/fleet/cases.ts');
const { fleetPage } = await importTypeScript('bench/scenarios/fleet/page.ts');
const page = fleetPage(fleetCases().map((one) => playCase(one)));
await writeFile(path.join(project, 'docs', 'certificates-fleet.md'), page);
