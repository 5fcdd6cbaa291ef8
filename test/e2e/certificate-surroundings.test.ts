import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openWorld, type World } from '../support/e2e-world.ts';
import { commandWithTmpfs } from '../support/mounts.ts';
import {
  createServiceCertificates,
  type ServiceCertificates,
  servedSerial,
} from '../support/service-certificates.ts';

const PROGRAM = new URL('../../dist/baton.mjs', import.meta.url).pathname;
const STOPPED = { code: 0, signal: null };
const ENDED = { msg: 'handover ended', result: 'committed' };
const NOTICE = { msg: 'notice about certificates' };
const NAMES = ['tls.crt', 'tls.key'];

let folder: string;
let certificates: ServiceCertificates;
let world: World;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-certificates-'));
  certificates = await createServiceCertificates(join(folder, 'volume'));
});

afterEach(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

async function openWorldWith(certificateFolder: string): Promise<void> {
  const settings = { BATON_CERT_DIRS: certificateFolder, BATON_CERT_POLL_INTERVAL: '1s' };
  world = await openWorld({ settings, bootstrap: { isTls: true } });
}

/** For an agent that sees each file of the volume mounted by itself in the folder, as by subPath. */
function commandWithSubPaths(volume: string, into: string): readonly [string, ...string[]] {
  const mounts = NAMES.map((name) => `mount --bind "$0/${name}" "$1/${name}"`).join(' && ');
  const script = `{ ${mounts}; } || { echo "${NO_RIGHT}" >&2; exit 99; }; shift; exec "$@"`;
  const program = [process.execPath, PROGRAM, 'run'];
  return ['unshare', '--mount', '/bin/sh', '-c', script, volume, into, ...program];
}

const NO_RIGHT = 'Cannot mount for this test: run it as root with CAP_SYS_ADMIN.';

async function expirySeconds(): Promise<number> {
  const { body } = await world.ask('/metrics', world.statusPort);
  const metric = /^baton_certificate_not_after_seconds\{.*tls\.crt".*\} (\S+)$/m;
  return Number(metric.exec(body)?.[1]);
}

test('files mounted by subPath are warned of once, and their end stays in sight', async () => {
  const mounted = join(folder, 'mounted');
  await mkdir(mounted);
  for (const name of NAMES) await writeFile(join(mounted, name), '');
  const first = new X509Certificate(await readFile(join(certificates.volume.folder, 'tls.crt')));
  await openWorldWith(mounted);
  const agent = world.startAgent({}, commandWithSubPaths(certificates.volume.folder, mounted));
  await agent.untilReady();
  const warned = await agent.untilRecord({ about: mounted, ...NOTICE });

  await certificates.rotate();
  await world.writeBootstrap({ servedBy: 'second' });
  const ended = await agent.untilRecord(ENDED, 2);

  expect(warned).toMatchObject({ level: 'warn', notice: expect.stringContaining('subPath') });
  expect(`${warned['notice']}`).toContain(NAMES.join(', '));
  expect(agent.records({ notice: warned['notice'], ...NOTICE })).toHaveLength(1);
  expect(ended['triggers']).toEqual(['bootstrap']);
  expect(await servedSerial(world.port)).toBe(certificates.firstSerial);
  expect(agent.records({ msg: 'held at its last good state' })).toEqual([]);
  expect(await expirySeconds()).toBe(Date.parse(first.validTo) / 1_000);
  agent.signal('SIGTERM');
  expect(await agent.ended).toEqual(STOPPED);
});

test('a volume mounted whole and a run directory in memory are nothing to warn of', async () => {
  await openWorldWith(certificates.volume.folder);
  const agent = world.startAgent({}, commandWithTmpfs(world.runDirectory, 'size=4m'));
  await agent.untilRecord(ENDED);

  await certificates.rotate();
  await agent.untilRecord(ENDED, 2);

  expect(agent.records(NOTICE)).toEqual([]);
  agent.signal('SIGTERM');
  expect(await agent.ended).toEqual(STOPPED);
});

test('keys that are copied to a disk are warned of by the run directory, once', async () => {
  await openWorldWith(certificates.volume.folder);
  const agent = world.startAgent({}, commandOnDisk(world.runDirectory));
  await agent.untilRecord(ENDED);

  await certificates.rotate();
  await agent.untilRecord(ENDED, 2);

  const notice = expect.stringContaining('emptyDir with medium: Memory');
  expect(agent.records(NOTICE)).toEqual([
    expect.objectContaining({ level: 'warn', about: world.runDirectory, notice }),
  ]);
  agent.signal('SIGTERM');
  expect(await agent.ended).toEqual(STOPPED);
});

/** For an agent whose run directory lies on a container's own files, wherever the temp folder is. */
function commandOnDisk(runDirectory: string): readonly [string, ...string[]] {
  const layers = ['lower', 'upper', 'work'].map((name) => `"$0.layers/${name}"`);
  const options = 'lowerdir=$0.layers/lower,upperdir=$0.layers/upper,workdir=$0.layers/work';
  const prepare = [
    'mkdir -m 700 -p "$0" "$0.layers"',
    'mount -t tmpfs tmpfs "$0.layers"',
    `mkdir -m 700 ${layers.join(' ')}`,
    `mount -t overlay -o "${options}" overlay "$0"`,
  ].join(' && ');
  const script = `{ ${prepare}; } || { echo "${NO_RIGHT}" >&2; exit 99; }; exec "$@"`;
  const program = [process.execPath, PROGRAM, 'run'];
  return ['unshare', '--mount', '/bin/sh', '-c', script, runDirectory, ...program];
}
