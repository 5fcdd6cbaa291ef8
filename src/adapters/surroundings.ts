/** What the settings' defaults depend on, found out once at start. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { delimiter, join } from 'node:path';

/**
 * The CPU limit of the process's cgroup rounded up, else the CPUs it may run on. Cgroup v2 names
 * quota and period in `cpu.max`; v1 in two files.
 */
export function cpuCount(root = '/sys/fs/cgroup'): number {
  const [quota, period] = words(join(root, 'cpu.max')) ?? [
    words(join(root, 'cpu/cpu.cfs_quota_us'))?.[0],
    words(join(root, 'cpu/cpu.cfs_period_us'))?.[0],
  ];
  const limit = Number(quota) / Number(period);
  return limit > 0 ? Math.min(Math.ceil(limit), availableParallelism()) : availableParallelism();
}

/** The first executable file named `envoy` on the path, else among the other places. */
export function findEnvoy(
  path: string | undefined,
  otherPlaces: readonly string[],
): string | undefined {
  const onPath = (path ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, 'envoy'));
  return [...onPath, ...otherPlaces].find(isExecutableFile);
}

export function hostName(): string {
  return hostname();
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function words(path: string): readonly string[] | undefined {
  try {
    return readFileSync(path, 'utf8').trim().split(/\s+/);
  } catch {
    return undefined;
  }
}
