/** Reads from what a launch left behind why it never was LIVE. */
import { EXIT, type ExitCode, type FailureCause, type Outcome } from './model.ts';

/** As Envoy words it on stderr (measured on 1.40): "cannot bind '127.0.0.1:80': Address already in use". */
const BIND = /cannot bind|Address already in use|Permission denied.*bind/i;
const NO_BINARY: ReadonlySet<string> = new Set([
  'ENOENT',
  'EACCES',
  'ENOEXEC',
  'ENOTDIR',
  'EISDIR',
]);

export function failureCause(outcome: Outcome, lastLines: readonly string[]): FailureCause {
  if (outcome.kind === 'notStarted') return NO_BINARY.has(outcome.errno) ? 'noBinary' : 'unknown';
  return lastLines.some((line) => BIND.test(line)) ? 'cannotBind' : 'unknown';
}

/** The agent's exit code for what no retry mends; undefined when one may help. */
export function permanentExitCode(cause: FailureCause | undefined): ExitCode | undefined {
  switch (cause) {
    case 'cannotBind':
      return EXIT.portTaken;
    case 'configurationRejected':
      return EXIT.configuration;
    case 'noBinary':
      return EXIT.noEnvoy;
    case 'unknown':
    case undefined:
      return undefined;
  }
}
