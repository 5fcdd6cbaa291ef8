import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** The project's root folder. */
export const project = fileURLToPath(new URL('..', import.meta.url));

/**
 * Imports a TypeScript file of this project, which the oldest supported Node cannot do by itself:
 * it is bundled into node_modules/.cache first.
 *
 * @param {string} file path below the project's root
 * @returns the module's exports
 */
export async function importTypeScript(file) {
  const outfile = path.join(
    project,
    'node_modules/.cache/baton-scripts',
    file.replace(/\.ts$/, '.mjs'),
  );
  await build({
    absWorkingDir: project,
    entryPoints: [file],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  return await import(pathToFileURL(outfile).href);
}
