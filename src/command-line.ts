/** The command line: what there is to say, and which command it calls. It imports none of them. */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type CommandWords, SHELLS, type Shell, wordsOf } from './command-line/words.ts';
import { EXIT, type Mode } from './core/model.ts';
import { durationMs, durationText } from './settings/duration.ts';

/** One function per command; each answers with the exit code of the process. */
export interface Commands {
  readonly run: (envoyArgs: readonly string[]) => Promise<number>;
  readonly validate: () => Promise<number>;
  readonly render: (options: RenderOptions) => Promise<number>;
  readonly settings: (options: { readonly format: SettingsFormat }) => Promise<number>;
  readonly status: (options: StatusOptions) => Promise<number>;
  readonly history: (options: { readonly json: boolean }) => Promise<number>;
  readonly restart: (options: RestartOptions) => Promise<number>;
  readonly wait: (options: { readonly timeoutMs: number }) => Promise<number>;
  readonly logging: (options: LoggingOptions) => Promise<number>;
  readonly drain: (options: DrainOptions) => Promise<number>;
  readonly undrain: (options: { readonly timeoutMs: number }) => Promise<number>;
  readonly quit: () => Promise<number>;
  readonly request: (options: RequestOptions) => Promise<number>;
  readonly completion: (options: CompletionOptions) => Promise<number>;
  readonly version: () => Promise<number>;
}

export interface RenderOptions {
  readonly epoch: number;
  /** Also the command line. */
  readonly withArgs: boolean;
}

export type SettingsFormat = 'table' | 'json' | 'markdown';

export interface StatusOptions {
  readonly json: boolean;
  /** Again and again, until it is told to end. */
  readonly watch: boolean;
}

export interface RestartOptions {
  readonly mode: 'auto' | Mode;
  readonly isDryRun: boolean;
  readonly timeoutMs: number;
}

export interface DrainOptions {
  /** How long to wait for the last connection; absent: not at all. */
  readonly waitMs: number | undefined;
}

export interface LoggingOptions {
  readonly level: string;
  readonly forMs: number | undefined;
}

export interface RequestOptions {
  readonly method: string;
  readonly path: string;
}

export interface CompletionOptions {
  readonly shell: Shell;
  /** Of the whole program. */
  readonly commands: readonly CommandWords[];
}

export interface CommandLineFace {
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

/**
 * Calls the command that the arguments name (those after the program's own name) and answers with
 * its exit code; 78 and a message when they name none. Nothing at all, or nothing before `--`,
 * means `run`; only what follows `--` is for Envoy.
 */
export async function runCommandLine(
  args: readonly string[],
  commands: Commands,
  face: CommandLineFace,
): Promise<number> {
  const { words, envoyArgs } = splitEnvoyArgs(args);
  let exitCode: number = EXIT.stopped;
  const program = createProgram(face);
  addAgentCommands(program, commands, envoyArgs, settle);
  addAskingCommands(program, commands, settle);
  try {
    await program.parseAsync([...words], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.stopped : EXIT.configuration;
  }

  async function settle(ending: Promise<number>): Promise<void> {
    exitCode = await ending;
  }
}

type Settle = (ending: Promise<number>) => Promise<void>;

/** Commander would hand `--` and what follows to any command. */
function splitEnvoyArgs(args: readonly string[]) {
  const at = args.indexOf('--');
  const words = at < 0 ? args : args.slice(0, at);
  const first = words[0] ?? 'run';
  if (first === '--version') return { words: ['version'], envoyArgs: [] };
  if (first !== 'run') return { words: args, envoyArgs: [] };
  return { words: ['run', ...words.slice(1)], envoyArgs: at < 0 ? [] : args.slice(at + 1) };
}

function createProgram({ print, complain }: CommandLineFace): Command {
  return new Command('baton')
    .description('Runs Envoy and replaces it without traffic noticing.')
    .usage('[COMMAND] [OPTIONS]')
    .addHelpText(
      'after',
      '\nWithout a command: run. Settings come from the environment: baton settings.',
    )
    .showHelpAfterError('`--help` behind a command shows what it takes.')
    .exitOverride()
    .configureOutput({ writeOut: print, writeErr: complain });
}

interface Wording {
  readonly does: string;
  readonly example: string;
}

function addCommand(program: Command, signature: string, { does, example }: Wording): Command {
  return program
    .command(signature)
    .description(does)
    .addHelpText('after', `\nExample:\n  $ ${example}`);
}

/** Those that work without a running agent. */
function addAgentCommands(
  program: Command,
  commands: Commands,
  envoyArgs: readonly string[],
  settle: Settle,
): void {
  addCommand(program, 'run', {
    does: "Supervises Envoy: the container's entrypoint.",
    example: 'baton run -- --disable-extensions envoy.filters.http.lua',
  })
    .usage('[-- ENVOY_ARG...]')
    .action(() => settle(commands.run(envoyArgs)));
  addCommand(program, 'validate', {
    does: 'Checks settings, certificates and bootstrap, by Envoy too; changes nothing.',
    example: 'BATON_BOOTSTRAP=/etc/envoy/envoy.yaml baton validate',
  }).action(() => settle(commands.validate()));
  addCommand(program, 'render', {
    does: 'Prints the bootstrap that would be used.',
    example: 'baton render --epoch 1 --args',
  })
    .option('--epoch <number>', 'the epoch to render for', parseEpoch, 0)
    .option('--args', "also print Envoy's command line", false)
    .action(({ epoch, args }: { epoch: number; args: boolean }) =>
      settle(commands.render({ epoch, withArgs: args })),
    );
  addSettingsCommand(program, commands, settle);
  addCommand(program, 'version', {
    does: "Prints Baton's, Node's and Envoy's version and the hot restart version.",
    example: 'baton version',
  }).action(() => settle(commands.version()));
  addCommand(program, 'completion', {
    does: 'Prints what a shell needs to complete command lines of baton.',
    example: 'source <(baton completion bash)',
  })
    .addArgument(new Argument('<SHELL>', 'which one').choices(SHELLS))
    .action((shell: Shell) => settle(commands.completion({ shell, commands: wordsOf(program) })));
}

function addSettingsCommand(program: Command, commands: Commands, settle: Settle): void {
  addCommand(program, 'settings', {
    does: 'Prints every setting: its value, where that came from, its default and meaning.',
    example: 'baton settings --json',
  })
    .addOption(new Option('--json', 'as JSON').conflicts('markdown'))
    .option('--markdown', 'as a Markdown table, without values')
    .action((options: { json?: true; markdown?: true }) =>
      settle(commands.settings({ format: formatOf(options) })),
    );
}

function formatOf({ json, markdown }: { json?: true; markdown?: true }): SettingsFormat {
  if (json) return 'json';
  return markdown ? 'markdown' : 'table';
}

/** Those that ask a running agent. */
function addAskingCommands(program: Command, commands: Commands, settle: Settle): void {
  addCommand(program, 'status', {
    does: 'Shows what the agent does and waits for. Exits with 1 when it is not ready.',
    example: 'baton status --watch',
  })
    .option('--json', 'as JSON', false)
    .option('--watch', 'goes on until Ctrl-C; into a pipe when something has changed', false)
    .action((options: StatusOptions) => settle(commands.status(options)));
  addCommand(program, 'history', {
    does: 'Shows the last launches and handovers: why, how, how long, and what failed.',
    example: 'baton history --json',
  })
    .option('--json', 'as JSON', false)
    .action((options: { json: boolean }) => settle(commands.history(options)));
  addRestartCommand(program, commands, settle);
  addCommand(program, 'wait', {
    does: 'Waits until the agent is ready.',
    example: 'baton wait --timeout 2m',
  })
    .addOption(timeoutOption('how long to wait at most', 60_000))
    .action(({ timeout }: { timeout: number }) => settle(commands.wait({ timeoutMs: timeout })));
  addCommand(program, 'logging', {
    does: "Changes the running agent's own log level; default is what the settings say.",
    example: 'baton logging debug --for 10m',
  })
    .addArgument(
      new Argument('<LEVEL>', 'from now on').choices(['debug', 'info', 'warn', 'error', 'default']),
    )
    .addOption(new Option('--for <duration>', 'then back to the default').argParser(parseDuration))
    .action((level: string, options: { for?: number }) =>
      settle(commands.logging({ level, forMs: options.for })),
    );
  addDrainCommands(program, commands, settle);
  addCommand(program, 'quit', {
    does: 'Stops the agent and Envoy now, without a drain.',
    example: 'baton quit',
  }).action(() => settle(commands.quit()));
  addCommand(program, 'request', {
    does: "Asks the serving Envoy's admin and prints its answer.",
    example: 'baton request GET "/stats?filter=ssl"',
  })
    .addArgument(new Argument('<METHOD>').choices(['GET', 'POST']).argParser(parseMethod))
    .argument('<PATH>', 'path and query')
    .action((method: string, path: string) => settle(commands.request({ method, path })));
}

function addRestartCommand(program: Command, commands: Commands, settle: Settle): void {
  const modes = ['auto', 'hot', 'side-by-side', 'cold'];
  addCommand(program, 'restart', {
    does: 'Replaces the serving Envoy and waits for the end of the handover.',
    example: 'baton restart --mode hot --timeout 2m',
  })
    .addOption(new Option('--mode <mode>', 'how').choices(modes).default('auto'))
    .option('--dry-run', 'only check, and show what would be done', false)
    .addOption(timeoutOption('how long to wait for the end; the handover goes on without', 600_000))
    .action(({ mode, dryRun, timeout }: RestartFlags) =>
      settle(commands.restart({ mode, isDryRun: dryRun, timeoutMs: timeout })),
    );
}

function addDrainCommands(program: Command, commands: Commands, settle: Settle): void {
  addCommand(program, 'drain', {
    does: 'Takes the agent out of rotation: readiness off, clients are told to go, no exit.',
    example: 'baton drain --wait 20s',
  })
    .addOption(
      new Option('--wait <duration>', 'wait for the last connection, so long at most').argParser(
        parseDuration,
      ),
    )
    .action((options: { wait?: number }) => settle(commands.drain({ waitMs: options.wait })));
  addCommand(program, 'undrain', {
    does: 'Brings it back: a handover to an Envoy that tells nobody to go, then readiness.',
    example: 'baton undrain',
  })
    .addOption(timeoutOption('how long to wait for the end', 600_000))
    .action(({ timeout }: { timeout: number }) => settle(commands.undrain({ timeoutMs: timeout })));
}

interface RestartFlags {
  readonly mode: 'auto' | Mode;
  readonly dryRun: boolean;
  readonly timeout: number;
}

function timeoutOption(does: string, defaultMs: number): Option {
  return new Option('--timeout <duration>', does)
    .argParser(parseDuration)
    .default(defaultMs, durationText(defaultMs));
}

function parseDuration(text: string): number {
  const ms = durationMs(text);
  if (ms === undefined) throw new InvalidArgumentError('Expected a duration like 45s or 1m30s.');
  return ms;
}

function parseEpoch(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a number from 0 on.');
  return Number(text);
}

function parseMethod(text: string): string {
  if (!/^(get|post)$/i.test(text)) throw new InvalidArgumentError('Expected GET or POST.');
  return text.toUpperCase();
}
