/** The Envoys of one agent, real or fake, as /proc and /dev/shm tell of them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { sharedMemoryNameOf } from '../../src/core/hot-restart-names.ts';

export interface SeenEnvoy {
  readonly pid: number;
  readonly epoch: number;
  readonly baseId: number;
  readonly args: readonly string[];
}

/** Those alive that were given a bootstrap in this run directory, by ascending epoch. */
export function envoysOf(runDirectory: string): readonly SeenEnvoy[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid: Number(pid), args: argumentsOf(Number(pid)) }))
    .filter(({ args }) => isServing(args, runDirectory))
    .map(({ pid, args }) => ({
      pid,
      epoch: Number(argumentAfter(args, '--restart-epoch')),
      baseId: Number(argumentAfter(args, '--base-id')),
      args,
    }))
    .sort((a, b) => a.epoch - b.epoch);
}

/** One that is not there fails the test: no pid would be taken for this process's own group. */
export function signalEnvoy(
  envoy: { readonly pid: number } | undefined,
  signal: NodeJS.Signals,
): void {
  if (envoy === undefined) throw new Error(`Cannot send ${signal} to an Envoy that is not there.`);
  process.kill(envoy.pid, signal);
}

/** Whether hot restart memory of this base id is there. */
export function hasSharedMemory(baseId: number): boolean {
  return existsSync(sharedMemoryPathOf(baseId));
}

export function sharedMemoryPathOf(baseId: number): string {
  return `/dev/shm/${sharedMemoryNameOf(baseId)}`;
}

/** Empty when the process is gone, a zombie too. */
export function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

function isServing(args: readonly string[], runDirectory: string): boolean {
  const isOurs = argumentAfter(args, '--config-path')?.startsWith(`${runDirectory}/`) ?? false;
  return isOurs && !args.includes('--mode');
}

function argumentAfter(args: readonly string[], flag: string): string | undefined {
  const index = args.indexOf(flag);
  return index < 0 ? undefined : args[index + 1];
}
