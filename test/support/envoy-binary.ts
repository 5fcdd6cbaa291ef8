import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** The one that Baton runs by itself, and an older one to upgrade from. */
export const ENVOY_VERSIONS = ['1.40.0', '1.36.4'] as const;

export type EnvoyVersion = (typeof ENVOY_VERSIONS)[number];

/**
 * The absolute path of a real Envoy: what BATON_ENVOY_BINARY names (for the first of the
 * versions), else what deploy/get-envoy.mjs has installed.
 *
 * @throws Error when it is not there: the global set-up gets both versions or fails the run.
 */
export function envoyBinary(version: EnvoyVersion = '1.40.0'): string {
  const chosen = version === '1.40.0' ? process.env['BATON_ENVOY_BINARY'] : undefined;
  const path = resolve(chosen || installedPath(version));
  if (existsSync(path)) return path;
  throw new Error(`Cannot find Envoy ${version}: ${path} does not exist; get it with
  node deploy/get-envoy.mjs ${version}`);
}

function installedPath(version: EnvoyVersion): string {
  return new URL(`../../.envoy/${version}/envoy/_bin/envoy`, import.meta.url).pathname;
}
