/** The application behind this Envoy, as the settings describe it. */
import { applicationProbes } from '../../adapters/application-probes.ts';
import { systemClock } from '../../adapters/clock.ts';
import { adminPortOf, DEFAULT_ADMIN_PORT } from '../../core/bootstrap-ports.ts';
import type { LogRecord } from '../../core/log-record.ts';
import type { Tree } from '../../core/tree.ts';
import type { Settings } from '../../settings.ts';
import { type Application, createApplication } from '../../work/application.ts';

export interface OwnApplicationParts {
  readonly settings: Settings;
  readonly log: { readonly record: (record: LogRecord) => void };
}

/** @param bootstrap The one last read, which may name the admin port. */
export function ownApplication(
  { settings, log }: OwnApplicationParts,
  bootstrap: () => Tree | undefined,
): Application {
  const { appReadyUrl: readyUrl, appProbes: declared, instanceIp, statusPort } = settings;
  const adminPort = () => {
    const tree = bootstrap();
    const named = tree === undefined ? undefined : adminPortOf(tree);
    return settings.adminPort ?? named ?? DEFAULT_ADMIN_PORT;
  };
  return createApplication({
    readyUrl,
    declared,
    probes: applicationProbes,
    clock: systemClock,
    podAddress: instanceIp,
    statusPort,
    closedPorts: () => [statusPort, adminPort()],
    record: log.record,
  });
}
