import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createEnvoyProcesses } from '../../src/adapters/envoy-process.ts';
import type { EnvoyLine } from '../../src/core/envoy-line.ts';
import { epochOf, launchIdOf } from '../../src/core/model.ts';
import type { EnvoyProcess, EnvoyProcesses } from '../../src/ports.ts';

const PATIENCE = { timeout: 20_000, interval: 10 };

let folder: string;
let pipeFolder: string;
let lines: EnvoyLine[];
let processes: EnvoyProcesses;
let spawned: EnvoyProcess[];
let launchCount: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-process-'));
  // Programs without an ending are what the nearest package.json says, wherever that lies.
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }');
  pipeFolder = await mkdtemp(join(folder, 'pipes-'));
  lines = [];
  spawned = [];
  launchCount = 0;
  processes = processesIn(pipeFolder);
});

afterEach(async () => {
  for (const process of spawned) process.signal('SIGKILL');
  await Promise.all(spawned.map(({ exited }) => exited));
  // The pipes for a launch that never comes may be in the making.
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

function processesIn(
  place: string,
  environment: Readonly<Record<string, string | undefined>> = {},
) {
  const onLine = (_spec: unknown, _pid: number, line: EnvoyLine) => void lines.push(line);
  const keepFolder = <Answer>(work: () => Promise<Answer>) => work();
  return createEnvoyProcesses({ folder: place, keepFolder, environment, onLine });
}

/** Starts a program of this text, a shell script when it begins with no `#!`. */
function start(text: string, args: readonly string[] = []): Promise<EnvoyProcess> {
  const binary = join(folder, `program-${launchCount}`);
  writeFileSync(binary, text.startsWith('#!') ? text : `#!/bin/sh\n${text}\n`);
  chmodSync(binary, 0o755);
  return startBinary(binary, args);
}

async function startBinary(binary: string, args: readonly string[] = []): Promise<EnvoyProcess> {
  launchCount += 1;
  const launch = launchIdOf(launchCount);
  const started = await processes.spawn({ launch, epoch: epochOf(0), binary, args });
  spawned.push(started);
  return started;
}

const node = (text: string) => `#!${process.execPath}\n${text}\n`;
const texts = () => lines.map(({ message }) => message);
const untilRead = (text: string) =>
  vi.waitFor(() => expect(texts()).toContainEqual(expect.stringContaining(text)), PATIENCE);

describe('the outcome', () => {
  test.each([
    ['exit 0', { kind: 'exited', code: 0 }],
    ['exit 7', { kind: 'exited', code: 7 }],
    ['kill -SEGV $$', { kind: 'killed', signal: 'SIGSEGV' }],
  ])('of a program that does "%s"', async (text, outcome) => {
    const started = await start(text);
    expect(started.pid).toBeGreaterThan(1);
    expect(await started.exited).toEqual(outcome);
  });

  test('is there although a grandchild keeps the output open', async () => {
    const started = await start('sleep 60 & echo $!; exit 3');
    expect(await started.exited).toEqual({ kind: 'exited', code: 3 });
    process.kill(Number(texts()[0]));
  });

  test.each<[string, () => Promise<EnvoyProcess>, string | RegExp]>([
    ['there is no such file', () => startBinary('/nowhere/envoy'), 'ENOENT'],
    ['it is a folder', () => startBinary(folder), 'EACCES'],
    ['it is not executable', () => startBinary(notExecutable()), 'EACCES'],
    ['its interpreter is missing', () => start('#!/nowhere/sh'), 'ENOENT'],
    ['an argument has a NUL byte', () => start('exit 0', ['a\0b']), /./],
    ['its path has a NUL byte', () => startBinary('/bin/\0sh'), /./],
    ['its arguments are too long', () => start('exit 0', ['x'.repeat(200_000)]), 'E2BIG'],
  ])('is "not started" when %s', async (_, begin, errno) => {
    const started = await begin();
    expect(started.pid).toBeUndefined();
    expect(await started.exited).toEqual({
      kind: 'notStarted',
      errno: typeof errno === 'string' ? errno : expect.stringMatching(errno),
      message: expect.stringMatching(/./),
    });
    expect(started.signal('SIGKILL')).toBe(false);
    expect(started.lastLines()).toEqual([]);
  });

  test('of a file that is no program is that of the shell, which the system gives it to', async () => {
    const started = await startBinary(garbage());
    expect(await started.exited).toMatchObject({ kind: 'exited', code: expect.any(Number) });
    expect(await started.exited).not.toMatchObject({ code: 0 });
    expect(started.lastLines().join(' ')).toMatch(/garbage/);
  });

  test('is followed by no other process: the next one starts as if nothing had been', async () => {
    await (await startBinary('/nowhere/envoy')).exited;
    await (await start('exit 0', ['a\0b'])).exited;
    expect(await (await start('exit 5')).exited).toEqual({ kind: 'exited', code: 5 });
  });
});

describe('a pipe that cannot be opened', () => {
  test.each([
    ['the second', 'mkfifo "$3"'],
    ['the first', 'mkfifo "$4"'],
    ['one that is a folder', 'mkdir "$3"'],
  ])('(%s) leaves no descriptor open, however often that happens', async (_, makesPipes) => {
    const stub = join(folder, 'mkfifo');
    writeFileSync(stub, `#!/bin/sh\nPATH=/usr/bin:/bin; ${makesPipes}\n`, { mode: 0o755 });
    processes = processesIn(pipeFolder, { PATH: folder });
    const failed = await start('exit 0');
    const before = openDescriptors();

    for (let count = 0; count < 5; count += 1) await start('exit 0');

    expect(await failed.exited).toMatchObject({ kind: 'notStarted', errno: 'mkfifo' });
    expect(openDescriptors()).toBeLessThan(before + 5);
  });
});

const openDescriptors = () => readdirSync('/proc/self/fd').length;

function notExecutable(): string {
  const path = join(folder, 'plain');
  writeFileSync(path, '#!/bin/sh\n', { mode: 0o644 });
  return path;
}

function garbage(): string {
  const path = join(folder, 'garbage');
  writeFileSync(path, Buffer.from([0, 1, 2, 3, 254, 255]));
  chmodSync(path, 0o755);
  return path;
}

describe('a process', () => {
  test('leads a process group of its own', async () => {
    const { pid, exited } = await start('exec sleep 60');
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    expect(Number(stat[2])).toBe(pid);
    spawned[0]?.signal('SIGTERM');
    expect(await exited).toEqual({ kind: 'killed', signal: 'SIGTERM' });
  });

  test('takes signals until it is gone', async () => {
    const started = await start("trap 'echo again' USR1; echo up; while :; do sleep 0.05; done");
    await untilRead('up');
    expect(started.signal('SIGUSR1')).toBe(true);
    await untilRead('again');
    expect(started.signal('SIGKILL')).toBe(true);
    expect(await started.exited).toEqual({ kind: 'killed', signal: 'SIGKILL' });
    expect(started.signal('SIGKILL')).toBe(false);
  });

  test('gets its arguments as they are, and our environment with what is changed in it', async () => {
    processes = processesIn(pipeFolder, { ADDED: 'this', HOME: undefined });
    const args = ['--log-format', '{"m":"%j"}', '', "it's", '$HOME', 'zwölf'];
    const started = await start(
      node('console.log(JSON.stringify([process.argv.slice(2), process.env]))'),
      args,
    );
    await started.exited;
    const { HOME, ...ours } = process.env;
    const [given, environment] = JSON.parse(texts()[0] ?? '') as [string[], NodeJS.ProcessEnv];
    expect(HOME).toBeDefined();
    expect(given).toEqual(args);
    expect(environment).toMatchObject({ ADDED: 'this', PATH: ours['PATH'] });
    expect(environment).not.toHaveProperty('HOME');
  });

  test('has true pipes: /dev/stdout and /dev/stderr can be opened', async () => {
    const started = await start('echo out > /dev/stdout; echo err > /dev/stderr');
    expect(await started.exited).toEqual({ kind: 'exited', code: 0 });
    expect(texts().sort()).toEqual(['err', 'out']);
  });

  test('is not started while no pipe can be made, and is as soon as one can', async () => {
    const place = join(folder, 'later');
    const notStarted = {
      kind: 'notStarted',
      errno: 'mkfifo',
      message: expect.stringContaining("Cannot make the pipes for Envoy's output: mkfifo exited"),
    };
    processes = processesIn(place);
    expect(await (await start('exit 0')).exited).toEqual(notStarted);
    writeFileSync(place, '');
    expect(await (await start('exit 0')).exited).toEqual(notStarted);
    rmSync(place);
    mkdirSync(place);
    expect(await (await start('exit 0')).exited).toEqual({ kind: 'exited', code: 0 });
  });
});

describe('its lines', () => {
  test('come with what they are', async () => {
    const started = await start(
      `echo '{"path":"/"}'; echo plain >&2; echo '{"l":"error","n":"main","s":"a:1","m":"bad"}' >&2`,
    );
    await started.exited;
    expect(lines).toHaveLength(3);
    expect(lines).toEqual(
      expect.arrayContaining([
        { kind: 'access', level: 'info', message: 'request', request: { path: '/' } },
        { kind: 'plain', level: 'warn', message: 'plain' },
        { kind: 'log', level: 'error', message: 'bad', component: 'main', origin: 'a:1' },
      ]),
    );
    expect(started.lastLines()).toEqual(['plain', 'bad']);
  });

  test('end with the first fatal one where nothing plain comes after', async () => {
    const record = (m: string) => `echo '{"l":"critical","n":"main","s":"a:1","m":"${m}"}' >&2;`;
    const started = await start([record('why'), ...Array(30).fill(record('frame'))].join(''));
    await started.exited;
    expect(started.lastLines()).toHaveLength(20);
    expect(started.lastLines().slice(-2)).toEqual(['frame', 'why']);
    const other = await start(`${record('why')} echo plain >&2`);
    await other.exited;
    expect(other.lastLines()).toEqual(['why', 'plain']);
  });

  test('have nothing of the configuration that they quote', async () => {
    const started = await start(`echo 'bad (a): {"key":' >&2; echo '"secret"}' >&2`);
    await started.exited;
    expect(started.lastLines()).toEqual(['bad (a): ... (content left out)']);
    expect(texts()).toEqual(started.lastLines());
  });

  test('are kept to the last twenty of 500 characters, without the access log', async () => {
    const started = await start(
      node(`
        console.log('access');
        for (let i = 1; i <= 50; i++) console.error(i + ' ' + 'x'.repeat(1000));`),
    );
    await started.exited;
    const kept = started.lastLines();
    expect(kept).toHaveLength(20);
    expect(kept.map((line) => Number.parseInt(line, 10))).toEqual(
      Array.from({ length: 20 }, (_, index) => 31 + index),
    );
    expect(kept.every((line) => line.length === 500)).toBe(true);
  });

  test('are whole when letters are cut apart on the way, and at the end without a line end', async () => {
    const started = await start(
      node(`
        const letters = Buffer.from('zwölf\\nlast ö');
        for (const byte of letters) require('fs').writeSync(2, Buffer.from([byte]));`),
    );
    await started.exited;
    await untilRead('last ö');
    expect(texts()).toEqual(['zwölf', 'last ö']);
  });

  test('are all read when a hundred thousand come at once', async () => {
    const started = await start(
      node(`
        const burst = Array.from({ length: 100_000 }, (_, i) => 'line ' + i).join('\\n') + '\\n';
        for (let at = 0; at < burst.length; ) at += require('fs').writeSync(2, burst.slice(at));`),
    );
    await started.exited;
    expect(lines).toHaveLength(100_000);
    expect(started.lastLines().at(-1)).toBe('line 99999');
  });

  test('are there when the outcome is, also the last ones of a process that is killed', async () => {
    const started = await start(
      node(`
        for (let i = 0; i < 400; i++) require('fs').writeSync(2, 'x'.repeat(100) + i + '\\n');
        process.kill(process.pid, 'SIGKILL');`),
    );
    expect(await started.exited).toEqual({ kind: 'killed', signal: 'SIGKILL' });
    expect(started.lastLines().at(-1)).toBe(`${'x'.repeat(100)}399`);
  });

  test('are cut when one has no end, and the next one is whole again', async () => {
    const before = process.memoryUsage().rss;
    const started = await start(
      node(`
        const fs = require('fs');
        const piece = 'x'.repeat(65_536);
        for (let i = 0; i < 1_600; i++) fs.writeSync(1, piece);
        fs.writeSync(1, '\\nnext\\n');`),
    );
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss - before);
    }, 20);
    await started.exited;
    clearInterval(watch);
    await untilRead('next');
    expect(texts().map(({ length }) => length)).toEqual([16_384, 4]);
    // A hundred megabytes went through.
    expect(most).toBeLessThan(80 * 1024 * 1024);
  });
});

describe('afterwards', () => {
  test('there is no named pipe and no descriptor more than before', async () => {
    const count = () => readdirSync('/proc/self/fd').length;
    const settled = async () => {
      await vi.waitFor(() => expect(readdirSync(pipeFolder)).toEqual([]), PATIENCE);
      return count();
    };
    const rounds = async () => {
      await (await start('echo out; echo err >&2')).exited;
      await (await startBinary('/nowhere/envoy')).exited;
      await (await start('exit 0', ['a\0b'])).exited;
      await (await start('exit 0', ['x'.repeat(200_000)])).exited;
    };
    await rounds();
    const before = await settled();
    for (let round = 0; round < 5; round++) await rounds();
    // The four made ahead may not have been open yet.
    await vi.waitFor(async () => expect(await settled()).toBeLessThan(before + 5), PATIENCE);
  });
});
