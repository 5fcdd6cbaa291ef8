#!/usr/bin/env node
/**
 * Runs the image without a container engine: its entrypoint as process 1 of a pid namespace, the
 * image's user, a read-only root, a run directory in memory. The network is the host's.
 *
 *   node deploy/run-image.mjs [--env NAME=VALUE]... [--mount HOST=IMAGE]... [-- ARG...]
 *
 * Needs root, a build (`npm run build`) and Debian's tini and util-linux.
 */
import { getEnvoy } from './get-envoy.mjs';
import { importTypeScript, project } from './run-typescript.mjs';

try {
  const { runCommand } = await importTypeScript('deploy/image/commands.ts');
  const envoy = process.env.BATON_ENVOY_BINARY || (await getEnvoy({ log: console.error }));
  process.exitCode = await runCommand({ project, envoy }, process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
