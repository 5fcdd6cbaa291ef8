import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const WRITER = new URL('../fixtures/log-writer.ts', import.meta.url).pathname;
/** As the build of the agent does, for libraries that load others by `require`. */
const banner =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
/** Far more than waits for a reader: 40 MB. */
const MANY = 150_000;

let folder: string;
let program: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-log-'));
  program = join(folder, 'log-writer.mjs');
  await build({
    entryPoints: [WRITER],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: banner },
    logLevel: 'error',
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Writing {
  readonly format?: 'json' | 'pretty';
  readonly early?: number;
  readonly late?: number;
}

function startWriter(stdout: 'pipe' | number, writing: Writing): ChildProcess {
  const { format = 'json', early = 0, late = 0 } = writing;
  return spawn(process.execPath, [program, format, `${early}`, `${late}`], {
    stdio: ['ignore', stdout, 'pipe'],
  });
}

interface WriterEnd {
  readonly code: number | null;
  readonly dropped: number;
  readonly mostMegabytes: number;
}

async function endOf(child: ChildProcess): Promise<WriterEnd> {
  const exited = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const told = child.stderr === null ? '' : await text(child.stderr);
  return { code: await exited, ...(JSON.parse(told) as Omit<WriterEnd, 'code'>) };
}

async function written(writing: Writing) {
  const child = startWriter('pipe', writing);
  const [end, output] = await Promise.all([endOf(child), child.stdout && text(child.stdout)]);
  return { ...end, output: output ?? '' };
}

function recordsIn(output: string) {
  const lines = output.split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}

const countsIn = (output: string) =>
  recordsIn(output).flatMap(({ msg, count }) => (msg === 'draining' ? [count] : []));

/** A true pipe: what Node calls one is a socket. */
function openPipe() {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY);
  execFileSync('rm', [path]);
  return { readEnd, writeEnd };
}

describe('the log', () => {
  test('writes what came before it was loaded first, and everything in order', async () => {
    const { code, dropped, output } = await written({ early: 1_000, late: 4_000 });
    expect(countsIn(output)).toEqual(Array.from({ length: 5_000 }, (_, index) => index));
    expect({ code, dropped }).toEqual({ code: 7, dropped: 0 });
  });

  test('writes one JSON object a line, tagged with its source', async () => {
    const [record, envoy, access, hostile, ...more] = recordsIn(
      (await written({ early: 1 })).output,
    );
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const launch = { launch: 'L1', epoch: 0, pid: 77 };
    expect(record).toEqual({
      level: 'info',
      time,
      source: 'baton',
      count: 0,
      filler: expect.any(String),
      msg: 'draining',
    });
    expect(envoy).toEqual({
      level: 'warn',
      time,
      source: 'envoy',
      ...launch,
      component: 'main',
      msg: 'hot',
    });
    expect(access).toEqual({
      level: 'info',
      time,
      source: 'access',
      ...launch,
      request: { a: 1 },
      msg: 'request',
    });
    expect(hostile).toMatchObject({ msg: 'a\r\n\u001b[31mb\u009b2J\u202ec' });
    expect(more).toEqual([]);
  });

  test('is pretty for people', async () => {
    const { output } = await written({ format: 'pretty', early: 1 });
    // In a file colours are no help.
    expect(output).not.toContain('\u001b[');
    expect(output).toMatch(/^\S*\[\d\d:\d\d:\d\d\.\d{3}\]\S* .*INFO.*draining/);
    expect(output).toMatch(/WARN.*hot/);
    expect(output).not.toMatch(/^{/m);
    expect(output.split('\n')).toHaveLength(5);
  });

  test.each(['json', 'pretty'] as const)(
    'forges no lines and moves no terminal (%s)',
    async (format) => {
      const { output } = await written({ format });
      const line = output.split('\n').find((one) => one.includes('b\\u009b2J'));
      expect(line).toContain('a\\r\\n\\u001b[31mb\\u009b2J\\u202ec');
      for (const raw of ['\u009b', '\u202e', '\u001b[31mb']) expect(output).not.toContain(raw);
    },
  );

  test('goes to a file whole', async () => {
    const path = join(folder, 'file.log');
    const file = openSync(path, 'w');
    const { code, dropped } = await endOf(startWriter(file, { late: 20_000 }));
    closeSync(file);
    expect({ code, dropped }).toEqual({ code: 7, dropped: 0 });
    expect(countsIn(readFileSync(path, 'utf8'))).toHaveLength(20_000);
  });
});

describe('a reader that stalls', () => {
  test.each<['json' | 'pretty']>([['json'], ['pretty']])(
    'of a pipe costs lines, which are counted, and neither memory nor the exit (%s)',
    async (format) => {
      const { readEnd, writeEnd } = openPipe();
      const child = startWriter(writeEnd, { format, late: MANY });
      closeSync(writeEnd);
      const { code, dropped, mostMegabytes } = await endOf(child);
      closeSync(readEnd);
      expect(code).toBe(7);
      expect(dropped).toBeGreaterThan(MANY / 2);
      expect(mostMegabytes).toBeLessThan(160);
    },
  );

  test('of a socket does the same', async () => {
    const child = startWriter('pipe', { late: MANY });
    const { code, dropped, mostMegabytes } = await endOf(child);
    child.stdout?.destroy();
    expect(code).toBe(7);
    expect(dropped).toBeGreaterThan(MANY / 2);
    expect(mostMegabytes).toBeLessThan(160);
  });

  test('gets whole lines when it reads again', async () => {
    const { readEnd, writeEnd } = openPipe();
    const child = startWriter(writeEnd, { late: MANY });
    closeSync(writeEnd);
    await endOf(child);
    const lines = readAll(readEnd).split('\n').slice(0, -1);
    closeSync(readEnd);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) JSON.parse(line);
  });
});

function readAll(descriptor: number): string {
  const buffer = Buffer.alloc(1024 * 1024);
  return buffer.toString('utf8', 0, readSync(descriptor, buffer));
}

describe('a reader that is gone', () => {
  test('from the start costs all lines and nothing else', async () => {
    const { readEnd, writeEnd } = openPipe();
    closeSync(readEnd);
    const child = startWriter(writeEnd, { early: 10, late: 20_000 });
    closeSync(writeEnd);
    const { code, dropped } = await endOf(child);
    expect(code).toBe(7);
    expect(dropped).toBeGreaterThan(19_000);
  });

  test('in the middle costs the rest', async () => {
    const { readEnd, writeEnd } = openPipe();
    const child = startWriter(writeEnd, { late: MANY });
    closeSync(writeEnd);
    child.once('spawn', () => closeSync(readEnd));
    const { code, dropped, mostMegabytes } = await endOf(child);
    expect(code).toBe(7);
    expect(dropped).toBeGreaterThan(0);
    expect(mostMegabytes).toBeLessThan(160);
  });
});
