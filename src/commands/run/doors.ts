/** The ports and the socket through which the agent is asked. */
import { type HttpEndpoint, type HttpListener, listenHttp } from '../../adapters/http-server.ts';
import type { Log } from '../../adapters/log.ts';
import type { OpenRunDirectory } from '../../adapters/run-directory.ts';
import { adminPortOf, DEFAULT_ADMIN_PORT } from '../../core/bootstrap-ports.ts';
import type { HttpRoutes, Problem, Result } from '../../ports.ts';
import type { Settings } from '../../settings.ts';
import { adminRoutes } from '../../work/admin-routes.ts';
import { controlRoutes, statusRoutes } from '../../work/routes.ts';
import type { Supervisor } from './supervisor.ts';

export interface DoorParts {
  readonly settings: Settings;
  readonly directory: OpenRunDirectory;
  readonly log: Log;
  readonly supervisor: Supervisor;
}

export type Doors = readonly HttpListener[];

/**
 * Control socket, status port, and the admin port when a setting says it: open before anything is
 * read, for probes come early and a port that is taken is told first of all.
 */
export function openDoors(parts: DoorParts): Promise<Result<Doors>> {
  const { settings, directory, supervisor } = parts;
  const { statusPort: port, statusAddress: address, adminPort = 0, metricsAccess } = settings;
  const control: HttpEndpoint = {
    setting: 'BATON_RUN_DIR',
    socketPath: directory.controlSocketPath,
  };
  const status: HttpEndpoint = { setting: 'BATON_STATUS_PORT', address, port };
  return openAll(parts, [
    { endpoint: control, routes: controlRoutes(supervisor.face) },
    ...(port === 0
      ? []
      : [{ endpoint: status, routes: statusRoutes(supervisor.face, metricsAccess) }]),
    ...(adminPort === 0 ? [] : [adminDoor(parts, adminPort)]),
  ]);
}

/**
 * The admin port whose number the bootstrap says: as soon as that can be read, before Envoy starts.
 * None when a setting has said it.
 */
export async function openAdminDoor(parts: DoorParts): Promise<Result<Doors>> {
  const { settings, supervisor } = parts;
  if (settings.adminPort !== undefined) return { ok: true, value: [] };
  const named = adminPortOf(await supervisor.bootstrapRead);
  return openAll(parts, [adminDoor(parts, named ?? DEFAULT_ADMIN_PORT)]);
}

/** The stable one, on loopback only. */
function adminDoor({ supervisor }: DoorParts, port: number): Door {
  const endpoint: HttpEndpoint = { setting: 'BATON_ADMIN_PORT', address: '127.0.0.1', port };
  return { endpoint, routes: adminRoutes(supervisor.face) };
}

interface Door {
  readonly endpoint: HttpEndpoint;
  readonly routes: HttpRoutes;
}

async function openAll({ log }: DoorParts, doors: readonly Door[]): Promise<Result<Doors>> {
  const report = (error: unknown) =>
    log.record({ level: 'error', message: 'cannot answer', fields: { reason: String(error) } });
  const open: HttpListener[] = [];
  const problems: Problem[] = [];
  for (const { endpoint, routes } of doors) {
    const listened = await listenHttp(endpoint, routes, report);
    if (listened.ok) open.push(listened.value);
    else problems.push(...listened.problems);
  }
  if (problems.length === 0) return { ok: true, value: open };
  await Promise.all(open.map((listener) => listener.close()));
  return { ok: false, problems };
}
