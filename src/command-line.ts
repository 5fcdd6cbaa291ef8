/** The command line: what there is to say, and which command it calls. It imports none of them. */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { addAskingCommands } from './command-line/asking.ts';
import type { Commands, SettingsFormat } from './command-line/commands.ts';
import { addCommand, type Settle } from './command-line/wording.ts';
import { SHELLS, type Shell, wordsOf } from './command-line/words.ts';
import { EXIT } from './core/model.ts';

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

function parseEpoch(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a number from 0 on.');
  return Number(text);
}
