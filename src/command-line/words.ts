/** What there is to complete on a command line, read from the program that takes it apart. */
import type { Command, Option } from 'commander';

/** Shells that there is a completion for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** One command. */
export interface CommandWords {
  readonly name: string;
  readonly does: string;
  readonly options: readonly OptionWords[];
  /** What its arguments may be, of those with a closed list. */
  readonly choices: readonly string[];
}

export interface OptionWords {
  /** With its dashes. */
  readonly flag: string;
  readonly does: string;
  readonly takesValue: boolean;
  /** Of its value; empty where that is free. */
  readonly choices: readonly string[];
}

/** Every command that its help shows, and of each the long options and the closed lists. */
export function wordsOf(program: Command): readonly CommandWords[] {
  const help = program.createHelp();
  const commands = help.visibleCommands(program);
  const names = commands.map((command) => command.name());
  return commands.map((command) => ({
    name: command.name(),
    does: command.description(),
    options: help.visibleOptions(command).flatMap(optionWords),
    choices:
      command.name() === 'help'
        ? names
        : command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  }));
}

function optionWords({ long, description, required, argChoices }: Option): readonly OptionWords[] {
  if (typeof long !== 'string') return [];
  return [{ flag: long, does: description, takesValue: required, choices: argChoices ?? [] }];
}
