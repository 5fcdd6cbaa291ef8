/** What a process takes of the memory that it shares with nobody. */
import { readFileSync } from 'node:fs';

export function anonymousKb(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Anonymous: +(\d+) kB$/m.exec(rollup)?.[1]);
}
