import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tcpMigration } from '../../src/adapters/tcp-migration.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-migration-'));
  path = join(folder, 'tcp_migrate_req');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

test('what is off is set', async () => {
  await writeFile(path, '0\n');
  expect(tcpMigration(true, path)).toEqual({ state: 'set' });
  expect(await readFile(path, 'utf8')).toBe('1\n');
});

test('what is off and not to be changed stays off', async () => {
  await writeFile(path, '0\n');
  expect(tcpMigration(false, path)).toMatchObject({ state: 'off' });
  expect(await readFile(path, 'utf8')).toBe('0\n');
});

test('what is on is left alone', async () => {
  await writeFile(path, '1\n', { mode: 0o444 });
  expect(tcpMigration(true, path)).toEqual({ state: 'on' });
});

test('what an older kernel does not have stays off', () => {
  expect(tcpMigration(true, path)).toEqual({
    state: 'off',
    reason: expect.stringContaining('ENOENT'),
  });
});

test('what cannot be written stays off', () => {
  expect(tcpMigration(true, folder)).toEqual({
    state: 'off',
    reason: expect.stringContaining('EISDIR'),
  });
});
