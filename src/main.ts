/** The composition root: alone in reading the environment, hooking signals and ending the process. */
import './adapters/small-heap.ts';
import { dirname, join } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import packageJson from '../package.json' with { type: 'json' };
import { systemClock } from './adapters/clock.ts';
import { chooseRunDirectory, findRunDirectory } from './adapters/run-directory/folder.ts';
import { cpuCount, findEnvoy, hostName } from './adapters/surroundings.ts';
import type { Commands } from './command-line/commands.ts';
import type { AskingFace } from './commands/asking.ts';
import { bugTold } from './commands/run/bugs.ts';
import { createComplain } from './commands/run/complaints.ts';
import { tellOrchestrator } from './commands/run/orchestrator.ts';
import { AGENT_SIGNALS, type AgentSignal, IGNORED_SIGNALS } from './commands/run/signals.ts';
import { type ProcessFace, run } from './commands/run.ts';
import type { WatchingFace } from './commands/watch-status.ts';
import type { LogRecord } from './core/log-record.ts';
import { EXIT } from './core/model.ts';
import { visible } from './core/visible.ts';
import type { Result } from './ports.ts';
import { unknownNames } from './settings/unknown-names.ts';
import { readLogFormat, readSettings, type Settings } from './settings.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
/** Where a checkout keeps the Envoy it has fetched. */
const FETCHED_ENVOY = join(HERE, '../.envoy/1.40.0/envoy/_bin/envoy');
const versions = { baton: packageJson.version, node: process.version };

const args = process.argv.slice(2);
const isPlainRun = isRunWithout(args);
// Only the agent decides for itself what a signal means.
const signals = isPlainRun ? hookSignals() : undefined;
const warnings = isPlainRun ? hookWarnings() : undefined;
const bugs = hookBugs();

process.exitCode = await exitCodeOf(args);

/** The container's entrypoint goes past the command line's library: start-up time is counted. */
async function exitCodeOf(words: readonly string[]): Promise<number> {
  if (isPlainRun) return runAgent(words.slice(2));
  const { runCommandLine } = await import('./command-line.ts');
  return runCommandLine(words, commands(), { print, complain });
}

/** `baton`, `baton run` and `baton run -- ENVOY_ARG...`. */
function isRunWithout([command = 'run', separator]: readonly string[]): boolean {
  return command === 'run' && (separator === undefined || separator === '--');
}

async function runAgent(envoyArgs: readonly string[]): Promise<number> {
  const face: ProcessFace = {
    env: process.env,
    pid: process.pid,
    complain: complainAsAgent,
    onSignal: (signals ?? hookSignals()).follow,
    onBug: bugs.follow,
    onWarning: (warnings ?? hookWarnings()).follow,
    versions,
  };
  // What is still open, a pipe that nobody reads for one, must not keep a stopped agent alive.
  return process.exit(await run(settingsWith(envoyArgs), face).catch(die));
}

/** A reader who has seen enough (`| head`) is no failure of ours. */
function print(text: string | Buffer): void {
  writeTo(process.stdout, text);
}

function complain(text: string): void {
  writeTo(process.stderr, text);
}

/** From its first line on in the form of its log. */
function complainAsAgent(record: LogRecord, words: string): void {
  const format = readLogFormat(process.env, isatty(1));
  createComplain({ format, write: complain, wallMs: systemClock.wallMs })(record, words);
}

function writeTo(stream: NodeJS.WriteStream, text: string | Buffer): void {
  if (stream.listenerCount('error') === 0) stream.on('error', () => {});
  stream.write(text);
}

/** Each loads its implementation when it is called. */
function commands(): Commands {
  return {
    run: runAgent,
    validate: async () => {
      const { validate } = await import('./commands/validate.ts');
      return validate(settingsWith([]), { env: process.env, print, complain });
    },
    render: async (options) => {
      const { render } = await import('./commands/render.ts');
      return render(settingsWith([]), options, { print, complain });
    },
    settings: async ({ format }) => {
      const { showSettings } = await import('./commands/settings.ts');
      return showSettings(settingsWith([]), format, { print, complain });
    },
    ...askingCommands(),
    completion: async ({ shell, commands: words }) =>
      (await import('./commands/completion.ts')).showCompletion(shell, words, print),
    version: async () => {
      const [{ showVersion }, { createEnvoyQueries }] = await Promise.all([
        import('./commands/version.ts'),
        import('./adapters/envoy-queries.ts'),
      ]);
      const queries = createEnvoyQueries({ clock: systemClock });
      return showVersion({
        print,
        batonVersion: versions.baton,
        nodeVersion: versions.node,
        findEnvoy: async () => envoyOf(settingsWith([])),
        envoyVersion: queries.version,
        hotRestartVersion: queries.hotRestartVersion,
      });
    },
  };
}

type AskingCommand = Exclude<
  keyof Commands,
  'run' | 'validate' | 'render' | 'settings' | 'completion' | 'version'
>;

/** Those that ask a running agent. */
function askingCommands(): Pick<Commands, AskingCommand> {
  return {
    status: async (options) =>
      options.watch
        ? (await import('./commands/watch-status.ts')).watchStatus(options, await watching())
        : (await import('./commands/status.ts')).showStatus(options, await asking()),
    history: async (options) =>
      (await import('./commands/history.ts')).showHistory(options, await asking()),
    restart: async (options) =>
      (await import('./commands/restart.ts')).restart(options, await asking()),
    wait: async (options) =>
      (await import('./commands/wait.ts')).waitUntilReady(options, await asking()),
    logging: async (options) =>
      (await import('./commands/logging.ts')).changeLogging(options, await asking()),
    drain: async (options) => (await import('./commands/drain.ts')).drain(options, await asking()),
    undrain: async (options) =>
      (await import('./commands/drain.ts')).undrain(options, await asking()),
    quit: async () => (await import('./commands/quit.ts')).quit(await asking()),
    request: async (options) =>
      (await import('./commands/request.ts')).requestAdmin(options, await asking()),
  };
}

/** The Envoy that `run` would start. */
function envoyOf(settings: Result<Settings>): Result<string> {
  if (!settings.ok) return settings;
  const { envoyBinary } = settings.value;
  if (envoyBinary !== undefined) return { ok: true, value: envoyBinary };
  return { ok: false, problems: [{ about: 'BATON_ENVOY_BINARY', message: 'not found' }] };
}

/** A client of the agent in the run directory; settings that have nothing to do with it don't matter. */
async function asking(): Promise<AskingFace> {
  const { createControlClient } = await import('./adapters/control-client.ts');
  const clock = systemClock;
  const runDirectory = process.env['BATON_RUN_DIR'] || findRunDirectory();
  const control = createControlClient(runDirectory, clock);
  return { print, complain, clock, control, misnamed: () => unknownNames(process.env) };
}

/** The same until Ctrl-C, or until nobody reads what is printed. */
async function watching(): Promise<WatchingFace> {
  const { stdout } = process;
  const over = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => over.abort());
  stdout.on('error', () => over.abort());
  const size = () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
  // By the signal itself, which stops nobody where no shell is there to have it go on.
  const beforeStop = (leave: () => void) => {
    const stop = () => {
      leave();
      process.kill(process.pid, 'SIGTSTP');
      setImmediate(() => process.once('SIGTSTP', stop));
    };
    process.once('SIGTSTP', stop);
  };
  const isDrawable = isatty(1) && process.env['TERM'] !== 'dumb';
  const screen = isDrawable ? { size, beforeStop } : undefined;
  return { ...(await asking()), ended: over.signal, screen };
}

function settingsWith(moreEnvoyArgs: readonly string[]): Result<Settings> {
  return readSettings(process.env, {
    cpuCount: cpuCount(),
    envoyOnPath: findEnvoy(process.env['PATH'], [FETCHED_ENVOY]),
    isTerminal: isatty(1),
    hostName: hostName(),
    runDirectory: chooseRunDirectory(),
    moreEnvoyArgs,
  });
}

/** Hooked first of all: a signal that comes before anyone listens waits for its listener. */
function hookSignals() {
  const { take, follow } = keptForListener<AgentSignal>();
  for (const signal of AGENT_SIGNALS) process.on(signal, () => take(signal));
  for (const signal of IGNORED_SIGNALS) process.on(signal, () => {});
  return { follow };
}

/** Node would print them itself, in a form of its own. */
function hookWarnings() {
  const { take, follow } = keptForListener<Error>();
  process.removeAllListeners('warning');
  process.on('warning', take);
  return { follow };
}

function keptForListener<Told>() {
  const early: Told[] = [];
  let listener: (told: Told) => void = (told) => void early.push(told);
  return {
    take: (told: Told) => listener(told),
    follow: (next: (told: Told) => void) => {
      listener = next;
      for (const told of early) next(told);
    },
  };
}

/**
 * Left to the agent, which stops Envoy by the plan and ends the process itself. Before there is one
 * nothing needs an end but the process.
 */
function hookBugs() {
  let take: (error: unknown) => void = die;
  const onBug = (error: unknown) => {
    try {
      take(error);
    } catch (worse) {
      die(worse);
    }
  };
  process.on('uncaughtException', onBug);
  process.on('unhandledRejection', onBug);
  return {
    follow: (listener: (error: unknown) => void) => {
      take = listener;
    },
  };
}

function die(error: unknown): never {
  const { record, words } = bugTold(error);
  if (isPlainRun) {
    tellOrchestrator(process.env, `exit ${EXIT.bug}: a bug of ours: ${visible(String(error))}\n`);
    complainAsAgent(record, words);
  } else complain(words);
  process.exit(EXIT.bug);
}
