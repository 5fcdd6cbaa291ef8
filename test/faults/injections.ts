/** Each fault as it is made to happen, once its moment is reached and before it is let go. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { sharedMemoryPathOf } from '../support/envoys-of.ts';
import { takeOverUnseen } from '../support/unseen-takeover.ts';
import type { Fault } from './matrix.ts';
import { reach } from './moments.ts';
import { type LaunchName, pidOf, type Scene } from './scene.ts';
import type { Moment } from './vocabulary.ts';

export interface Injection {
  /** Begins the handover in place of reaching the moment: the fault is there before it. */
  readonly begin?: Readonly<Partial<Record<Moment, (scene: Scene) => Promise<Mended>>>>;
  readonly strike?: (scene: Scene, moment: Moment) => unknown;
  /** Undoes what would stand in the way of every later handover. */
  readonly mend?: (scene: Scene) => unknown;
  /** How the next handover is begun. @default by SIGHUP */
  readonly next?: (scene: Scene) => unknown;
  /** Beside those of every scene. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Deadlines of ten seconds and more are waited for. */
  readonly takesLong?: true;
}

/** Ends the fault that `begin` brought. */
type Mended = () => Promise<unknown>;

/** The shortest that a busy machine does not trip over; the first to be noticed is the first named. */
const SHORT_START = { BATON_LIVE_DEADLINE: '3s', BATON_HANG_DEADLINE: '4s' };
const SHORT_HANG = { BATON_HANG_DEADLINE: '3s', BATON_LIVE_DEADLINE: '20s' };

export const injections: Readonly<Record<Fault, Injection>> = {
  newExitsNonZero: { strike: (scene) => exit(scene, 3) },
  newExitsZero: {
    strike: (scene) => (scene.isReal ? kill(scene, 'L2', 'SIGTERM') : exit(scene, 0)),
  },
  newAborts: { strike: (scene) => end(scene, 'L2', 'SIGABRT') },
  newIsKilled: { strike: (scene) => end(scene, 'L2', 'SIGKILL') },
  newDiesUnseen: { begin: { justLive: takeOverBehindItsBack } },
  newCannotBind: { begin: { beforeLive: changeToTakenPort } },
  newHangs: {
    settings: SHORT_START,
    takesLong: true,
    strike: (scene) => scene.order(pidOf(scene, 'L2'), { kind: 'hang' }),
  },
  newInitializesForever: {
    settings: { BATON_INIT_DEADLINE: '3s' },
    takesLong: true,
    strike: (scene) => scene.agent().untilRecord({ msg: 'Envoy ended unexpectedly', launch: 'L2' }),
  },
  newIsStopped: {
    settings: SHORT_START,
    takesLong: true,
    strike: (scene) => kill(scene, 'L2', 'SIGSTOP'),
  },
  oldIsKilled: { strike: (scene) => end(scene, 'L1', 'SIGKILL') },
  oldAborts: { strike: (scene) => end(scene, 'L1', 'SIGABRT') },
  oldIsStopped: {
    settings: SHORT_HANG,
    takesLong: true,
    strike: (scene) => kill(scene, 'L1', 'SIGSTOP'),
  },
  oldOverstays: {
    takesLong: true,
    strike: (scene) => scene.order(pidOf(scene, 'L1'), { kind: 'stay' }),
  },
  configBreaks: {
    strike: (scene) => untilRead(scene, scene.breakBootstrap),
    next: (scene) => scene.changeBootstrap(),
  },
  certificatesBreak: { strike: (scene) => scene.breakCertificates() },
  anotherChange: { strike: (scene) => untilRead(scene, () => scene.changeBootstrap()) },
  restartAsked: { strike: askForRestart },
  sighup: { strike: (scene) => scene.agent().signal('SIGHUP') },
  agentIsTerminated: { strike: terminateAgent },
  agentIsKilled: { strike: (scene) => scene.agent().signal('SIGKILL') },
  lineageIsSpoilt: { strike: spoilMemory },
  runDirectoryIsFull: {
    begin: { beforeSpawn: beginInFullDirectory },
    strike: fillRunDirectory,
    mend: (scene) => scene.emptyRunDirectory(),
  },
};

async function exit(scene: Scene, code: number): Promise<void> {
  await scene.order(pidOf(scene, 'L2'), { kind: 'exit', code });
  await scene.agent().untilRecord({ msg: 'Envoy ended unexpectedly', launch: 'L2' });
}

function kill(scene: Scene, launch: LaunchName, signal: NodeJS.Signals): void {
  process.kill(pidOf(scene, launch), signal);
}

/** Resolves once the agent has seen it: a process that aborts takes its time to be gone. */
async function end(scene: Scene, launch: LaunchName, signal: 'SIGABRT' | 'SIGKILL') {
  kill(scene, launch, signal);
  await scene.agent().untilRecord({ msg: 'Envoy ended unexpectedly', launch });
}

/** Held before LIVE until the agent cannot see it any more. */
async function takeOverBehindItsBack(scene: Scene): Promise<Mended> {
  await reach.beforeLive(scene);
  await takeOverUnseen({
    agent: scene.agent(),
    pid: pidOf(scene, 'L2'),
    adminPath: join(scene.runDirectory, 'admin-L2.sock'),
    port: scene.port,
    letGo: () => scene.letGo('initialization'),
  });
  const judged = await scene.agent().untilRecord({ msg: 'lineage judged' });
  assert.equal(judged['hasTakenOver'], true, 'expected the takeover to be found out');
  return async () => {};
}

/** A bootstrap with one more listener, on a port that someone holds. */
async function changeToTakenPort(scene: Scene): Promise<Mended> {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  await scene.changeBootstrap({ morePort: (holder.address() as AddressInfo).port });
  await scene.agent().untilRecord({ msg: 'Envoy ended unexpectedly', launch: 'L2' });
  return () => once(holder.close(), 'close');
}

/** What is held stays held: a stop waits for nothing that is not LIVE. */
async function terminateAgent(scene: Scene): Promise<void> {
  scene.agent().signal('SIGTERM');
  await scene.agent().ended;
}

/** Resolves once the agent has read what was put in place. */
async function untilRead(scene: Scene, change: (scene: Scene) => Promise<void>): Promise<void> {
  const seen = scene.agent().records({ msg: 'desired state read' }).length;
  await change(scene);
  await scene.agent().untilRecord({ msg: 'desired state read' }, seen + 1);
}

async function askForRestart(scene: Scene): Promise<void> {
  void scene.agent().baton('restart');
  await scene.agent().untilRecord({ msg: 'handover requested', trigger: 'request' });
}

/** Its version is overwritten: no Envoy attaches to it, and no repair dares to write to it. */
async function spoilMemory(scene: Scene, moment: Moment): Promise<void> {
  const baseIds = new Set(scene.envoys().map(({ baseId }) => baseId));
  for (const baseId of baseIds) {
    const memory = await open(sharedMemoryPathOf(baseId), 'r+');
    await memory.write(Buffer.alloc(8, 0xff), 0, 8, VERSION_AT);
    await memory.close();
  }
  if (isUnderWay(moment)) await end(scene, 'L2', 'SIGKILL');
  else if (moment !== 'beforeSpawn') scene.agent().signal('SIGHUP');
}

/** In Envoy's shared memory, after the size. */
const VERSION_AT = 8;

function isUnderWay(moment: Moment): boolean {
  return moment === 'beforeShutdownAdmin' || moment === 'beforeLive';
}

/** Where the handover is over it is the next one that finds no room. */
async function fillRunDirectory(scene: Scene, moment: Moment): Promise<void> {
  await scene.fillRunDirectory();
  if (moment === 'afterParentEnd') scene.agent().signal('SIGHUP');
}

/** Room that a validation gives back would be enough for what is launched after it. */
async function beginInFullDirectory(scene: Scene): Promise<Mended> {
  await scene.fillRunDirectory();
  scene.agent().signal('SIGHUP');
  await scene.agent().untilRecord({ msg: 'next start scheduled' });
  return () => scene.emptyRunDirectory();
}
