/** The scripts are tried in the shells themselves: in bash, and in others that are installed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Commands } from '../../src/command-line/commands.ts';
import { type CommandWords, SHELLS, type Shell } from '../../src/command-line/words.ts';
import { runCommandLine } from '../../src/command-line.ts';
import { showCompletion } from '../../src/commands/completion.ts';

let commands: readonly CommandWords[] = [];

beforeAll(async () => {
  const completion: Commands['completion'] = async (options) => {
    commands = options.commands;
    return 0;
  };
  const face = { print: () => undefined, complain: () => undefined };
  await runCommandLine(['completion', 'bash'], { completion } as Commands, face);
});

async function scriptFor(shell: Shell): Promise<string> {
  let script = '';
  const print = (text: string) => {
    script += text;
  };
  expect(await showCompletion(shell, commands, print)).toBe(0);
  return script;
}

/**
 * What each shell calls when Tab is pressed, with the words behind `baton` as its arguments. What
 * zsh's own functions are told is printed; they work in a terminal alone.
 */
const ASKING: Readonly<Record<Shell, string>> = {
  bash: `COMP_WORDS=(baton "$@") COMP_CWORD=$#
    $(complete -p baton | sed 's/.*-F \\([^ ]*\\).*/\\1/')
    printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: `words=(baton "$@") CURRENT=$(($# + 1))
    compadd() { shift; print -l -- "$@" }
    compset() {
      [[ $words[CURRENT] == --*=* ]] || return 1
      IPREFIX="\${words[CURRENT]%%=*}="
      words[CURRENT]=\${words[CURRENT]#*=}
    }
    _describe() { print -l -- \${\${(P)2}%%:*} }
    _baton`,
  fish: 'complete -C "baton $argv"',
};
const BEFORE: Readonly<Record<Shell, readonly string[]>> = {
  bash: ['--norc', '-u', '-c'],
  zsh: ['-f', '-c'],
  fish: ['--no-config', '-c'],
};
const ZSH_OUTSIDE_A_TERMINAL = 'compdef() { compdefined="$*" }';

async function offeredBy(shell: Shell, words: readonly string[]): Promise<readonly string[]> {
  const script = await scriptFor(shell);
  const before = shell === 'zsh' ? ZSH_OUTSIDE_A_TERMINAL : '';
  const name = shell === 'fish' ? [] : [shell];
  const args = [...BEFORE[shell], `${before}\n${script}${ASKING[shell]}`, ...name, ...words];
  const offered = execFileSync(shell, args, { encoding: 'utf8' }).split('\n');
  const sought = words.at(-1)?.split('=').at(-1) ?? '';
  // Fish says what it is for; zsh leaves what does not match to the function that is told.
  const kept = offered.map((line) => line.split('\t')[0] ?? '').filter((word) => word !== '');
  return shell === 'zsh' ? kept.filter((word) => word.startsWith(sought)) : kept;
}

const installed = SHELLS.filter((shell) => spawnSync(shell, ['-c', ':']).status === 0);

test('bash is there, and where nothing is to be left out every shell', () => {
  expect(installed).toContain('bash');
  if (process.env['CI'] === 'true') expect(installed).toEqual(SHELLS);
});

describe.each(installed)('%s', (shell) => {
  test('is offered every command', async () => {
    const names = commands.map(({ name }) => name).sort();
    expect(names).toContain('history');
    expect([...(await offeredBy(shell, ['']))].sort()).toEqual(names);
    expect([...(await offeredBy(shell, ['re']))].sort()).toEqual(['render', 'request', 'restart']);
  });

  test.each<[readonly string[], readonly string[]]>([
    [
      ['restart', '--'],
      ['--dry-run', '--help', '--mode', '--timeout'],
    ],
    [['restart', '--dry-run', '--t'], ['--timeout']],
    [
      ['restart', '--mode', ''],
      ['auto', 'cold', 'hot', 'side-by-side'],
    ],
    [['restart', '--mode', 'si'], ['side-by-side']],
    [['restart', '--timeout', ''], []],
    [
      ['settings', '--'],
      ['--help', '--json', '--markdown'],
    ],
    [
      ['logging', 'd'],
      ['debug', 'default'],
    ],
    [
      ['logging', 'debug', '--'],
      ['--for', '--help'],
    ],
    [['logging', 'debug', '--for', ''], []],
    [['request', 'P'], ['POST']],
    [['completion', 'f'], ['fish']],
    [['help', 'hist'], ['history']],
    [['nonsense', ''], []],
  ])('after %j is offered %j', async (words, offered) => {
    expect([...(await offeredBy(shell, words))].sort()).toEqual(offered);
  });
});

test.each<[readonly string[], readonly string[]]>([
  [
    ['restart', '--mode', '='],
    ['auto', 'hot', 'side-by-side', 'cold'],
  ],
  [['restart', '--mode', '=', 'c'], ['cold']],
])('bash, which breaks words at "=", is offered choices after %j too', async (words, offered) => {
  expect(await offeredBy('bash', words)).toEqual(offered);
});

test.each(installed.filter((shell) => shell !== 'bash'))(
  '%s, which leaves words whole, is offered choices behind "=" too',
  async (shell) => {
    const offered = await offeredBy(shell, ['restart', '--mode=s']);
    expect(offered.map((word) => word.replace(/^--mode=/, ''))).toEqual(['side-by-side']);
  },
);

test.each(SHELLS)('the script for %s has every option and choice', async (shell) => {
  const script = await scriptFor(shell);
  const options = commands.flatMap((command) => command.options);
  const flags = options.map(({ flag }) => (shell === 'fish' ? `-l ${flag.slice(2)} ` : flag));
  const choices = [...commands, ...options].flatMap((one) => one.choices);
  expect([...flags, ...choices].filter((word) => !script.includes(word))).toEqual([]);
  expect(choices).toContain('side-by-side');
});
