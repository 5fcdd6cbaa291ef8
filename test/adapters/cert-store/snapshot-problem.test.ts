import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { snapshotProblem } from '../../../src/adapters/cert-store/snapshot-problem.ts';
import { createCertificateStore } from '../../../src/adapters/cert-store.ts';
import type { Result } from '../../../src/ports.ts';
import { issueAuthority } from '../../support/certificates.ts';

const NOBODY = 65_534;

let parent: string;
/** On a file system of its own. */
let runDirectory: string;

const inTime = { timeout: 10_000 };
const mount = (...words: readonly string[]) => promisify(execFile)('mount', words, inTime);
const remount = (options: string) => mount('-o', `remount,${options}`, runDirectory);

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'snapshot-problem-'));
  runDirectory = join(parent, 'run');
  await mkdir(runDirectory);
  await mount('-t', 'tmpfs', '-o', 'size=64k,mode=0700', 'tmpfs', runDirectory);
  onTestFinished(async () => {
    await promisify(execFile)('umount', ['--lazy', runDirectory], inTime);
    await rm(parent, { recursive: true, force: true });
  });
});

/** A store whose folder has something new in it, and what was seen of it. */
async function storeWithNews() {
  const folder = join(parent, 'certs');
  const snapshotRoot = join(runDirectory, 'certs');
  await mkdir(folder);
  await writeFile(join(folder, 'ca.crt'), (await issueAuthority()).certificatePem);
  const store = createCertificateStore({ folders: [folder], snapshotRoot });
  const look = await store.look();
  const path = join(snapshotRoot, look.digest);
  return { path, snapshot: () => store.snapshot(look), prune: () => store.prune(new Set()) };
}

async function fill(): Promise<() => Promise<void>> {
  const filler = join(runDirectory, 'filler');
  await expect(writeFile(filler, Buffer.alloc(1_048_576))).rejects.toThrow('ENOSPC');
  return () => rm(filler);
}

const problemsOf = (result: Result<unknown>) => (result.ok ? [] : result.problems);

describe('a snapshot that can not be written', () => {
  test('for want of room says so, in the same words at each try, until there is some', async () => {
    const { path, snapshot } = await storeWithNews();
    const makeRoom = await fill();

    const tries = [await snapshot(), await snapshot()];
    const left = await readdir(join(runDirectory, 'certs'));
    await makeRoom();

    const problem = {
      about: path,
      message: `Cannot write certificate snapshot ${path}: its file system is full (ENOSPC). Make room in the run directory or give it more (an emptyDir: its sizeLimit).`,
      isTransient: true,
    };
    expect(tries.map(problemsOf)).toEqual([[problem], [problem]]);
    expect(left).toEqual([]);
    expect(await snapshot()).toMatchObject({ ok: true });
  });

  test('for want of an inode is the same as for want of room', async () => {
    const { snapshot } = await storeWithNews();
    await remount('nr_inodes=2');

    const [problem] = problemsOf(await snapshot());
    await remount('nr_inodes=100');

    expect(problem).toMatchObject({ isTransient: true });
    expect(problem?.message).toContain('is full (ENOSPC)');
    expect(await snapshot()).toMatchObject({ ok: true });
  });

  test('on a read-only file system says so until it can be written again', async () => {
    const { snapshot } = await storeWithNews();
    await remount('ro');

    const [problem] = problemsOf(await snapshot());
    await remount('rw');

    expect(problem).toMatchObject({ isTransient: true });
    expect(problem?.message).toMatch(/: its file system is read-only \(EROFS\)\. .*BATON_RUN_DIR/);
    expect(await snapshot()).toMatchObject({ ok: true });
  });

  test("in another user's run directory says who should own it", async () => {
    const { snapshot } = await storeWithNews();

    const [problem] = problemsOf(await asNobody(snapshot));

    expect(problem).toMatchObject({ isTransient: true });
    expect(problem?.message).toMatch(
      /: permission denied \(EACCES\)\. .* owner of the run directory/,
    );
    expect(await snapshot()).toMatchObject({ ok: true });
  });

  test('where a file is in the way says so, and does not hope for better times', async () => {
    const { path, snapshot } = await storeWithNews();
    await writeFile(join(runDirectory, 'certs'), '');

    expect(problemsOf(await snapshot())).toEqual([
      {
        about: path,
        message: `Cannot write certificate snapshot ${path}: something that is no folder is in its way (EEXIST). Remove it; the folder is made anew.`,
      },
    ]);
  });
});

test('snapshots that can not be removed are told of in the same way', async () => {
  const { snapshot, prune } = await storeWithNews();
  await snapshot();
  await remount('ro');

  const about = join(runDirectory, 'certs');
  const message = `Cannot remove unused certificate snapshots in ${about}: its file system is read-only (EROFS).`;
  expect(problemsOf(await prune())).toEqual([
    { about, message: expect.stringContaining(message), isTransient: true },
  ]);
});

test.each(['EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM', 'EPERM'])(
  '%s is in words, transient, and comes with advice',
  (code) => {
    const { message, isTransient } = problemOf({ code, errno: -1 });
    expect(message).toMatch(
      new RegExp(`^Cannot write certificate snapshot /s: .+ \\(${code}\\)\\. .+\\.$`),
    );
    expect(isTransient).toBe(true);
  },
);

test('a reason that nothing is known about is given in words without a path', () => {
  expect(problemOf({ code: 'EIO', errno: -5 })).toEqual({
    about: '/s',
    message: 'Cannot write certificate snapshot /s: i/o error (EIO).',
  });
  expect(problemOf({}).message).toBe('Cannot write certificate snapshot /s: at /s/.new-1.');
});

function problemOf(members: Pick<NodeJS.ErrnoException, 'code' | 'errno'>) {
  const error = Object.assign(new Error('at /s/.new-1'), members);
  return snapshotProblem({ verb: 'write', about: '/s' }, error);
}

/** Root may write everywhere. */
async function asNobody<Value>(work: () => Promise<Value>): Promise<Value> {
  process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}
