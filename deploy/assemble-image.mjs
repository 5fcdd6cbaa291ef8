#!/usr/bin/env node
/**
 * Makes the file system of the Dockerfile's last stage in FOLDER, without a container engine.
 *
 *   node deploy/assemble-image.mjs FOLDER
 *
 * Needs root, a build (`npm run build`) and Debian's tini and util-linux.
 */
import { getEnvoy } from './get-envoy.mjs';
import { importTypeScript, project } from './run-typescript.mjs';

try {
  const { assembleCommand } = await importTypeScript('deploy/image/commands.ts');
  const envoy = process.env.BATON_ENVOY_BINARY || (await getEnvoy({ log: console.error }));
  process.exitCode = await assembleCommand({ project, envoy }, process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
