/** The settings as Envoy's command line and environment. */
import type { EnvoyOptions } from '../../core/envoy-args.ts';
import type { Settings } from '../../settings.ts';

export function envoyOptionsOf(settings: Settings): EnvoyOptions {
  return {
    concurrency: settings.concurrency,
    drainTimeMs: settings.drainTimeMs,
    parentShutdownTimeMs: settings.parentShutdownTimeMs,
    drainStrategy: settings.drainStrategy,
    logLevel: settings.envoyLogLevel,
    componentLogLevel: settings.envoyComponentLogLevel,
    extraArgs: settings.envoyArgs,
  };
}

/** Takes away from Envoy's environment what speaks to Baton or to Node. */
export function envoyEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, undefined>> {
  const names = Object.keys(env).filter((name) => /^(BATON|NODE)_/.test(name));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}
