import { readFileSync, writeFileSync } from 'node:fs';

/** The kernel's word for "this one first". */
const FIRST = '1000';

/**
 * Whether the process is the first that the kernel kills when its cgroup runs out of memory; else
 * it is like the agent again. Left to itself the kernel takes the largest one, which is the one that
 * serves (seen with Envoy 1.40 at a validation). To raise it and to take that back needs no rights.
 * Without effect where the process is gone. Never throws.
 */
export function preferAsVictim(pid: number, isFirst: boolean, procFolder = '/proc'): void {
  try {
    const score = isFirst ? FIRST : readFileSync(`${procFolder}/self/oom_score_adj`, 'utf8');
    writeFileSync(`${procFolder}/${pid}/oom_score_adj`, score);
  } catch {
    // It is gone, or the kernel keeps its own order.
  }
}
