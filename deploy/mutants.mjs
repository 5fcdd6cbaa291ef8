/** Breaks the core on purpose, one way at a time, and asks the tests to notice. */
import { importTypeScript, project } from './run-typescript.mjs';

const { runMutants } = await importTypeScript('test/mutants/main.ts');
process.exitCode = await runMutants(project, process.argv.slice(2));
