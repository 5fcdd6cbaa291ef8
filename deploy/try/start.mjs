#!/usr/bin/env node
/**
 * `npm start`: runs Baton as the environment says; when it says nothing, in a small world of its own,
 * made in a temporary folder and gone afterwards.
 */
import { getEnvoy } from '../get-envoy.mjs';
import { importTypeScript, project } from '../run-typescript.mjs';

try {
  const { start } = await importTypeScript('deploy/try/start.ts');
  process.exitCode = await start({ project, getEnvoy: () => getEnvoy({ log: console.error }) });
} catch (error) {
  console.error(error.message);
  process.exitCode = error.name === 'NoEnvoyError' ? 127 : 1;
}
