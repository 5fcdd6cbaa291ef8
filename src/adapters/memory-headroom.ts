/** What the kernel says about memory: the limits of the own cgroup, and what a process has. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { MemoryGroup, ProcessMemory } from '../core/memory-headroom.ts';
import type { MemoryAccount } from '../ports.ts';

export interface MemoryAccountOptions {
  /** Where cgroups are mounted. @default '/sys/fs/cgroup' */
  readonly cgroupRoot?: string;
  /** @default '/proc' */
  readonly procFolder?: string;
}

/** The names of one cgroup version; `hierarchy` is the folder its tree begins at. */
interface Dialect {
  readonly hierarchy: string;
  readonly limit: string;
  readonly usage: string;
  readonly inactiveFile: RegExp;
  readonly kills: string;
}

const V2: Dialect = {
  hierarchy: '',
  limit: 'memory.max',
  usage: 'memory.current',
  inactiveFile: /^inactive_file (\d+)$/m,
  kills: 'memory.events',
};
const V1: Dialect = {
  hierarchy: 'memory',
  limit: 'memory.limit_in_bytes',
  usage: 'memory.usage_in_bytes',
  inactiveFile: /^total_inactive_file (\d+)$/m,
  kills: 'memory.oom_control',
};
/** Version 1 has no word for "no limit": it says the largest multiple of a page there is. */
const NO_LIMIT_FROM = 2 ** 60;

/** Reads anew at every question; nothing is kept open. What can't be read has no limit. */
export function createMemoryAccount(options: MemoryAccountOptions = {}): MemoryAccount {
  const { cgroupRoot = '/sys/fs/cgroup', procFolder = '/proc' } = options;
  const place = () => placeOf(cgroupRoot, textOf(join(procFolder, 'self/cgroup')) ?? '');
  return {
    groups: () => {
      const { dialect, folders } = place();
      return folders.map((folder) => groupIn(folder, dialect)).filter((one) => one !== undefined);
    },
    processMemory: (pid) => processMemoryIn(textOf(join(procFolder, `${pid}/status`))),
    killCount: () => {
      const { dialect, folders } = place();
      const counts = textOf(join(folders[0] ?? cgroupRoot, dialect.kills));
      return Number(counts?.match(/^oom_kill (\d+)$/m)?.[1] ?? 0);
    },
  };
}

interface GroupPlace {
  readonly dialect: Dialect;
  /** From the own group up to the top of the hierarchy as far as it is mounted here. */
  readonly folders: readonly string[];
}

/**
 * Where version 1 has the memory controller it is named with it; else the group is that of the
 * line without controllers. In a container the path is often one of the host's, while the mount
 * begins at the container's own group: then the top is all there is.
 */
function placeOf(cgroupRoot: string, procCgroup: string): GroupPlace {
  const v1 = procCgroup.match(/^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m);
  const v2 = procCgroup.match(/^0::(.*)$/m);
  const dialect = v1 === null ? V2 : V1;
  const hierarchy = join(cgroupRoot, dialect.hierarchy);
  // A path may begin with `/..` when it is seen from another namespace.
  let path = normalize(`/${(v1 ?? v2)?.[1] ?? ''}`);
  const folders = [join(hierarchy, path)];
  while (path !== '/') {
    path = dirname(path);
    folders.push(join(hierarchy, path));
  }
  return { dialect, folders: folders.filter((folder) => existsSync(folder)) };
}

function groupIn(folder: string, dialect: Dialect): MemoryGroup | undefined {
  const limitBytes = Number(textOf(join(folder, dialect.limit)) ?? 'none');
  const usedBytes = Number(textOf(join(folder, dialect.usage)) ?? 'none');
  // `max` is no number: there is no limit here.
  if (!(limitBytes < NO_LIMIT_FROM && usedBytes >= 0)) return undefined;
  const inactive = textOf(join(folder, 'memory.stat'))?.match(dialect.inactiveFile)?.[1];
  return { limitBytes, usedBytes, inactiveFileBytes: Number(inactive ?? 0) };
}

function processMemoryIn(status: string | undefined): ProcessMemory | undefined {
  const bytesOf = (name: string) =>
    Number(status?.match(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm'))?.[1]) * 1024;
  const ownBytes = bytesOf('RssAnon') + bytesOf('RssShmem');
  const fileBytes = bytesOf('RssFile');
  return ownBytes > 0 && fileBytes >= 0 ? { ownBytes, fileBytes } : undefined;
}

/** Undefined when it is not there or may not be read. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
