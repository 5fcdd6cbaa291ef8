/** How a command and a duration are worded on the command line. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { durationMs, durationText } from '../settings/duration.ts';

/** What becomes of a command's exit code. */
export type Settle = (ending: Promise<number>) => Promise<void>;

export interface Wording {
  readonly does: string;
  readonly example: string;
}

/** With an example in its help. */
export function addCommand(
  program: Command,
  signature: string,
  { does, example }: Wording,
): Command {
  return program
    .command(signature)
    .description(does)
    .addHelpText('after', `\nExample:\n  $ ${example}`);
}

/** A duration with a default, in milliseconds. */
export function timeoutOption(does: string, defaultMs: number): Option {
  return new Option('--timeout <duration>', does)
    .argParser(parseDuration)
    .default(defaultMs, durationText(defaultMs));
}

/** @throws InvalidArgumentError when it is none */
export function parseDuration(text: string): number {
  const ms = durationMs(text);
  if (ms === undefined) throw new InvalidArgumentError('Expected a duration like 45s or 1m30s.');
  return ms;
}
