import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { createNameLocks } from '../../src/adapters/name-locks.ts';
import { chooseRunDirectory, findRunDirectory } from '../../src/adapters/run-directory/folder.ts';
import { writeAtomically } from '../../src/adapters/run-directory/private-files.ts';
import { type OpenRunDirectory, openRunDirectory } from '../../src/adapters/run-directory.ts';
import { AgentError } from '../../src/core/agent-error.ts';
import { epochOf, launchIdOf } from '../../src/core/model.ts';
import type { NameLocks } from '../../src/ports.ts';

const PATIENCE = { timeout: 20_000 };

const clock = systemClock;
const locks = createNameLocks();
/** A lock of another network namespace: it keeps nobody here out. */
const locksNextDoor: NameLocks = { take: async () => () => {} };
const isRoot = process.geteuid?.() === 0;

let parent: string;
let folder: string;
let opened: OpenRunDirectory[];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'baton-'));
  folder = join(parent, 'run');
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map((directory) => directory.release()));
  await rm(parent, { recursive: true });
});

async function open(
  path = folder,
  chosenLocks = locks,
  chosenClock = clock,
): Promise<OpenRunDirectory> {
  const world = { locks: chosenLocks, clock: chosenClock };
  const result = await openRunDirectory(path, { version: '1.2.3', ...world });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join());
  opened.push(result.value);
  return result.value;
}

async function refusalOf(path: string, chosenLocks = locks): Promise<string> {
  const result = await openRunDirectory(path, { version: '1.2.3', locks: chosenLocks, clock });
  if (result.ok) opened.push(result.value);
  return result.ok ? 'opened' : result.problems.map(({ message }) => message).join();
}

const rightsOf = async (path: string) => ((await lstat(path)).mode & 0o7777).toString(8);

async function listening(path: string): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

describe('rights', () => {
  let umask: number;
  beforeEach(() => {
    umask = process.umask(0);
  });
  afterEach(() => {
    process.umask(umask);
  });

  test.each([0o000, 0o022, 0o277])(
    'a new directory is 0700 and what is written 0600 when the umask is %d',
    async (mask) => {
      process.umask(mask);
      const directory = await open();
      const bootstrap = await directory.writeBootstrap(epochOf(0), '{}');
      await directory.remember({ baseIds: [7] });

      expect(await rightsOf(folder)).toBe('700');
      expect(await rightsOf(bootstrap)).toBe('600');
      expect(await rightsOf(join(folder, 'state.json'))).toBe('600');
      expect(await rightsOf(join(folder, 'agent.lock'))).toBe('600');
    },
  );

  test('rights that are too wide are taken back', async () => {
    await mkdir(folder, { mode: 0o777 });

    await open();

    expect(await rightsOf(folder)).toBe('700');
  });
});

describe('refusals', () => {
  test('a symbolic link is refused and its target left alone', async () => {
    await mkdir(join(parent, 'target'));
    await chmod(join(parent, 'target'), 0o755);
    await symlink('target', folder);

    expect(await refusalOf(folder)).toBe(
      `Cannot use ${folder} as BATON_RUN_DIR: it is a symbolic link, name the folder itself.`,
    );
    expect(await rightsOf(join(parent, 'target'))).toBe('755');
  });

  test('a file is refused with the reason', async () => {
    await writeFile(folder, '');

    expect(await refusalOf(folder)).toBe(
      `Cannot use ${folder} as BATON_RUN_DIR: it is not a folder.`,
    );
  });

  test('a path through a file is refused with the reason', async () => {
    await writeFile(folder, '');

    expect(await refusalOf(join(folder, 'below'))).toContain('ENOTDIR');
  });

  test('a folder of someone else is refused', async () => {
    // Who may not change owners takes a folder that root owns.
    const foreign = isRoot ? folder : '/usr';
    if (isRoot) {
      await mkdir(folder);
      await chown(folder, 65_534, 65_534);
    }

    expect(await refusalOf(foreign)).toMatch(/it belongs to uid \d+ and we are uid \d+/);
  });

  test('a folder that nobody can write is refused with the reason', async () => {
    expect(await refusalOf('/proc/baton')).toMatch(
      /^Cannot use \/proc\/baton as BATON_RUN_DIR: E[A-Z]+: .+\.$/,
    );
  });

  test('missing parents are made', async () => {
    await open(join(folder, 'deeper', 'still'));

    expect(await rightsOf(join(folder, 'deeper'))).toBe('700');
  });

  test('a path that leaves no room for socket names is refused with the numbers', async () => {
    const deep = join(parent, 'x'.repeat(120));

    expect(await refusalOf(deep)).toMatch(
      /^Expected BATON_RUN_DIR to be a path of at most 87 bytes, .+, got \d+ bytes/,
    );
    expect(await readdir(parent)).toEqual([]);
  });

  test('the longest path allowed has room for the sockets', async () => {
    const longest = join(parent, 'x'.repeat(87 - parent.length - 1));
    const directory = await open(longest);

    const server = await listening(directory.adminSocketPath(launchIdOf(9_999_999)));

    server.close();
  });
});

describe('the one owner', () => {
  test('a second agent is refused and told about the first, until that gives it up', async () => {
    const first = await open();

    expect(await refusalOf(folder)).toMatch(
      /it is in use by another agent \(pid \d+, since \d{4}-\d\d-\d\dT.+Z\)\.$/,
    );
    expect(JSON.parse(await readFile(join(folder, 'agent.lock'), 'utf8'))).toEqual({
      pid: process.pid,
      version: '1.2.3',
    });

    await first.release();
    await open();
  });

  test('a second agent is refused by another name of the same directory', async () => {
    await open();
    await symlink('.', join(parent, 'same'));

    expect(await refusalOf(join(parent, 'same', 'run'))).toContain('in use by another agent');
  });

  test('an agent of another network namespace is found by its control socket', async () => {
    const first = await open();
    const control = await listening(first.controlSocketPath);

    expect(await refusalOf(folder, locksNextDoor)).toContain('in use by another agent');
    expect(await readdir(folder)).toContain('control.sock');
    control.close();
  });

  test.each([
    ['is garbage', '\u0000{'],
    ['is no object', '[null]'],
    ['is far too long', `{"pid": 1, "x": "${'x'.repeat(100_000)}"}`],
    ['names no process', '{"pid": "1; rm -rf"}'],
  ])('the refusal makes do without the pid when the lock file %s', async (_, text) => {
    await open();
    await writeFile(join(folder, 'agent.lock'), text);

    expect(await refusalOf(folder)).toMatch(/in use by another agent \(since [^,]+\)\.$/);
  });
});

describe('left-overs', () => {
  test('what a killed run left is removed, what lasts is kept', async () => {
    await mkdir(join(folder, 'certs', 'abc'), { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    await mkdir(join(folder, 'admin-folder.sock'));
    const leftOvers = [
      'envoy-rev0.json',
      'envoy-rev12.json',
      'envoy-candidate-1.json',
      'state.json.0123456789ab.tmp',
      '.pipe-1.out',
    ];
    await mkdir(join(folder, '.query-abc123'));
    await writeFile(join(folder, '.query-abc123', 'answer'), 'x');
    execFileSync('mkfifo', [join(folder, '.pipe-12.err')]);
    const lasting = ['state.json', 'envoy-last-good.json', "a-user's-file"];
    for (const name of [...leftOvers, ...lasting]) await writeFile(join(folder, name), '{}');
    await leaveDeadSocket(join(folder, 'admin-L1.sock'));
    await leaveDeadSocket(join(folder, 'control.sock'));

    await open();

    const kept = ['agent.lock', 'admin-folder.sock', 'certs', ...lasting];
    expect((await readdir(folder)).sort()).toEqual(kept.sort());
  });

  test('a link in place of a left-over is removed and its target kept', async () => {
    await mkdir(folder);
    await writeFile(join(parent, 'precious'), 'x');
    await symlink(join(parent, 'precious'), join(folder, 'envoy-rev0.json'));

    await open();

    expect(await readFile(join(parent, 'precious'), 'utf8')).toBe('x');
    expect(await readdir(folder)).toEqual(['agent.lock']);
  });
});

/** With the words of an Envoy that was started with this file; it obeys SIGTERM. */
function startEnvoyOn(path: string): Promise<ChildProcess> {
  return startOn(path, process.execPath, ['-e', `${READY} ${STAYS}`]);
}

const READY = "process.stdout.write('ready');";
const STAYS = 'setInterval(() => {}, 1_000_000);';
const IGNORES = "process.on('SIGTERM', () => {});";

/** A program whose main thread ends at SIGTERM while another one goes on. */
const HALF_DEAD = `
import ctypes, signal, threading
threading.Thread(target=threading.Event().wait).start()
signal.signal(signal.SIGTERM, lambda *_: ctypes.CDLL(None).pthread_exit(None))
print('ready', flush=True)
while True: signal.pause()
`;

async function startOn(
  path: string,
  program: string,
  args: readonly string[],
): Promise<ChildProcess> {
  const words = ['--config-path', path, '--restart-epoch', '0'];
  const child = spawn(program, [...args, '--', ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

describe('an Envoy without an agent', () => {
  test('is ended before what a killed run left is taken away', async () => {
    await mkdir(folder);
    const bootstrap = join(folder, 'envoy-rev0.json');
    await writeFile(bootstrap, '{}');
    const envoy = await startEnvoyOn(bootstrap);

    const { orphans } = await open();

    expect(orphans).toEqual({ found: [envoy.pid], killed: [], left: [] });
    expect(await readdir(folder)).toEqual(['agent.lock']);
  });

  test('is looked for when the last run has left no more than its lock', async () => {
    await mkdir(folder);
    await writeFile(join(folder, 'agent.lock'), '');
    const envoy = await startEnvoyOn(join(folder, 'envoy-rev0.json'));

    expect((await open()).orphans.found).toEqual([envoy.pid]);
  });

  test('is not looked for, which takes time, when the last run ended well', async () => {
    await (await open()).release();
    const envoy = await startEnvoyOn(join(folder, 'envoy-rev0.json'));

    expect((await open()).orphans.found).toEqual([]);
    expect(envoy).toMatchObject({ exitCode: null, signalCode: null });
  });
});

describe('the end', () => {
  const isCandidate = (name: string) => /^envoy-candidate-[^.]+\.json$/.test(name);

  test('leaves no Envoy, no key and nothing half-done', async () => {
    const directory = await open();
    const bootstrap = await directory.writeBootstrap(epochOf(0), '{}');
    await directory.keepLastGood('{}');
    await mkdir(join(directory.certificatesPath, 'abc'), { recursive: true });
    await writeFile(join(directory.certificatesPath, 'abc', 'tls.key'), 'a key');
    const envoy = await startEnvoyOn(bootstrap);
    const ended = once(envoy, 'exit');

    await directory.release();

    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(await readdir(folder)).toEqual(['envoy-last-good.json']);
  });

  test('takes the lock file last, so that one cut short leaves the trace of its Envoys', async () => {
    const directory = await open();
    await mkdir(directory.certificatesPath);
    const bootstrap = await directory.writeBootstrap(epochOf(0), '{}');
    const envoy = await startOn(bootstrap, process.execPath, [
      ...['-e', `${IGNORES} ${READY} ${STAYS}`],
    ]);

    const released = directory.release();
    await vi.waitUntil(async () => !(await readdir(folder)).includes('certs'), PATIENCE);
    expect(envoy).toMatchObject({ exitCode: null, signalCode: null });
    expect(await readdir(folder)).toContain('agent.lock');

    await released;
    expect(await readdir(folder)).toEqual([]);
  });

  test('leaves the lock file where an Envoy is left, for the next run to look for it', async () => {
    const path = join(folder, 'envoy-rev0.json');
    let nowMs = 0;
    let isStuck = () => false;
    const clockUntilStuck = {
      ...clock,
      moment: () => {
        if (isStuck()) nowMs += 10_000;
        return { atMs: nowMs, chance: 0 };
      },
    };
    const directory = await open(folder, locks, clockUntilStuck);
    const envoy = await startOn(path, 'python3', ['-c', HALF_DEAD]);
    isStuck = () => readFileSync(`/proc/${envoy.pid}/cmdline`, 'utf8') === '';

    await directory.release();

    expect(envoy).toMatchObject({ exitCode: null, signalCode: null });
    expect(await readdir(folder)).toEqual(['agent.lock']);
  });

  test('waits a moment for who still uses a candidate', async () => {
    const directory = await open();
    const done: string[] = [];
    let use: (() => void) | undefined;
    const used = directory.withCandidate('{}', async () => {
      await new Promise<void>((resolve) => {
        use = resolve;
      });
      done.push('used');
    });
    const inUse = await vi.waitUntil(() => use, PATIENCE);

    const released = directory.release().then(() => done.push('released'));
    inUse();
    await Promise.all([used, released]);

    expect(done).toEqual(['used', 'released']);
  });

  test('does not wait for longer than that', async () => {
    const directory = await open();
    const forever = new Promise<never>(() => {});
    void directory.withCandidate('{}', () => forever);
    await vi.waitUntil(async () => (await readdir(folder)).some(isCandidate), PATIENCE);

    await directory.release();

    expect(await readdir(folder)).toEqual([]);
  });

  test('is the end of bootstraps as well', async () => {
    const directory = await open();
    await directory.release();

    const refusal = `Cannot use ${folder} as BATON_RUN_DIR: it is given up.`;
    await expect(directory.writeBootstrap(epochOf(0), '{}')).rejects.toThrow(refusal);
    await expect(directory.withCandidate('{}', async () => {})).rejects.toThrow(refusal);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('files', () => {
  test('a bootstrap per epoch is written, replaced and removed', async () => {
    const directory = await open();

    const path = await directory.writeBootstrap(epochOf(3), '{"a":1}');
    expect(path).toBe(join(folder, 'envoy-rev3.json'));
    await directory.writeBootstrap(epochOf(3), '{"a":2}');
    expect(await readFile(path, 'utf8')).toBe('{"a":2}');

    await directory.removeBootstrap(epochOf(3));
    await directory.removeBootstrap(epochOf(3));
    expect(await readdir(folder)).toEqual(['agent.lock']);
  });

  test('a candidate is there while it is used and gone after, also when that fails', async () => {
    const directory = await open();
    const paths: string[] = [];
    const use = async (path: string) => {
      paths.push(path);
      return readFile(path, 'utf8');
    };

    expect(await directory.withCandidate('{"a":1}', use)).toBe('{"a":1}');
    await expect(
      directory.withCandidate('{}', async (path) => {
        await use(path);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');

    expect(new Set(paths).size).toBe(2);
    expect(paths.every((path) => path.endsWith('.json'))).toBe(true);
    expect(await readdir(folder)).toEqual(['agent.lock']);
  });

  test('the last good bootstrap and the state outlive the run', async () => {
    const first = await open();
    expect(await first.recall()).toEqual({ baseIds: [] });
    await first.keepLastGood('{"good":true}');
    await first.remember({ baseIds: [4711, 12] });
    await first.release();

    const second = await open();

    expect(await second.recall()).toEqual({ baseIds: [4711, 12] });
    expect(await readFile(join(folder, 'envoy-last-good.json'), 'utf8')).toBe('{"good":true}');
  });

  test.each<[string, readonly number[]]>([
    ['', []],
    ['{', []],
    ['null', []],
    ['[]', []],
    ['{"baseIds":7}', []],
    ['{"baseIds":["7",null,1.5,1e999,3]}', [3]],
    [`{"baseIds":[${'1,'.repeat(1_000)}1]}`, Array.from({ length: 8 }, () => 1)],
  ])('a state file with %j recalls no more than makes sense', async (text, baseIds) => {
    const directory = await open();
    await writeFile(join(folder, 'state.json'), text);

    expect(await directory.recall()).toEqual({ baseIds });
  });

  test('an admin socket left behind is removed', async () => {
    const directory = await open();
    await leaveDeadSocket(directory.adminSocketPath(launchIdOf(1)));

    await directory.removeAdminSocket(launchIdOf(1));

    expect(await readdir(folder)).toEqual(['agent.lock']);
  });

  test('a write that fails is an error that names the setting', async () => {
    const directory = await open();
    await rm(folder, { recursive: true });

    const write = directory.writeBootstrap(epochOf(0), '{}');

    await expect(write).rejects.toBeInstanceOf(AgentError);
    await expect(write).rejects.toThrow(`Cannot use ${folder} as BATON_RUN_DIR: ENOENT`);
    await mkdir(folder);
  });

  test('a file stays as it was and no other is left when its successor cannot be put there', async () => {
    await mkdir(join(parent, 'taken', 'by-a-folder'), { recursive: true });

    await expect(writeAtomically(join(parent, 'taken'), 'new')).rejects.toThrow();

    expect(await readdir(parent)).toEqual(['taken']);
  });
});

describe('chooseRunDirectory', () => {
  const choose = (...usable: string[]) =>
    chooseRunDirectory({
      uid: 1337,
      temporaryFolder: '/scratch',
      isUsable: (path) => usable.includes(path),
    });

  test.each([
    ['the system folder', '/var/run/baton', ['/var/run/baton', '/var/run/baton/agent']],
    ["a folder in someone else's volume", '/var/run/baton/agent', ['/var/run/baton/agent']],
    ['a private folder under the temp folder', '/scratch/baton-1337', []],
  ])('takes %s', (_, expected, usable) => {
    expect(choose(...usable)).toBe(expected);
  });

  test('finds a place that can be opened on this machine', () => {
    expect(chooseRunDirectory()).toMatch(/^\/.*baton/);
  });
});

describe('a folder that others use too', () => {
  test('is refused and left as it is', async () => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'of-someone-else'), '');
    await chmod(folder, 0o1777);
    const refused = await openRunDirectory(folder, { version: '1', locks, clock });
    expect(refused).toMatchObject({ ok: false });
    expect(JSON.stringify(refused)).toContain('of-someone-else');
    expect((await lstat(folder)).mode & 0o7777).toBe(0o1777);
  });

  test('is taken when nothing but an agent has been in it', async () => {
    await mkdir(join(folder, 'certs'), { recursive: true });
    await chmod(folder, 0o777);
    const taken = await openRunDirectory(folder, { version: '1', locks, clock });
    if (!taken.ok) throw new Error(JSON.stringify(taken.problems));
    opened.push(taken.value);
    expect((await lstat(folder)).mode & 0o777).toBe(0o700);
  });
});

describe('findRunDirectory', () => {
  test('finds the agent that is there, whoever could make the folder', async () => {
    const elsewhere = join(folder, 'elsewhere');
    const inUse = join(folder, 'in-use');
    await mkdir(inUse, { recursive: true });
    await writeFile(join(inUse, 'control.sock'), '');
    expect(findRunDirectory([elsewhere, inUse])).toBe(inUse);
    expect(findRunDirectory([elsewhere])).toBe(chooseRunDirectory());
  });
});

/** A socket whose owner was killed: the file stays. */
async function leaveDeadSocket(path: string): Promise<void> {
  const owner = spawn(process.execPath, [
    '-e',
    `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`,
    path,
  ]);
  await new Promise((resolve) => owner.once('exit', resolve));
}
