import { describe, expect, test } from 'vitest';
import type { Commands } from '../src/command-line/commands.ts';
import { runCommandLine } from '../src/command-line.ts';

const names = [
  'run',
  'validate',
  'render',
  'settings',
  'status',
  'history',
  'restart',
  'wait',
  'logging',
  'quit',
  'request',
  'completion',
  'version',
] as const;

describe('the command line', () => {
  test.each<[string, readonly unknown[]]>([
    ['', ['run', []]],
    ['run', ['run', []]],
    ['run -- --concurrency 2', ['run', ['--concurrency', '2']]],
    ['-- -l debug -- x', ['run', ['-l', 'debug', '--', 'x']]],
    ['run -- --help', ['run', ['--help']]],
    ['validate', ['validate']],
    ['render', ['render', { epoch: 0, withArgs: false }]],
    ['render --epoch 3 --args', ['render', { epoch: 3, withArgs: true }]],
    ['settings', ['settings', { format: 'table' }]],
    ['settings --json', ['settings', { format: 'json' }]],
    ['settings --markdown', ['settings', { format: 'markdown' }]],
    ['status', ['status', { json: false, watch: false }]],
    ['status --json', ['status', { json: true, watch: false }]],
    ['status --watch', ['status', { json: false, watch: true }]],
    ['history', ['history', { json: false }]],
    ['history --json', ['history', { json: true }]],
    ['restart', ['restart', { mode: 'auto', isDryRun: false, timeoutMs: 600_000 }]],
    [
      'restart --mode side-by-side --timeout 1m30s',
      ['restart', { mode: 'side-by-side', isDryRun: false, timeoutMs: 90_000 }],
    ],
    ['restart --dry-run', ['restart', { mode: 'auto', isDryRun: true, timeoutMs: 600_000 }]],
    ['logging debug', ['logging', { level: 'debug', forMs: undefined }]],
    ['logging warn --for 10m', ['logging', { level: 'warn', forMs: 600_000 }]],
    [
      'completion fish',
      [
        'completion',
        {
          shell: 'fish',
          commands: expect.arrayContaining([expect.objectContaining({ name: 'restart' })]),
        },
      ],
    ],
    ['wait', ['wait', { timeoutMs: 60_000 }]],
    ['wait --timeout 2m', ['wait', { timeoutMs: 120_000 }]],
    ['quit', ['quit']],
    ['request get /stats?filter=a', ['request', { method: 'GET', path: '/stats?filter=a' }]],
    ['version', ['version']],
    ['--version', ['version']],
  ])('"baton %s" calls its command', async (line, call) => {
    expect(await tryLine(line)).toEqual({
      exitCode: 7,
      calls: [call],
      printed: '',
      complained: '',
    });
  });

  test.each([
    ['nonsense', /unknown command 'nonsense'/],
    ['statsu', /Did you mean status\?/],
    ['run --concurrency 2', /unknown option '--concurrency'/],
    ['run extra', /too many arguments/],
    ['--bogus', /unknown option/],
    ['restart --mode warm', /Allowed choices are auto, hot, side-by-side, cold/],
    ['restart --timeout 10', /Expected a duration like 45s or 1m30s/],
    ['wait --timeout', /argument missing/],
    ['logging loud', /Allowed choices are debug, info, warn, error, default/],
    ['completion tcsh', /Allowed choices are bash, zsh, fish/],
    ['render --epoch -1', /Expected a number from 0 on/],
    ['settings --json --markdown', /cannot be used with/],
    ['request GET', /missing required argument 'PATH'/],
    ['request DELETE /x', /Expected GET or POST/],
  ])('"baton %s" is refused with 78 and calls nothing', async (line, complaint) => {
    const { exitCode, calls, complained } = await tryLine(line);
    expect({ exitCode, calls }).toEqual({ exitCode: 78, calls: [] });
    expect(complained).toMatch(complaint);
  });

  test.each(names)('"baton %s --help" shows an example and exits with 0', async (name) => {
    const { exitCode, calls, printed } = await tryLine(`${name} --help`);
    expect({ exitCode, calls }).toEqual({ exitCode: 0, calls: [] });
    expect(printed).toMatch(new RegExp(`^Example:\\n {2}\\$ .*baton ${name}`, 'm'));
  });

  test('"baton --help" names every command and exits with 0', async () => {
    const { exitCode, printed } = await tryLine('--help');
    expect(exitCode).toBe(0);
    for (const name of names) expect(printed).toMatch(new RegExp(`^ {2}${name} `, 'm'));
  });

  test('lets the error of a command through', async () => {
    const bug = new Error('a bug');
    const commands = { ...commandsThatTell([]), quit: () => Promise.reject(bug) };
    const face = { print: () => undefined, complain: () => undefined };
    await expect(runCommandLine(['quit'], commands, face)).rejects.toBe(bug);
  });
});

/** Each command answers 7. */
async function tryLine(line: string) {
  const calls: unknown[][] = [];
  let printed = '';
  let complained = '';
  const exitCode = await runCommandLine(
    line.split(' ').filter((word) => word !== ''),
    commandsThatTell(calls),
    {
      print: (text) => {
        printed += text;
      },
      complain: (text) => {
        complained += text;
      },
    },
  );
  return { exitCode, calls, printed, complained };
}

function commandsThatTell(calls: unknown[][]): Commands {
  const telling = names.map((name) => [
    name,
    async (...given: unknown[]) => {
      calls.push([name, ...given]);
      return 7;
    },
  ]);
  return Object.fromEntries(telling) as Commands;
}
