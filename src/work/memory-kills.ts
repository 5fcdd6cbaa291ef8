/** Tells a SIGKILL of the kernel's, for want of memory, from one of somebody's. */
import type { Outcome } from '../core/model.ts';
import type { EnvoyProcess, EnvoyProcesses, MemoryAccount } from '../ports.ts';

const LAST_LINES = 20;

/**
 * The same processes; one that was killed while the kernel's count of such kills rose has that as
 * its last line.
 */
export function tellMemoryKills(processes: EnvoyProcesses, memory: MemoryAccount): EnvoyProcesses {
  return {
    spawn: async (spec) => {
      const countBefore = memory.killCount();
      const process = await processes.spawn(spec);
      return withHint(process, (outcome) => hintFor(outcome, memory.killCount() - countBefore));
    },
  };
}

function withHint(process: EnvoyProcess, hintOf: (outcome: Outcome) => string[]): EnvoyProcess {
  let hint: string[] = [];
  return {
    ...process,
    exited: process.exited.then((outcome) => {
      hint = hintOf(outcome);
      return outcome;
    }),
    lastLines: () => [...process.lastLines(), ...hint].slice(-LAST_LINES),
  };
}

function hintFor(outcome: Outcome, count: number): string[] {
  if (outcome.kind !== 'killed' || outcome.signal !== 'SIGKILL' || count <= 0) return [];
  const what = count === 1 ? 'a process' : `${count} processes`;
  return [
    `While it ran the kernel killed ${what} of this cgroup for want of memory: raise the memory limit.`,
  ];
}
