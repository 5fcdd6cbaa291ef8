import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants } from 'node:fs/promises';
import { constants as os } from 'node:os';
import path from 'node:path';
import { makeScene, type Scene } from './scene.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Start {
  /** The project's root, built. */
  readonly project: string;
  /** Finds or installs Envoy. */
  readonly getEnvoy: () => Promise<string>;
}

/** A setting among these tells what to run; the others only how. */
const whatToRun = [
  'BATON_BOOTSTRAP',
  'BATON_BOOTSTRAP_LAYERS',
  'BATON_CERT_DIRS',
  'ISTIO_BOOTSTRAP',
  'ISTIO_BOOTSTRAP_OVERRIDE',
];

const repeatedWithinMs = 200;

/**
 * Runs Baton until it ends.
 *
 * @returns its exit code
 */
export async function start({ project, getEnvoy }: Start): Promise<number> {
  const baton = path.join(project, 'dist/baton.mjs');
  const given = await withEnvoy(process.env, getEnvoy);
  if (whatToRun.some((name) => process.env[name] !== undefined)) {
    return await exitCodeOf(run(baton, given));
  }
  const scene = await makeScene(given);
  try {
    const environment = { ...scene.settings, ...given };
    const agent = run(baton, environment);
    const code = exitCodeOf(agent);
    const waiting = startWaiting(baton, environment);
    // Nobody to wait for any more.
    void code.then(() => waiting.kill('SIGKILL'));
    if ((await exitCodeOf(waiting)) === 0) sayWhatToTry(baton, scene);
    return await code;
  } finally {
    await scene.remove();
  }
}

async function withEnvoy(given: Environment, getEnvoy: Start['getEnvoy']): Promise<Environment> {
  if (given['BATON_ENVOY_BINARY'] || (await isOnPath('envoy', given['PATH'] ?? ''))) return given;
  return { ...given, BATON_ENVOY_BINARY: await getEnvoy() };
}

async function isOnPath(program: string, folders: string): Promise<boolean> {
  const tries = folders.split(path.delimiter).map(async (folder) => {
    await access(path.join(folder, program), constants.X_OK);
  });
  return await Promise.any(tries).then(
    () => true,
    () => false,
  );
}

/**
 * Baton alone decides how to stop, and a second signal would cut its drain short. So it gets a
 * process group of its own, away from the terminal's Ctrl-C, and is handed each signal once: npm
 * repeats to this process what the terminal has sent it already.
 */
function run(baton: string, env: Environment): ChildProcess {
  const agent = spawn(process.execPath, [baton, 'run'], { env, stdio: 'inherit', detached: true });
  let lastMs = Number.NEGATIVE_INFINITY;
  const handOn = (signal: NodeJS.Signals) => {
    const nowMs = performance.now();
    if (nowMs - lastMs >= repeatedWithinMs) agent.kill(signal);
    lastMs = nowMs;
  };
  process.on('SIGINT', () => handOn('SIGINT'));
  process.on('SIGTERM', () => handOn('SIGTERM'));
  // A closed terminal is a reason to stop; to Baton it would be one to hand over.
  process.on('SIGHUP', () => handOn('SIGTERM'));
  return agent;
}

async function exitCodeOf(agent: ChildProcess): Promise<number> {
  const [code, signal] = (await once(agent, 'exit')) as [number | null, NodeJS.Signals | null];
  return signal === null ? (code ?? 0) : 128 + os.signals[signal];
}

/** Ends with code 0 once Envoy serves; away from the terminal's Ctrl-C, as Baton is. */
function startWaiting(baton: string, env: Environment): ChildProcess {
  const args = [baton, 'wait', '--timeout', '60s'];
  return spawn(process.execPath, args, { env, stdio: 'ignore', detached: true });
}

function sayWhatToTry(baton: string, scene: Scene): void {
  const status = `BATON_RUN_DIR=${scene.runDirectory} node ${baton} status`;
  console.log(`
Envoy serves. To try in another terminal:

  a request through the proxy, with a client's certificate:
    ${scene.curl}

  new certificates, put in place as the kubelet does; Envoy is replaced:
    ${scene.rotate}

  what runs, and what happens on SIGTERM:
    ${status}

Ctrl-C stops it and leaves nothing behind.
`);
}
