/** The command line Envoy is started with. */
import { ENVOY_LOG_FORMAT } from './envoy-line.ts';
import type { Epoch } from './model.ts';

/** What stays the same for all launches of a run: pinned, so that all epochs agree. */
export interface EnvoyOptions {
  readonly concurrency: number;
  readonly drainTimeMs: number;
  readonly parentShutdownTimeMs: number;
  readonly drainStrategy: 'gradual' | 'immediate';
  readonly logLevel: string;
  readonly componentLogLevel: string | undefined;
  /** The user's own, checked against these: Envoy refuses a flag that is given twice. */
  readonly extraArgs: readonly string[];
}

export interface LaunchPlace {
  readonly bootstrapPath: string;
  readonly adminSocketPath: string;
  readonly epoch: Epoch;
  readonly baseId: number;
}

/**
 * In a stable order, each flag apart from its value: Envoy knows no `--flag=value`. No secret may
 * be among them, /proc shows them to everybody.
 */
export function envoyArgs(options: EnvoyOptions, place: LaunchPlace): readonly string[] {
  const { componentLogLevel } = options;
  return [
    ...['--config-path', place.bootstrapPath],
    ...['--config-yaml', adminOverride(place.adminSocketPath)],
    ...['--restart-epoch', String(place.epoch)],
    ...['--base-id', String(place.baseId)],
    ...['--concurrency', String(options.concurrency)],
    ...['--drain-time-s', wholeSeconds(options.drainTimeMs)],
    ...['--drain-strategy', options.drainStrategy],
    ...['--parent-shutdown-time-s', wholeSeconds(options.parentShutdownTimeMs)],
    ...['--log-level', options.logLevel],
    ...(componentLogLevel ? ['--component-log-level', componentLogLevel] : []),
    ...['--log-format', ENVOY_LOG_FORMAT],
    // By itself Envoy keeps access log lines for 10 s.
    ...['--file-flush-interval-msec', '1000'],
    ...options.extraArgs,
  ];
}

/**
 * Envoy merges it over the bootstrap; the socket takes the place of whatever address the bootstrap
 * gives its admin (measured on Envoy 1.40). Mode 384 is 0600.
 */
function adminOverride(path: string): string {
  return JSON.stringify({ admin: { address: { pipe: { path, mode: 0o600 } } } });
}

function wholeSeconds(durationMs: number): string {
  return String(Math.ceil(durationMs / 1000));
}
