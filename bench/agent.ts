/** One running agent: the built program, with settings by environment as a user gives them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import type { Status } from '../src/core/status.ts';
import { get } from './probe.ts';
import { childrenOf } from './processes.ts';
import { waitFor } from './waiting.ts';

export interface AgentSpec {
  /** Its whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly statusPort: number;
  readonly logPath: string;
}

export interface Agent {
  readonly pid: number;
  /** Until the readiness probe says yes. @throws Error with its last lines when it does not. */
  ready(): Promise<void>;
  status(): Promise<Status>;
  /** Until the launch of this epoch serves alone: the handover to it is over. */
  servesAlone(epoch: number): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** Runs `baton ...` beside it. @throws Error when that does not exit 0 within a minute. */
  baton(...args: readonly string[]): Promise<string>;
  /** The Envoys it has started and that are alive, oldest first. */
  envoys(): readonly number[];
  /** Asks it to stop at once and makes sure. */
  stop(): Promise<void>;
}

export function startAgent(spec: AgentSpec): Agent {
  const log = openSync(spec.logPath, 'a');
  const child = spawn(process.execPath, [batonPath(), 'run'], {
    env: spec.environment,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const pid = child.pid;
  if (pid === undefined) throw new Error('Cannot start the agent: no process.');

  const status = async () => {
    const { body } = await get({ port: spec.statusPort }, '/status');
    return JSON.parse(body) as Status;
  };
  const unlessGone = async (what: string, isSo: () => Promise<boolean>) => {
    await waitFor(what, async () => {
      if (hasExited(child)) throw new Error('Cannot go on: the agent is gone.');
      return (await isSo().catch(() => false)) || undefined;
    }).catch((cause) => {
      throw new Error(`${cause.message}\n${lastLinesOf(spec.logPath)}`, { cause });
    });
  };

  return {
    pid,
    status,
    ready: () =>
      unlessGone('ready agent', async () => {
        const { status: code } = await get({ port: spec.statusPort }, '/healthz/ready');
        return code === 200;
      }),
    servesAlone: (epoch) =>
      unlessGone(`launch of epoch ${epoch} serving alone`, async () => {
        const { launches } = await status();
        const [launch] = launches;
        return launches.length === 1 && launch?.epoch === epoch && launch.stage === 'live';
      }),
    signal: (signal) => process.kill(pid, signal),
    baton: (...args) => runBaton(args, spec.environment),
    envoys: () => envoysOf(pid).map((envoy) => envoy.pid),
    stop: () => stopAgent(child, pid),
  };
}

async function runBaton(
  args: readonly string[],
  environment: AgentSpec['environment'],
): Promise<string> {
  const child = spawn(process.execPath, [batonPath(), ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  let output = '';
  const collect = (chunk: Buffer) => {
    output += chunk.toString('utf8');
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`"baton ${args.join(' ')}" exited with ${code}: ${output}`);
  return output;
}

async function stopAgent(child: ChildProcess, pid: number) {
  if (hasExited(child)) return;
  const exited = once(child, 'exit');
  child.kill('SIGQUIT');
  const isGone = await Promise.race([exited, once(AbortSignal.timeout(10_000), 'abort')]).then(() =>
    hasExited(child),
  );
  if (isGone) return;
  const baseIds = envoysOf(pid).map(({ args }) => args[args.indexOf('--base-id') + 1]);
  child.kill('SIGKILL');
  await exited;
  // Killed like this it leaves its Envoys' shared memory behind.
  for (const baseId of new Set(baseIds)) {
    rmSync(`/dev/shm/envoy_shared_memory_${Number(baseId) * 10}`, { force: true });
  }
}

function envoysOf(pid: number) {
  return childrenOf(pid).filter(({ args }) => {
    return args.includes('--restart-epoch') && !args.includes('--mode');
  });
}

function hasExited(child: ChildProcess) {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Beside the bundle that this file is part of. */
function batonPath(): string {
  return new URL('./baton.mjs', import.meta.url).pathname;
}

function lastLinesOf(path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}
