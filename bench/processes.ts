/** What /proc says of processes. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ChildOf {
  readonly pid: number;
  readonly args: readonly string[];
}

/** The children of a process, by ascending pid; those that end while being read are left out. */
export function childrenOf(parent: number): readonly ChildOf[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent)
    .sort((a, b) => a - b)
    .map((pid) => ({ pid, args: readProc(pid, 'cmdline').split('\0').slice(0, -1) }));
}

/** Resident and anonymous memory in MB (2^20 bytes). */
export function memoryOf(pid: number): {
  readonly residentMb: number;
  readonly anonymousMb: number;
} {
  const rollup = readProc(pid, 'smaps_rollup');
  const mb = (field: string) =>
    Number(new RegExp(`^${field}: +(\\d+) kB$`, 'm').exec(rollup)?.[1]) / 1024;
  return { residentMb: mb('Rss'), anonymousMb: mb('Anonymous') };
}

/** Processor time used so far, user and system, in milliseconds; the kernel counts in 10 ms. */
export function cpuMsOf(pid: number): number {
  const [, , , , , , , , , , , userTicks, systemTicks] = statFields(pid);
  return (Number(userTicks) + Number(systemTicks)) * 10;
}

function parentOf(pid: number): number {
  return Number(statFields(pid)[1]);
}

/** The fields of /proc/PID/stat after the name, which may itself hold blanks: state comes first. */
function statFields(pid: number): readonly string[] {
  const stat = readProc(pid, 'stat');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
