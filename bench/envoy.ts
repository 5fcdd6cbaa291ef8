/** The Envoys to measure with, by the same script that the start and the tests use. */
export type EnvoyVersion = '1.40.0' | '1.36.4';

type GetEnvoy = (options: { readonly version: EnvoyVersion }) => Promise<string>;

/**
 * What BATON_ENVOY_BINARY names, for the version that Baton runs by itself; else what
 * deploy/get-envoy.mjs has installed or installs.
 */
export async function getEnvoy(version: EnvoyVersion): Promise<string> {
  const chosen = version === '1.40.0' ? process.env['BATON_ENVOY_BINARY'] : undefined;
  if (chosen) return chosen;
  // Not bundled, since it finds the project by its own place; seen from the bundle's.
  const script = new URL('../deploy/get-envoy.mjs', import.meta.url);
  const module = (await import(script.href)) as { getEnvoy: GetEnvoy };
  return module.getEnvoy({ version });
}
