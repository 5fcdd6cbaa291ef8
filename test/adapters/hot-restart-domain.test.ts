import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  createHotRestartDomain,
  type HotRestartDomainOptions,
} from '../../src/adapters/hot-restart-domain.ts';
import { createNameLocks } from '../../src/adapters/name-locks.ts';
import {
  baseIdLockNameOf,
  MAX_BASE_ID,
  sharedMemoryNameOf,
} from '../../src/core/hot-restart-names.ts';
import { epochOf, type LineageId, lineageIdOf } from '../../src/core/model.ts';
import type { HotRestartDomain } from '../../src/ports.ts';
import { envoyBinary } from '../support/envoy-binary.ts';
import { sharedMemoryBytes } from '../support/shared-memory.ts';

const locks = createNameLocks();
const G1 = lineageIdOf(1);
const G2 = lineageIdOf(2);
const G3 = lineageIdOf(3);

let temporary: string;
let reserved: [HotRestartDomain, LineageId][];
let cleanUp: (() => unknown)[];

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'baton-'));
  reserved = [];
  cleanUp = [];
});

afterEach(async () => {
  for (const step of cleanUp.reverse()) await step();
  for (const [domain, lineage] of reserved) domain.release(lineage);
  await rm(temporary, { recursive: true });
});

/** With memory in a folder of the test's own unless told otherwise. */
function newDomain(options: Partial<HotRestartDomainOptions> = {}): HotRestartDomain {
  return createHotRestartDomain({
    identity: randomUUID(),
    locks,
    sharedMemoryFolder: temporary,
    ...options,
  });
}

async function reserve(domain: HotRestartDomain, lineage: LineageId): Promise<number> {
  const result = await domain.reserve(lineage);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join());
  reserved.push([domain, lineage]);
  return result.value;
}

async function problemOf(
  answer: Promise<Awaited<ReturnType<HotRestartDomain['repair' | 'reserve']>>>,
) {
  const result = await answer;
  return result.ok ? `${result.value}` : result.problems.map(({ message }) => message).join();
}

const memoryPath = (baseId: number, folder = temporary) => join(folder, sharedMemoryNameOf(baseId));

function flagsIn(path: string): bigint {
  const memory = readFileSync(path);
  return memory.readBigUInt64LE(memory.length - 8);
}

const newFixedId = () => randomInt(1_000_000, MAX_BASE_ID - 100);

describe('reserve', () => {
  test('gives a lineage the same base id until it is released', async () => {
    const domain = newDomain();

    const [first, again] = await Promise.all([reserve(domain, G1), reserve(domain, G1)]);

    expect(again).toBe(first);
    domain.release(G1);
    expect(await reserve(domain, G2)).toBe(first);
  });

  test('gives two lineages different base ids when asked at once', async () => {
    const domain = newDomain();

    const [first, second] = await Promise.all([reserve(domain, G1), reserve(domain, G2)]);

    expect(second).not.toBe(first);
  });

  test('derives the same base id from the same identity', async () => {
    const identity = randomUUID();
    const first = newDomain({ identity });
    const baseId = await reserve(first, G1);
    first.release(G1);

    expect(await reserve(newDomain({ identity }), G1)).toBe(baseId);
    expect(await reserve(newDomain(), G1)).not.toBe(baseId);
  });

  test('passes over a base id that another agent holds', async () => {
    const identity = randomUUID();
    const taken = await reserve(newDomain({ identity }), G1);

    expect(await reserve(newDomain({ identity }), G1)).toBe(taken + 1);
  });

  test('passes over memory that was left behind unless it is remembered as ours', async () => {
    const identity = randomUUID();
    const domain = newDomain({ identity });
    const baseId = await reserve(domain, G1);
    domain.release(G1);
    await writeFile(memoryPath(baseId), sharedMemoryBytes());

    const forgetful = newDomain({ identity });
    expect(await reserve(forgetful, G1)).toBe(baseId + 1);
    forgetful.release(G1);

    expect(await reserve(newDomain({ identity, remembered: [baseId] }), G1)).toBe(baseId);
  });

  test('clears away what the last run has left of further lineages, but nothing in use', async () => {
    const [first, unused, ofAnother] = [newFixedId(), newFixedId(), newFixedId()];
    for (const baseId of [first, unused, ofAnother])
      await writeFile(memoryPath(baseId), sharedMemoryBytes());
    await reserve(newDomain({ fixedBaseId: ofAnother }), G1);

    const domain = newDomain({ remembered: [first, unused, ofAnother] });

    expect(await reserve(domain, G1)).toBe(first);
    const exists = [first, unused, ofAnother].map((baseId) => existsSync(memoryPath(baseId)));
    expect(exists).toEqual([true, false, true]);
    expect(await reserve(domain, G2)).toBe(unused);
  });

  test('leaves memory of another user alone even when it is remembered', async () => {
    const baseId = newFixedId();
    await writeFile(memoryPath(baseId), sharedMemoryBytes());

    const domain = newDomain({ remembered: [baseId], uid: foreignUid() });

    expect(await reserve(domain, G1)).not.toBe(baseId);
  });

  test('takes the fixed base id and those after it for further lineages', async () => {
    const fixedBaseId = newFixedId();
    const domain = newDomain({ fixedBaseId });

    expect(await reserve(domain, G1)).toBe(fixedBaseId);
    expect(await reserve(domain, G2)).toBe(fixedBaseId + 1);
    domain.release(G1);
    expect(await reserve(domain, G3)).toBe(fixedBaseId);
  });

  test('says who holds the fixed base id when that is another agent', async () => {
    const fixedBaseId = newFixedId();
    await reserve(newDomain({ fixedBaseId }), G1);

    expect(await problemOf(newDomain({ fixedBaseId }).reserve(G1))).toBe(
      `Cannot reserve a base id: ${fixedBaseId} is not free: another agent holds it (EADDRINUSE, abstract socket @${baseIdLockNameOf(fixedBaseId)}). Set BATON_BASE_ID to another number, or to auto.`,
    );
  });

  test('says whose the memory of the fixed base id is when it is another user', async () => {
    const fixedBaseId = newFixedId();
    await writeFile(memoryPath(fixedBaseId), sharedMemoryBytes());

    const domain = newDomain({ fixedBaseId, uid: foreignUid() });

    expect(await problemOf(domain.reserve(G1))).toBe(
      `Cannot reserve a base id: ${fixedBaseId} is not free: ${memoryPath(fixedBaseId)} belongs to uid ${ownUid()} and we are uid ${foreignUid()} (EACCES). Set BATON_BASE_ID to another number, or to auto.`,
    );
  });

  test.each([
    ['is missing', 'none', 'ENOENT'],
    ['is no folder', 'file', 'ENOTDIR'],
  ])('names folder and errno when the memory folder %s', async (_, name, errno) => {
    const sharedMemoryFolder = join(temporary, name);
    if (name === 'file') await writeFile(sharedMemoryFolder, '');

    expect(await problemOf(newDomain({ sharedMemoryFolder }).reserve(G1))).toMatch(
      new RegExp(`^Cannot reserve a base id: ${errno}: .+${sharedMemoryFolder}`),
    );
  });

  test('says what helps when the folder for the memory cannot be used', async () => {
    const folder = join(temporary, 'nowhere');

    expect(await problemOf(newDomain({ sharedMemoryFolder: folder }).reserve(G1))).toMatch(
      /^Cannot reserve a base id: ENOENT: .*nowhere.*\. Mount a tmpfs on \S+nowhere that uid \d+ may write to, or set BATON_ENVOY_ARGS=--disable-hot-restart\.$/,
    );
  });

  test('works again after a problem', async () => {
    const sharedMemoryFolder = join(temporary, 'later');
    const domain = newDomain({ sharedMemoryFolder });
    expect(await problemOf(domain.reserve(G1))).toContain('ENOENT');

    await mkdir(sharedMemoryFolder);

    expect(await reserve(domain, G1)).toBeGreaterThan(0);
  });
});

describe('release', () => {
  test('removes the memory and frees the lock', async () => {
    const fixedBaseId = newFixedId();
    const domain = newDomain({ fixedBaseId });
    await reserve(domain, G1);
    await writeFile(memoryPath(fixedBaseId), sharedMemoryBytes());

    domain.release(G1);
    domain.release(G1);

    expect(existsSync(memoryPath(fixedBaseId))).toBe(false);
    expect(await reserve(newDomain({ fixedBaseId }), G1)).toBe(fixedBaseId);
  });
});

describe('repair', () => {
  async function reservedMemory(bytes: Uint8Array) {
    const domain = newDomain();
    const path = memoryPath(await reserve(domain, G1));
    await writeFile(path, bytes);
    return { domain, path };
  }

  test('clears the flag and changes nothing else when memory is poisoned', async () => {
    const { domain, path } = await reservedMemory(sharedMemoryBytes({ flags: 1n }).fill(7, 16, 96));

    expect(await domain.repair(G1)).toEqual({ ok: true, value: 'repaired' });

    expect(readFileSync(path)).toEqual(sharedMemoryBytes().fill(7, 16, 96));
    expect(await domain.repair(G1)).toEqual({ ok: true, value: 'wasSound' });
  });

  test.each([
    ['of another version', sharedMemoryBytes({ version: 10n, flags: 1n })],
    ['of another size than it says', sharedMemoryBytes({ statedSize: 103n, flags: 1n })],
    ['far too long', sharedMemoryBytes({ size: 8192, flags: 1n })],
    ['with unknown flags', sharedMemoryBytes({ flags: 0x8001n })],
    ['empty', new Uint8Array()],
  ])('refuses and changes nothing when memory is %s', async (_, bytes) => {
    const { domain, path } = await reservedMemory(bytes);

    expect(await problemOf(domain.repair(G1))).toMatch(`Cannot repair ${path}: it`);

    expect(readFileSync(path)).toEqual(Buffer.from(bytes));
  });

  test('refuses a link', async () => {
    const { domain, path } = await reservedMemory(sharedMemoryBytes({ flags: 1n }));
    await rm(path);
    await writeFile(join(temporary, 'target'), sharedMemoryBytes({ flags: 1n }));
    await symlink('target', path);

    expect(await problemOf(domain.repair(G1))).toContain('ELOOP');
    expect(flagsIn(join(temporary, 'target'))).toBe(1n);
  });

  test('refuses memory of another user', async () => {
    const fixedBaseId = newFixedId();
    const domain = newDomain({ fixedBaseId, uid: foreignUid() });
    await reserve(domain, G1);
    await writeFile(memoryPath(fixedBaseId), sharedMemoryBytes({ flags: 1n }));

    expect(await problemOf(domain.repair(G1))).toContain(`it belongs to uid ${ownUid()}`);
  });

  test('says that there is no memory', async () => {
    const domain = newDomain();
    await reserve(domain, G1);

    expect(await problemOf(domain.repair(G1))).toContain('ENOENT');
  });

  test('says that a lineage has no base id', async () => {
    expect(await problemOf(newDomain().repair(G2))).toBe(
      'Cannot repair lineage G2: it has no base id.',
    );
  });
});

describe('the obstacle to joining a lineage', () => {
  const joining = { epoch: epochOf(1), hotRestartVersion: '11.104' };

  /** With this memory and all names free. */
  async function obstacleWith(bytes: Uint8Array | undefined, uid?: number) {
    const domain = newDomain(uid === undefined ? {} : { uid, fixedBaseId: newFixedId() });
    const baseId = await reserve(domain, G1);
    if (bytes !== undefined) await writeFile(memoryPath(baseId), bytes);
    return domain.obstacleToJoin(G1, joining);
  }

  test.each([
    ['is as the version says', {}],
    ['can be repaired', { flags: 1n }],
  ])('is none when the memory %s', async (_, facts) => {
    expect(await obstacleWith(sharedMemoryBytes(facts))).toBeUndefined();
  });

  test.each<[string, Uint8Array | undefined, RegExp]>([
    ['is gone', undefined, /^its shared memory can't be used: ENOENT/],
    ['is of another version', sharedMemoryBytes({ version: 12n }), /its version is 12 and not 11$/],
    ['is of another size', sharedMemoryBytes({ size: 120 }), /120 bytes long.*version 11\.104$/],
    ['is cut short', sharedMemoryBytes().subarray(0, 50), /104 bytes long and is 50$/],
  ])('is that the memory %s', async (_, bytes, words) => {
    expect(await obstacleWith(bytes)).toMatch(words);
  });

  test('is that the memory is of another user', async () => {
    expect(await obstacleWith(sharedMemoryBytes(), foreignUid())).toMatch(/belongs to uid \d+/);
  });

  test('is that someone holds a name of that epoch', async () => {
    const domain = newDomain();
    const baseId = await reserve(domain, G1);
    await writeFile(memoryPath(baseId), sharedMemoryBytes());
    await holdName(`envoy_domain_socket_udp_child_${baseId * 10 + 2}`);

    const ofEpoch = (epoch: number) =>
      domain.obstacleToJoin(G1, { ...joining, epoch: epochOf(epoch) });
    expect(await Promise.all([ofEpoch(1), ofEpoch(3)])).toEqual([undefined, undefined]);
    expect(await ofEpoch(2)).toContain(`(@envoy_domain_socket_udp_child_${baseId * 10 + 2})`);
    expect(await ofEpoch(5)).toBe(await ofEpoch(2));
  });

  test('is that the lineage has no base id', async () => {
    expect(await newDomain().obstacleToJoin(G2, joining)).toBe('lineage G2 has no base id');
  });
});

describe('with the real Envoy', () => {
  /** On /dev/shm itself: the only place where Envoy looks. */
  const newRealDomain = (options: Partial<HotRestartDomainOptions> = {}) =>
    createHotRestartDomain({ identity: randomUUID(), locks, ...options });

  test('a lineage poisoned by a failed launch is repaired and hot-restarts', async () => {
    const domain = newRealDomain();
    const baseId = await reserve(domain, G1);
    const port = await occupiedPort();
    const parent = await startEnvoy({ baseId, epoch: 0 });
    await isLive(parent);

    const failed = await startEnvoy({ baseId, epoch: 1, port });
    expect(await failed.exitCode).toBe(1);
    expect(failed.output()).toContain('cannot bind');
    expect(flagsIn(memoryPath(baseId, '/dev/shm'))).toBe(1n);
    const retried = await startEnvoy({ baseId, epoch: 1 });
    expect(await retried.exitCode).toBe(1);
    expect(retried.output()).toContain('previous envoy process is still initializing');

    expect(await domain.repair(G1)).toEqual({ ok: true, value: 'repaired' });

    const successor = await startEnvoy({ baseId, epoch: 1 });
    await isLive(successor);
    expect(await domain.repair(G1)).toEqual({ ok: true, value: 'wasSound' });
    expect(await parent.exitCode).toBe(0);
  });

  test('a base id whose names a stranger holds is passed over or refused by name', async () => {
    const identity = randomUUID();
    const first = newRealDomain({ identity });
    const baseId = await reserve(first, G1);
    const stranger = await startEnvoy({ baseId, epoch: 0 });
    await isLive(stranger);
    first.release(G1);
    expect(existsSync(memoryPath(baseId, '/dev/shm'))).toBe(true);

    expect(await reserve(newRealDomain({ identity }), G1)).toBe(baseId + 1);
    const fixed = newRealDomain({ fixedBaseId: baseId });
    expect(await problemOf(fixed.reserve(G1))).toContain(
      `${baseId} is not free: an Envoy that is not ours runs with it (EADDRINUSE, abstract socket @envoy_domain_socket_`,
    );

    stranger.process.kill('SIGTERM');
    await stranger.exitCode;
    expect(await reserve(fixed, G1)).toBe(baseId);
    fixed.release(G1);
    expect(existsSync(memoryPath(baseId, '/dev/shm'))).toBe(false);
  });
});

interface RunningEnvoy {
  readonly process: ChildProcess;
  readonly exitCode: Promise<number | null>;
  readonly adminPath: string;
  readonly output: () => string;
}

async function startEnvoy({ baseId, epoch, port = 0 }: EnvoyStart): Promise<RunningEnvoy> {
  const adminPath = join(temporary, `admin-${randomUUID().slice(0, 8)}.sock`);
  const child = spawn(
    envoyBinary(),
    [
      ...['--config-yaml', bootstrapOf(adminPath, port), '--concurrency', '1'],
      ...['--base-id', `${baseId}`, '--restart-epoch', `${epoch}`],
      ...['--drain-time-s', '1', '--parent-shutdown-time-s', '1', '--log-level', 'warning'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let output = '';
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const exitCode = new Promise<number | null>((resolve) => child.once('close', resolve));
  cleanUp.push(async () => {
    child.kill('SIGKILL');
    await exitCode;
  });
  return { process: child, exitCode, adminPath, output: () => output };
}

interface EnvoyStart {
  readonly baseId: number;
  readonly epoch: number;
  readonly port?: number;
}

/** Envoy reads YAML, of which JSON is a part. */
function bootstrapOf(adminPath: string, port: number): string {
  return JSON.stringify({
    admin: { address: { pipe: { path: adminPath } } },
    static_resources: {
      listeners: [
        {
          name: 'inbound',
          address: { socket_address: { address: '127.0.0.1', port_value: port } },
          filter_chains: [
            {
              filters: [
                {
                  name: 'echo',
                  typed_config: {
                    '@type': 'type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo',
                  },
                },
              ],
            },
          ],
        },
      ],
    },
  });
}

function isLive({ adminPath }: RunningEnvoy): Promise<void> {
  return vi.waitFor(async () => expect(await readiness(adminPath)).toBe('LIVE\n'), 10_000);
}

function readiness(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/ready', agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve(body));
    });
    asked.once('error', reject);
    asked.end();
  });
}

/** As Envoy holds one: padded to the full length of an address. */
async function holdName(name: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`\0${name}`.padEnd(108, '\0'), resolve));
  cleanUp.push(() => server.close());
}

/** Held without SO_REUSEPORT, so that nobody else can bind it. */
async function occupiedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const ownUid = () => process.geteuid?.() ?? 0;
const foreignUid = () => ownUid() + 1;
