/** The commands that ask a running agent. */
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import type { Mode } from '../core/model.ts';
import type { Commands, StatusOptions } from './commands.ts';
import { addCommand, parseDuration, type Settle, timeoutOption } from './wording.ts';

/** Adds each with its options and an example. */
export function addAskingCommands(program: Command, commands: Commands, settle: Settle): void {
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

function parseMethod(text: string): string {
  if (!/^(get|post)$/i.test(text)) throw new InvalidArgumentError('Expected GET or POST.');
  return text.toUpperCase();
}
