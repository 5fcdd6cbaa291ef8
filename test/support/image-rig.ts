import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { vi } from 'vitest';
import { assembleImage } from '../../deploy/image/assemble.ts';
import type { LastStage } from '../../deploy/image/dockerfile.ts';
import { assertImageCanRun } from '../../deploy/image/requirements.ts';
import {
  type ContainerSpec,
  containerCommand,
  execCommand,
  firstProcessOf,
} from '../../deploy/image/run.ts';
import { envoyBinary } from './envoy-binary.ts';
import { markOfThisRun } from './left-overs.ts';

const project = new URL('../..', import.meta.url).pathname;

export interface Image {
  readonly root: string;
  readonly stage: LastStage;
  remove(): Promise<void>;
}

/** What the Dockerfile's last stage holds, in a temporary folder. */
export async function makeImage(): Promise<Image> {
  await assertImageCanRun();
  const root = await mkdtemp(path.join(tmpdir(), 'baton-image-'));
  const parts = { project, root, envoy: envoyBinary(), node: process.execPath };
  const stage = await assembleImage(parts);
  return { root, stage, remove: () => rm(root, { recursive: true, force: true }) };
}

/** A process of a container, as the host sees it. */
export interface Inmate {
  readonly pid: number;
  readonly name: string;
  /** `Z` is a zombie. */
  readonly state: string;
}

export interface Ended {
  /** 128 + n when signal n ended it. */
  readonly code: number;
  readonly output: string;
}

export interface Container {
  /** Process 1, by the host's number. */
  readonly pid: number;
  /** The exit code of process 1; 128 + n when signal n ended it. */
  readonly exited: Promise<number>;
  /** Standard output and error so far. */
  output(): string;
  /** The JSON lines among it. */
  records(): Record<string, unknown>[];
  /** To process 1, as `docker kill --signal` and the kubelet send it; false when it is gone. */
  signal(signal: NodeJS.Signals): boolean;
  /** Runs a program beside process 1, as an exec probe does. */
  exec(...command: readonly string[]): Promise<Ended>;
  /** All of its processes, zombies too; none once it is gone. */
  inmates(): Promise<readonly Inmate[]>;
  /** Ends it at once, whatever it is doing. */
  kill(): Promise<void>;
}

export type ContainerOptions = Omit<ContainerSpec, 'project' | 'root' | 'stage'>;

/** Runs a container that ends by itself, within half a minute. */
export function runContainer(image: Image, options: ContainerOptions): Promise<Ended> {
  return runToEnd(commandOf(image, options));
}

/** Starts a container and waits until its process 1 is a program of the image. */
export async function startContainer(
  image: Image,
  options: ContainerOptions = {},
): Promise<Container> {
  const [program, ...args] = commandOf(image, options);
  const engine = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [engine.stdout, engine.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exited = once(engine, 'close').then(([code, signal]) => exitCode(code, signal));
  const pid = await vi
    .waitFor(() => firstProcess(engine.pid ?? 0, image.stage.uid), {
      timeout: 5_000,
      interval: 2,
    })
    .catch((cause) => {
      throw new Error(`Cannot start the container: ${cause.message} ${output}`, { cause });
    });
  const namespace = await readlink(`/proc/${pid}/ns/pid`);
  return {
    pid,
    exited,
    output: () => output,
    records: () => parseRecords(output),
    signal: (signal) => send(pid, signal),
    exec: (...command) => runToEnd(execCommand(pid, image.stage, command)),
    inmates: () => inmatesOf(namespace),
    async kill() {
      send(pid, 'SIGKILL');
      await exited;
    },
  };
}

function commandOf(image: Image, options: ContainerOptions): readonly [string, ...string[]] {
  const env = { ...markOfThisRun(), ...options.env };
  return containerCommand({ project, ...image, ...options, env });
}

/** What makes the namespaces is root; what runs in them is not. */
async function firstProcess(enginePid: number, uid: number): Promise<number> {
  const pid = await firstProcessOf(enginePid);
  if (pid === undefined) throw new Error('There is no process 1 yet.');
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const { name } = await inmate(pid);
  if (!status.includes(`Uid:\t${uid}\t`) || ['chroot', 'env'].includes(name)) {
    throw new Error(`Process 1 is still ${name}.`);
  }
  return pid;
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  // 0 would be this process's own group.
  if (pid === 0) return false;
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

function exitCode(code: number | null, signal: NodeJS.Signals | null): number {
  return signal === null ? (code ?? 0) : 128 + constants.signals[signal];
}

async function inmate(pid: number): Promise<Inmate> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [, name = '', state = ''] = /\((.*)\) (\S)/.exec(stat) ?? [];
  return { pid, name, state };
}

async function inmatesOf(namespace: string): Promise<Inmate[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const own = await readlink(`/proc/${pid}/ns/pid`).catch(() => undefined);
      return own === namespace ? inmate(pid).catch(() => undefined) : undefined;
    }),
  );
  return found.filter((one) => one !== undefined);
}

function parseRecords(output: string): Record<string, unknown>[] {
  const lines = output.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function runToEnd(command: readonly [string, ...string[]]): Promise<Ended> {
  const [program, ...args] = command;
  // Of a container's processes, `unshare` would take no notice of SIGTERM.
  const limits = { timeout: 30_000, killSignal: 'SIGKILL' } as const;
  return new Promise((resolve) => {
    const child = execFile(program, args, limits, (_, stdout, stderr) =>
      resolve({ code: exitCode(child.exitCode, child.signalCode), output: stdout + stderr }),
    );
  });
}
