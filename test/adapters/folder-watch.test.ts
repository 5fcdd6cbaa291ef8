import { createHook } from 'node:async_hooks';
import { execFile } from 'node:child_process';
import { constants, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import {
  appendFile,
  link,
  mkdir,
  mkdtemp,
  open,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { watchFolders } from '../../src/adapters/folder-watch.ts';
import { createKubernetesVolume } from '../support/kubernetes-volume.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'folder-watch-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A watch with its hints counted; `untilQuiet` waits out what earlier steps set off. */
function startWatch(...paths: string[]) {
  const troubles: string[] = [];
  let hintCount = 0;
  const watch = watchFolders(paths, {
    onHint: () => {
      hintCount += 1;
    },
    onTrouble: (message) => troubles.push(message),
  });
  onTestFinished(() => watch.close());
  const untilQuiet = async () => {
    let last = -1;
    await vi.waitUntil(
      () => {
        const isQuiet = hintCount > 0 && last === hintCount;
        last = hintCount;
        return isQuiet;
      },
      { timeout: 20_000, interval: 60 },
    );
  };
  const hintAfter = async (change: () => Promise<unknown>) => {
    await untilQuiet();
    const before = hintCount;
    await change();
    await vi.waitUntil(() => hintCount > before, { timeout: 10_000, interval: 5 });
  };
  return { ...watch, troubles, untilQuiet, hintAfter, hintCount: () => hintCount };
}

/** Acts when so many calls to the file system have been answered, before anyone hears of the last. */
function afterCall(count: number, act: () => void) {
  const calls = new Set<number>();
  let leftCount = count;
  const hook = createHook({
    init: (id, type) => {
      if (type.startsWith('FSREQ')) calls.add(id);
    },
    before: (id) => {
      if (!calls.delete(id)) return;
      leftCount -= 1;
      if (leftCount === 0) act();
    },
  }).enable();
  return { isOver: () => leftCount <= 0, forget: () => void hook.disable() };
}

function replace(folder: string, put: (path: string) => void): void {
  rmSync(folder, { recursive: true });
  put(folder);
}

describe('watchFolders', () => {
  it('hints when a file is created, written in place, touched, truncated and removed', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'tls.crt');
    const watch = startWatch(folder);
    await watch.hintAfter(() => writeFile(file, 'one'));
    await watch.hintAfter(() => appendFile(file, 'two'));
    await watch.hintAfter(() => utimes(file, 1, 1));
    await watch.hintAfter(async () =>
      (await open(file, constants.O_TRUNC | constants.O_RDWR)).close(),
    );
    await watch.hintAfter(() => rm(file));
    await watch.hintAfter(() => writeFile(file, 'three'));
  });

  it('hints when a file is replaced by rename while a hard link keeps the old one', async () => {
    const folder = await temporaryFolder();
    const elsewhere = await temporaryFolder();
    const file = join(folder, 'tls.crt');
    await writeFile(file, 'old');
    await link(file, join(elsewhere, 'kept'));
    await writeFile(join(elsewhere, 'new'), 'new');
    const watch = startWatch(folder);
    await watch.hintAfter(() => rename(join(elsewhere, 'new'), file));
    await watch.hintAfter(() => appendFile(file, 'more'));
  });

  it('hints when a file is moved out and a new one takes its name', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'tls.crt');
    await writeFile(file, 'old');
    const watch = startWatch(folder);
    await watch.hintAfter(() => rename(file, join(folder, 'tls.crt.1')));
    await watch.hintAfter(() => writeFile(file, 'new'));
  });

  it('hints at the first and at each of fifty swaps of a Kubernetes volume', async () => {
    const folder = join(await temporaryFolder(), 'certs');
    const volume = await createKubernetesVolume(folder, { 'tls.crt': '0' });
    const watch = startWatch(folder);
    await watch.untilQuiet();
    for (let count = 1; count <= 50; count += 1) {
      const before = watch.hintCount();
      await volume.swap({ 'tls.crt': String(count) });
      await vi.waitUntil(() => watch.hintCount() > before, { timeout: 10_000, interval: 1 });
    }
    await watch.hintAfter(() => volume.swap({ 'tls.crt': 'after a rest' }));
    expect(watch.troubles).toEqual([]);
  });

  it('hints at every later change when the folder is removed and made again', async () => {
    const folder = join(await temporaryFolder(), 'certs');
    await mkdir(folder);
    const watch = startWatch(folder);
    for (let count = 0; count < 2; count += 1) {
      await watch.hintAfter(() => rm(folder, { recursive: true }));
      await watch.hintAfter(() => mkdir(folder));
      await watch.hintAfter(() => writeFile(join(folder, 'tls.crt'), 'one'));
    }
  });

  it('hints at every later change when the folder is removed and made again at once', async () => {
    const folder = join(await temporaryFolder(), 'certs');
    await mkdir(folder);
    const watch = startWatch(folder);
    for (let count = 0; count < 4; count += 1) {
      await watch.hintAfter(async () => {
        await rm(folder, { recursive: true });
        await mkdir(folder);
      });
      await watch.hintAfter(() => writeFile(join(folder, 'tls.crt'), String(count)));
    }
  });

  it('hints when another folder is moved in place of the watched one', async () => {
    const parent = await temporaryFolder();
    const folder = join(parent, 'certs');
    await mkdir(folder);
    await mkdir(join(parent, 'next'));
    const watch = startWatch(folder);
    await watch.hintAfter(async () => {
      await rename(folder, join(parent, 'old'));
      await rename(join(parent, 'next'), folder);
    });
    await watch.hintAfter(() => writeFile(join(folder, 'tls.crt'), 'one'));
  });

  it('hints when a folder is made that was not there, nor its parents', async () => {
    const root = await temporaryFolder();
    const folder = join(root, 'a', 'b', 'certs');
    const watch = startWatch(folder);
    await watch.hintAfter(() => mkdir(join(root, 'a')));
    await watch.hintAfter(() => mkdir(folder, { recursive: true }));
    await watch.hintAfter(() => writeFile(join(folder, 'tls.crt'), 'one'));
  });

  it('hints when a link on the way to the folder is turned to another one', async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, 'v1', 'certs'), { recursive: true });
    await mkdir(join(root, 'v2', 'certs'), { recursive: true });
    await symlink('v1', join(root, 'current'));
    const watch = startWatch(join(root, 'current', 'certs'));
    await watch.hintAfter(async () => {
      await symlink('v2', join(root, 'next'));
      await rename(join(root, 'next'), join(root, 'current'));
    });
    await watch.hintAfter(() => writeFile(join(root, 'v2', 'certs', 'tls.crt'), 'one'));
  });

  it('hints when the file behind a chain of links in the folder changes', async () => {
    const folder = await temporaryFolder();
    const elsewhere = await temporaryFolder();
    await writeFile(join(elsewhere, 'real.crt'), 'one');
    await symlink('real.crt', join(elsewhere, 'latest.crt'));
    await symlink(join(elsewhere, 'latest.crt'), join(folder, 'tls.crt'));
    const watch = startWatch(folder);
    await watch.hintAfter(() => writeFile(join(elsewhere, 'real.crt'), 'two'));
    await watch.hintAfter(async () => {
      await rm(join(elsewhere, 'latest.crt'));
      await symlink('real.crt', join(elsewhere, 'latest.crt'));
    });
  });

  it('hints at a watched file and not at its neighbours', async () => {
    const folder = await temporaryFolder();
    const watch = startWatch(join(folder, 'bootstrap.yaml'));
    await watch.hintAfter(() => writeFile(join(folder, 'bootstrap.yaml'), 'one'));
    await watch.untilQuiet();
    const before = watch.hintCount();
    for (let count = 0; count < 200; count += 1) await writeFile(join(folder, `n${count}`), 'one');
    await watch.hintAfter(() => writeFile(join(folder, 'bootstrap.yaml'), 'two'));
    expect(watch.hintCount() - before).toBeLessThan(100);
  });

  it.each<[string, (folder: string) => void]>([
    ['is gone', (folder) => rmSync(folder, { recursive: true })],
    ['is a circle of links', (folder) => replace(folder, () => symlinkSync(folder, folder))],
    ['is a file', (folder) => replace(folder, () => writeFileSync(folder, ''))],
    ['lies behind a file', (folder) => replace(dirname(folder), (path) => writeFileSync(path, ''))],
  ])('hints when a folder is made again that %s at any moment of a round', async (_, spoil) => {
    for (let moment = 1, isReached = true; isReached; moment += 1) {
      const folder = join(await temporaryFolder(), 'parent', 'certs');
      await mkdir(folder, { recursive: true });
      const call = afterCall(moment, () => spoil(folder));
      const watch = startWatch(folder);
      await watch.untilQuiet();
      isReached = call.isOver();
      call.forget();
      await watch.hintAfter(async () => {
        await rm(dirname(folder), { recursive: true });
        await mkdir(folder, { recursive: true });
      });
      expect(watch.troubles).toEqual([]);
    }
  });

  it('comes to rest when links go round in a circle', async () => {
    const folder = await temporaryFolder();
    await symlink('tls.crt', join(folder, 'tls.key'));
    await symlink('tls.key', join(folder, 'tls.crt'));
    await symlink(folder, join(folder, 'self'));
    const watch = startWatch(folder, join(folder, 'tls.crt', 'certs'));
    await watch.untilQuiet();
    await watch.hintAfter(() => writeFile(join(folder, 'ca.crt'), 'one'));
  });

  it('does nothing when there is nothing to watch', () => {
    const watch = startWatch();
    watch.rearm();
    expect(watch.hintCount()).toBe(0);
  });

  it('calls nothing any more when it is closed', async () => {
    const folder = await temporaryFolder();
    const watch = startWatch(folder);
    const witness = startWatch(folder);
    await watch.untilQuiet();
    watch.close();
    watch.close();
    const before = watch.hintCount();
    await witness.hintAfter(() => writeFile(join(folder, 'tls.crt'), 'one'));
    expect(watch.hintCount()).toBe(before);
  });

  it('is not brought down and stays small when a file is touched 100,000 times', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'tls.crt');
    await writeFile(file, 'one');
    const watch = startWatch(folder);
    await watch.untilQuiet();
    const handle = await open(file, 'r+');
    const before = process.memoryUsage().heapUsed;
    for (let count = 0; count < 100; count += 1) {
      await Promise.all(Array.from({ length: 1_000 }, () => handle.write('x', 0)));
    }
    await handle.close();
    await watch.hintAfter(() => writeFile(file, 'two'));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50_000_000);
  });

  it.each([
    ['watches', 'ENOSPC'],
    ['instances', 'EMFILE'],
  ])(
    'tells trouble once and is mended by rearm when inotify has no %s left',
    async (what, code) => {
      const output = await runInOwnLimits(
        `echo 0 > /proc/sys/user/max_inotify_${what}`,
        `
      let isMended = false;
      const watch = watchFolders([process.cwd()], {
        onHint: () => { if (isMended) process.exit(0); },
        onTrouble: (message) => { console.log(message); setImmediate(mend); },
      });
      const mend = async () => {
        watch.rearm();
        await writeFile('/proc/sys/user/max_inotify_${what}', '100');
        watch.rearm();
        isMended = true;
        let count = 0;
        setInterval(() => void writeFile('tls.crt', String(count++)), 20);
      };`,
      );
      expect(output).toMatch(new RegExp(`^Cannot watch .*${code}\\)\\.\n$`));
    },
  );
});

/** Runs the script in a user namespace whose inotify limits are its own. */
async function runInOwnLimits(prepare: string, script: string): Promise<string> {
  const folder = await temporaryFolder();
  const outfile = join(await temporaryFolder(), 'script.mjs');
  const imports = `
    import { writeFile } from 'node:fs/promises';
    import { watchFolders } from './src/adapters/folder-watch.ts';`;
  await build({
    stdin: { contents: imports + script, resolveDir: process.cwd() },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
  });
  const command = `${prepare} && exec "$0" "$1"`;
  const args = ['--user', '--map-root-user', 'sh', '-c', command, process.execPath, outfile];
  const { stdout } = await execFilePromise('unshare', args, { cwd: folder, timeout: 30_000 });
  return stdout;
}

const execFilePromise = promisify(execFile);
