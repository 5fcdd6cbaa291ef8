/**
 * What a user may add to Envoy's command line. Envoy takes `--flag value` only and refuses a flag
 * given twice (measured on 1.40), so an argument that Baton gives itself cannot be given again.
 */

interface Reserved {
  readonly flags: readonly string[];
  readonly reason: string;
}

const RESERVED: readonly Reserved[] = [
  { flags: ['-c', '--config-path'], reason: 'use BATON_BOOTSTRAP' },
  { flags: ['--config-yaml'], reason: 'use BATON_BOOTSTRAP_LAYERS' },
  { flags: ['--concurrency'], reason: 'use BATON_CONCURRENCY' },
  { flags: ['--base-id'], reason: 'use BATON_BASE_ID' },
  { flags: ['--use-dynamic-base-id', '--base-id-path'], reason: 'Baton finds a free one itself' },
  { flags: ['--drain-time-s'], reason: 'use BATON_DRAIN_TIME' },
  { flags: ['--drain-strategy'], reason: 'use BATON_DRAIN_STRATEGY' },
  { flags: ['--parent-shutdown-time-s'], reason: 'use BATON_PARENT_SHUTDOWN_TIME' },
  { flags: ['-l', '--log-level'], reason: 'use BATON_ENVOY_LOG_LEVEL' },
  { flags: ['--component-log-level'], reason: 'use BATON_ENVOY_COMPONENT_LOG_LEVEL' },
  {
    flags: ['--log-format', '--log-format-escaped', '--log-path'],
    reason: "Baton reads Envoy's lines and writes them to its own log",
  },
  { flags: ['--file-flush-interval-msec'], reason: 'Baton sets it to one second' },
  { flags: ['--admin-address-path'], reason: 'use BATON_ADMIN_PORT, which is stable' },
  { flags: ['--restart-epoch'], reason: 'Baton counts the epochs' },
  {
    flags: ['--socket-path', '--socket-mode'],
    reason: 'Baton keeps watch over the default names of hot restart',
  },
  { flags: ['--skip-hot-restart-on-no-parent'], reason: 'Baton decides how a handover goes' },
  { flags: ['--mode'], reason: 'use `baton validate`' },
  { flags: ['--version', '--hot-restart-version'], reason: 'use `baton version`' },
  { flags: ['-h', '--help'], reason: 'it would not serve' },
  { flags: ['--', '--ignore_rest'], reason: 'Envoy would ignore what follows' },
];

const REASONS: ReadonlyMap<string, string> = new Map(
  RESERVED.flatMap(({ flags, reason }) => flags.map((flag) => [flag, reason] as const)),
);

/** Flags that stand alone; every other one is followed by its value. */
const SWITCHES: ReadonlySet<string> = new Set([
  '--allow-unknown-fields',
  '--allow-unknown-static-fields',
  '--cpuset-threads',
  '--disable-hot-restart',
  '--enable-core-dump',
  '--enable-fine-grain-logging',
  '--enable-mutex-tracing',
  '--help',
  '--hot-restart-version',
  '--ignore-unknown-dynamic-fields',
  '--ignore_rest',
  '--log-format-escaped',
  '--log-stacktrace-single-entry',
  '--reject-unknown-dynamic-fields',
  '--skip-deprecated-logs',
  '--skip-hot-restart-on-no-parent',
  '--skip-hot-restart-parent-stats',
  '--use-dynamic-base-id',
  '--version',
  '-h',
  '--',
]);

const REPEATABLE: ReadonlySet<string> = new Set(['--stats-tag']);

/**
 * One sentence for each argument that is refused: reserved, given twice, written `--flag=value`,
 * without its value, or no flag at all. Empty when all of them may be passed on. Values are never
 * repeated in a sentence.
 */
export function checkEnvoyArgs(args: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return argumentsOf(args).flatMap((argument) => {
    const { flag } = argument;
    if (flag === undefined) return ['Cannot pass an argument to Envoy that is no flag.'];
    const isRepeated = seen.has(flag) && !REPEATABLE.has(flag);
    seen.add(flag);
    const reason = refusalOf(flag, argument) ?? (isRepeated ? 'it is given twice' : undefined);
    return reason === undefined ? [] : [`Cannot pass ${flag} to Envoy: ${reason}.`];
  });
}

/** Whether they keep Envoy from taking part in hot restart: it then has no names and no memory. */
export function disablesHotRestart(args: readonly string[]): boolean {
  return argumentsOf(args).some(({ flag }) => flag === '--disable-hot-restart');
}

interface Argument {
  /** Absent when the word is no flag. */
  readonly flag: string | undefined;
  readonly isOneWord: boolean;
  readonly lacksValue: boolean;
}

/** As Envoy reads them: whatever follows a flag that takes a value is that value. */
function argumentsOf(args: readonly string[]): readonly Argument[] {
  const found: Argument[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? '';
    const flag = flagOf(word);
    const takesValue = flag === word && !SWITCHES.has(flag);
    found.push({
      flag,
      isOneWord: flag === word,
      lacksValue: takesValue && at + 1 === args.length,
    });
    if (takesValue) at += 1;
  }
  return found;
}

/** `--flag` of `--flag` and of `--flag=value`, `-l` of `-linfo`; absent when it is no flag. */
function flagOf(word: string): string | undefined {
  if (word.startsWith('--')) return word.split('=', 1)[0];
  return word.startsWith('-') && word !== '-' ? word.slice(0, 2) : undefined;
}

function refusalOf(flag: string, { isOneWord, lacksValue }: Argument): string | undefined {
  const reserved = REASONS.get(flag);
  if (reserved !== undefined) return reserved;
  if (!isOneWord) return 'write it as two words, flag and value';
  return lacksValue ? 'its value is missing' : undefined;
}
