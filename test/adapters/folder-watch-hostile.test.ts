/** A writer who means harm, or knows no better: floods, lost events, and what is no file at all. */
import { execFile, execFileSync } from 'node:child_process';
import { renameSync, rmSync, watch as watchFolder, writeFileSync } from 'node:fs';
import {
  appendFile,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { issueSetOf, writeInto } from '../support/certificate-sets.ts';
import { type Authority, issueAuthority } from '../support/certificates.ts';
import { type Files, QUIET_MS, watchCertificates } from '../support/watched-certificates.ts';

const PATIENCE = { timeout: 20_000 };

const run = promisify(execFile);

let authority: Authority;
let first: Files;
let second: Files;
let root: string;

beforeAll(async () => {
  authority = await issueAuthority();
  [first, second] = await Promise.all([issueSetOf(authority, 'one'), issueSetOf(authority, 'two')]);
});

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hostile-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
});

const at = (...names: readonly string[]) => join(root, ...names);

describe('a flood', () => {
  /** By a process of its own, so that this one's event loop is free; the kernel merges no two. */
  const touch = (folder: string, count: number) =>
    run(process.execPath, [
      '--eval',
      `const fs = require('node:fs');
       const open = (name) => fs.openSync(${JSON.stringify(folder)} + name, 'r+');
       const files = [open('/tls.crt'), open('/tls.key')];
       for (let n = 0; n < ${count}; n += 1) fs.futimesSync(files[n % 2], n, n);`,
    ]);

  /** The longest time that the event loop was held up, as a share of what the work took. */
  async function worstDelayDuring(work: () => Promise<unknown>): Promise<number> {
    const delays = monitorEventLoopDelay({ resolution: 5 });
    const startedAtMs = performance.now();
    delays.enable();
    await work();
    delays.disable();
    return delays.max / 1e6 / (performance.now() - startedAtMs);
  }

  test('of 100,000 touches is one look, and holds up nobody', async () => {
    await writeInto(at('certs'), first);
    await writeInto(at('elsewhere'), first);
    const certificates = await watchCertificates(at('certs'));
    const looksBefore = certificates.lookCount();

    const undisturbed = await worstDelayDuring(() => touch(at('elsewhere'), 100_000));
    const quietHints = certificates.hintCount();
    const disturbed = await worstDelayDuring(() => touch(at('certs'), 100_000));
    await certificates.untilQuiet();
    const looksMeanwhile = certificates.lookCount() - looksBefore;
    await certificates.pass(QUIET_MS);
    const looks = certificates.lookCount() - looksBefore;
    await certificates.lookAfter(() => writeInto(at('certs'), second));

    expect(certificates.hintCount() - quietHints).toBeGreaterThan(100);
    expect({ looksMeanwhile, looks }).toEqual({ looksMeanwhile: 0, looks: 1 });
    expect(disturbed - undisturbed).toBeLessThan(0.5);
    expect(certificates.served).toEqual([first, second]);
  });
});

describe('lost events', () => {
  /** In one go, so that nothing is taken out of the queue, which all watches of a process share. */
  async function overflowQueue(): Promise<void> {
    const limit = Number(await readFile('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
    const elsewhere = await mkdtemp(join(tmpdir(), 'elsewhere-'));
    const watch = watchFolder(elsewhere);
    onTestFinished(() => rm(elsewhere, { recursive: true, force: true }));
    onTestFinished(() => watch.close());
    for (let count = 0; count <= limit / 2; count += 1) {
      writeFileSync(join(elsewhere, 'file'), '');
      rmSync(join(elsewhere, 'file'));
    }
  }

  test('of a queue that overflowed are made up for by the poll, and later ones are seen', async () => {
    await writeInto(at('v1', 'certs'), first);
    await writeInto(at('v2', 'certs'), second);
    await symlink('v1', at('current'));
    await symlink('v2', at('next'));
    const certificates = await watchCertificates(at('current', 'certs'));
    await certificates.untilQuiet();
    const hintsBefore = certificates.hintCount();

    await overflowQueue();
    renameSync(at('next'), at('current'));
    await certificates.untilQuiet();
    await certificates.pass(QUIET_MS);
    const [hints, meanwhile] = [certificates.hintCount() - hintsBefore, [...certificates.served]];
    await certificates.poll();
    await certificates.untilQuiet();
    await certificates.lookAfter(() => writeInto(at('v2', 'certs'), first));

    expect({ hints, meanwhile }).toEqual({ hints: 0, meanwhile: [first] });
    expect(certificates.served).toEqual([first, second, first]);
  });
});

describe('what is no small file', () => {
  const hostile: Readonly<Record<string, readonly [(path: string) => unknown, RegExp]>> = {
    'a FIFO that nobody writes to': [(path) => execFileSync('mkfifo', [path]), /it is a FIFO/],
    'a device without an end': [(path) => symlink('/dev/zero', path), /it is a device/],
    'a terminal': [(path) => symlink('/dev/tty', path), /it is a device/],
    'a socket': [(path) => listen(path), /it is a socket/],
    'a folder': [(path) => mkdir(path), /it is a folder/],
    'a link to itself': [(path) => symlink(path, path), /go round in a circle/],
    'a sparse gigabyte': [(path) => makeSparse(path, 2 ** 30), /it is larger than 1 MiB/],
    'a sparse terabyte': [(path) => makeSparse(path, 2 ** 40), /it is larger than 1 MiB/],
    'a file of the kernel': [(path) => symlink('/proc/self/environ', path), /it changed while/],
  };

  async function makeSparse(path: string, size: number): Promise<void> {
    await writeFile(path, '');
    await truncate(path, size);
  }

  async function listen(path: string): Promise<void> {
    const server = createServer().listen(path);
    onTestFinished(() => void server.close());
    await vi.waitUntil(() => server.listening, PATIENCE);
  }

  test.each(Object.entries(hostile))(
    'such as %s in place of a key is held at once, costs no memory, and is mended',
    async (_, [make, says]) => {
      await writeInto(at('certs'), first);
      const certificates = await watchCertificates(at('certs'));
      const before = process.memoryUsage().rss;

      await certificates.lookAfter(async () => {
        await rm(at('certs', 'tls.key'));
        await make(at('certs', 'tls.key'));
      });
      for (let count = 0; count < 3; count += 1) await certificates.poll();
      const growth = process.memoryUsage().rss / before;
      await certificates.lookAfter(async () => {
        await rm(at('certs', 'tls.key'), { recursive: true });
        await writeInto(at('certs'), second);
      });

      expect(certificates.held).toEqual([expect.stringMatching(says), '']);
      expect(growth).toBeLessThan(1.5);
      expect(certificates.served).toEqual([first, second]);
    },
  );

  test('in place of the folder is held, and mended', async () => {
    const certificates = await watchCertificates(at('certs'));

    await certificates.lookAfter(async () => execFileSync('mkfifo', [at('certs')]));
    const told = certificates.missing.at(-1);
    await certificates.lookAfter(async () => {
      await rm(at('certs'));
      await writeInto(at('certs'), first);
    });

    expect(told).toContain('it is not a folder');
    expect(certificates.served).toEqual([first]);
  });

  test('but grows without rest neither hangs a look nor fills the memory', async () => {
    await writeInto(at('certs'), first);
    const certificates = await watchCertificates(at('certs'));
    const before = process.memoryUsage().rss;

    let isGrowing = true;
    const growing = (async () => {
      const chunk = `${'#'.repeat(1_023)}\n`;
      while (isGrowing) await appendFile(at('certs', 'ca.crt'), chunk);
    })();
    for (let count = 0; count < 20; count += 1) await certificates.poll();
    const growth = process.memoryUsage().rss / before;
    isGrowing = false;
    await growing;
    await certificates.lookAfter(() => writeInto(at('certs'), second));

    expect(growth).toBeLessThan(1.5);
    expect(certificates.served.at(-1)).toEqual(second);
  });
});

describe('links in a circle', () => {
  test('are looked at no more often than anything else, and cost no processor time', async () => {
    await mkdir(at('certs'));
    await symlink('tls.key', at('certs', 'tls.crt'));
    await symlink('tls.crt', at('certs', 'tls.key'));
    await symlink(at('certs'), at('certs', 'self'));
    const certificates = await watchCertificates(
      at('certs'),
      at('certs', 'self', 'self', 'tls.crt', 'x'),
    );
    const looksBefore = certificates.lookCount();

    await certificates.untilQuiet();
    const [from, fromMs] = [process.cpuUsage(), performance.now()];
    await certificates.untilQuiet();
    await certificates.untilQuiet();
    const { user, system } = process.cpuUsage(from);
    const share = (user + system) / 1_000 / (performance.now() - fromMs);
    for (let count = 0; count < 10; count += 1) await certificates.poll();

    expect(share).toBeLessThan(0.5);
    expect(certificates.lookCount() - looksBefore).toBe(10);
    expect(certificates.served).toEqual([]);
  });
});
