import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { LastStage } from './dockerfile.ts';

/** A container to be: the image's own words unless told otherwise. */
export interface ContainerSpec {
  readonly project: string;
  readonly root: string;
  readonly stage: LastStage;
  /** Over the image's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** @default the image's entrypoint */
  readonly entrypoint?: readonly string[];
  /** @default the image's command */
  readonly args?: readonly string[];
  /**
   * Whose the run directory's memory is: the image's user's alone, as the Dockerfile says to mount
   * it, or root's and open to all, as the kubelet makes an emptyDir.
   *
   * @default 'own'
   */
  readonly runDirectory?: 'own' | 'emptyDir';
  /** Host path to path in the image. */
  readonly mounts?: Readonly<Record<string, string>>;
}

const basePath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The kernel forgets a process's parent-death signal when it changes its user, as process 1 does. So
 * it lives inside another pid namespace, whose own first process stays root: with that one dead the
 * kernel kills everything in it.
 */
const endingWithItsStarter = [
  ...['setpriv', '--pdeathsig', 'KILL'],
  ...['unshare', '--pid', '--kill-child'],
] as const;

/**
 * The command line that runs an assembled image as a container engine would: its own process, mount,
 * IPC and host name namespaces, the network of the host, the image's user, nothing of the host's
 * environment. What it starts waits for process 1 and ends with its code: signals are for process 1
 * itself. When it is killed, or whoever started it, the container is killed too. Needs root.
 */
export function containerCommand(spec: ContainerSpec): readonly [string, ...string[]] {
  const { project, root, stage } = spec;
  const mounts = Object.entries(spec.mounts ?? {}).map(([from, to]) => `${from}=${to}`);
  const env = { PATH: basePath, HOSTNAME: 'image', ...stage.env, ...spec.env };
  return [
    ...endingWithItsStarter,
    'unshare',
    ...['--pid', '--fork', '--mount', '--ipc', '--uts'],
    path.join(project, 'deploy/image/enter.sh'),
    root,
    `${stage.uid}:${stage.gid}`,
    spec.runDirectory === 'emptyDir' ? 'mode=0777' : `mode=0700,uid=${stage.uid},gid=${stage.gid}`,
    ...[...mounts, '--'],
    ...['env', '-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
    ...(spec.entrypoint ?? stage.entrypoint),
    ...(spec.args ?? stage.command),
  ];
}

/** The command line that runs `command` beside process 1, as an exec probe would. */
export function execCommand(
  pid: number,
  stage: LastStage,
  command: readonly string[],
): readonly [string, ...string[]] {
  return [
    'nsenter',
    ...['--target', String(pid), '--pid', '--mount', '--ipc', '--uts', '--root', '--wd'],
    ...['--setuid', String(stage.uid), '--setgid', String(stage.gid)],
    ...command,
  ];
}

/** Process 1 of the container that `enginePid` started, by the host's number; absent: not yet, or gone. */
export async function firstProcessOf(enginePid: number): Promise<number | undefined> {
  const outerFirst = await childOf(enginePid);
  return outerFirst === undefined ? undefined : await childOf(outerFirst);
}

async function childOf(pid: number): Promise<number | undefined> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return children === '' ? undefined : Number.parseInt(children, 10);
}
