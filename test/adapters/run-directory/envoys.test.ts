import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/adapters/clock.ts';
import { endEnvoys } from '../../../src/adapters/run-directory/envoys.ts';

/** What stands in for Envoy; it tells when it is ready to be told something. */
const OBEYS = "process.on('SIGTERM', () => process.exit(0)); process.stdout.write('ready');";
const IGNORES = "process.on('SIGTERM', () => {}); process.stdout.write('ready');";
const STAYS = 'setInterval(() => {}, 1_000_000);';

let parent: string;
let folder: string;
let children: ChildProcess[];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'baton-envoys-'));
  folder = join(parent, 'run');
  await mkdir(folder);
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(children.map(ended));
  await rm(parent, { recursive: true });
});

const ended = (child: ChildProcess) =>
  child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
const end = () => endEnvoys(folder, systemClock);

/** A living process with these words in its command line. @returns its process id */
async function start(words: readonly string[], text = OBEYS, before: readonly string[] = []) {
  const [file = '', ...args] = [...before, process.execPath, '-e', `${text} ${STAYS}`, '--'];
  const child = spawn(file, [...args, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child.pid ?? 0;
}

const wordsFor = (place: string, name = 'envoy-rev0.json') => [
  ...['--config-path', join(place, name)],
  ...['--restart-epoch', '0'],
];

describe('an Envoy of the folder', () => {
  test.each(['envoy-rev0.json', 'envoy-rev12.json', 'envoy-candidate-4f.json'])(
    'that was given %s is told to end',
    async (name) => {
      const pid = await start(wordsFor(folder, name));

      expect(await end()).toEqual({ found: [pid], killed: [], left: [] });
      await Promise.all(children.map(ended));
      expect(children[0]).toMatchObject({ exitCode: 0 });
    },
  );

  test('is killed when it does not obey, and one that is stopped as well', async () => {
    const stubborn = await start(wordsFor(folder), IGNORES);
    const stopped = await start(wordsFor(folder, 'envoy-rev1.json'));
    process.kill(stopped, 'SIGSTOP');

    const { found, killed, left } = await end();

    expect([...found].sort()).toEqual([stubborn, stopped].sort());
    expect([...killed].sort()).toEqual([stubborn, stopped].sort());
    expect(left).toEqual([]);
    await Promise.all(children.map(ended));
    expect(children.map(({ signalCode }) => signalCode)).toEqual(['SIGKILL', 'SIGKILL']);
  });

  test('is known by the folder, whatever the path to it', async () => {
    await symlink(parent, join(parent, 'here'));
    const pid = await start(wordsFor(join(parent, 'here', 'run')));

    expect(await end()).toMatchObject({ found: [pid] });
  });
});

describe('no other process', () => {
  test.each<[string, () => readonly string[]]>([
    ['with a bootstrap of another folder', () => wordsFor(join(parent, 'other'))],
    ['with a bootstrap in a folder below', () => wordsFor(join(folder, 'certs'))],
    ['with another file of the folder', () => wordsFor(folder, 'state.json')],
    ['that reads a bootstrap', () => [join(folder, 'envoy-rev0.json')]],
    ['that asks for no epoch', () => ['--config-path', join(folder, 'envoy-rev0.json')]],
  ])('%s is touched', async (_, words) => {
    await mkdir(join(parent, 'other'));
    await mkdir(join(folder, 'certs'));
    await start(words());

    expect(await end()).toEqual({ found: [], killed: [], left: [] });
    expect(children[0]).toMatchObject({ exitCode: null, signalCode: null });
  });

  test('that sees another folder at the same path is touched', async () => {
    const script = 'mount -t tmpfs tmpfs "$0" && exec "$@"';
    const pid = await start(wordsFor(folder), OBEYS, [
      ...['unshare', '--mount', '/bin/sh', '-c', script, folder],
    ]);

    expect(pid).toBeGreaterThan(0);
    expect(await end()).toEqual({ found: [], killed: [], left: [] });
    expect(children[0]).toMatchObject({ exitCode: null, signalCode: null });
  });

  test('of another user is touched', async () => {
    await start(wordsFor(folder), OBEYS, [
      ...['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
    ]);

    expect(await end()).toEqual({ found: [], killed: [], left: [] });
  });
});

test('a folder that nobody uses takes no time to wait in', async () => {
  expect(await end()).toEqual({ found: [], killed: [], left: [] });
});
