/** `baton completion`: what a shell needs to know to complete a command line of ours. */
import type { CommandWords, OptionWords, Shell } from '../command-line/words.ts';
import { EXIT } from '../core/model.ts';

/** Prints the script that the shell is to read. Always 0. */
export async function showCompletion(
  shell: Shell,
  commands: readonly CommandWords[],
  print: (text: string) => void,
): Promise<number> {
  print(`${SCRIPTS[shell](commands).join('\n')}\n`);
  return EXIT.stopped;
}

type Script = (commands: readonly CommandWords[]) => readonly string[];

const SCRIPTS: Readonly<Record<Shell, Script>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** Bash breaks words at `=` too: `--mode=h` is three of them. */
function bashScript(commands: readonly CommandWords[]): readonly string[] {
  return [
    '# source <(baton completion bash)',
    '_baton() {',
    '  local word=${COMP_WORDS[COMP_CWORD]} at=$((COMP_CWORD - 1))',
    "  if [[ $word == '=' ]]; then word=; elif [[ ${COMP_WORDS[at]} == '=' ]]; then at=$((at - 1)); fi",
    '  local command=${COMP_WORDS[1]} before=${COMP_WORDS[at]} found=',
    `  if ((COMP_CWORD == 1)); then found=${quoted(commands.map(({ name }) => name))}; else`,
    '    case "$command $before" in',
    ...valueCases(commands, (words) => `found=${quoted(words)}`),
    '    *) case $command in',
    ...commands.map((command) => `      ${command.name}) found=${quoted(wordsOf(command))} ;;`),
    '    esac ;;',
    '    esac',
    '  fi',
    '  COMPREPLY=($(compgen -W "$found" -- "$word"))',
    '}',
    'complete -F _baton baton',
  ];
}

/** What stands before `=` in the same word is passed over: what is offered follows it. */
function zshScript(commands: readonly CommandWords[]): readonly string[] {
  return [
    '#compdef baton',
    '# source <(baton completion zsh)',
    '_baton() {',
    '  local -a found',
    '  local before=$words[CURRENT-1]',
    "  if compset -P '*='; then before=${IPREFIX%=}; fi",
    '  if (( CURRENT == 2 )); then',
    ...commands.map(({ name, does }) => `    found+=(${quoted([`${name}:${does}`])})`),
    "    _describe 'command' found",
    '  else',
    '    case "$words[2] $before" in',
    ...valueCases(commands, (words) => `compadd -- ${words.join(' ')}`),
    '    *) case $words[2] in',
    ...commands.map(
      (command) => `      ${command.name}) compadd -- ${wordsOf(command).join(' ')} ;;`,
    ),
    '    esac ;;',
    '    esac',
    '  fi',
    '}',
    'if [[ $funcstack[1] == _baton ]]; then _baton "$@"; else compdef _baton baton; fi',
  ];
}

function fishScript(commands: readonly CommandWords[]): readonly string[] {
  return [
    '# baton completion fish | source',
    'function __baton_is',
    '  set -l words (commandline -opc)',
    '  test "$words[2]" = "$argv[1]"',
    'end',
    'complete -c baton -f',
    ...commands.flatMap(({ name, does, options, choices }) => [
      `${fishIn('')} -a ${name} -d ${quoted([does])}`,
      ...options.map((option) => `${fishIn(name)} ${fishOption(option)}`),
      ...(choices.length === 0 ? [] : [`${fishIn(name)} -a ${quoted(choices)}`]),
    ]),
  ];
}

function fishIn(name: string): string {
  return `complete -c baton -n '__baton_is "${name}"'`;
}

function fishOption({ flag, does, takesValue, choices }: OptionWords): string {
  const value = takesValue ? ` -x${choices.length === 0 ? '' : ` -a ${quoted(choices)}`}` : '';
  return `-l ${flag.slice(2)}${value} -d ${quoted([does])}`;
}

/** What follows an option that takes a value; nothing is known of a free one. */
function valueCases(
  commands: readonly CommandWords[],
  offer: (words: readonly string[]) => string,
): readonly string[] {
  return commands.flatMap(({ name, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ flag, choices }) => {
        const offered = choices.length === 0 ? '' : `${offer(choices)} `;
        return `    ${quoted([`${name} ${flag}`])}) ${offered};;`;
      }),
  );
}

function wordsOf({ choices, options }: CommandWords): readonly string[] {
  return [...choices, ...options.map(({ flag }) => flag)];
}

function quoted(words: readonly string[]): string {
  return `'${words.join(' ').replaceAll("'", `'\\''`)}'`;
}
