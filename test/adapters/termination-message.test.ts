import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeTerminationMessage } from '../../src/adapters/termination-message.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'termination-'));
  path = join(folder, 'termination-log');
});

afterEach(() => rm(folder, { recursive: true }));

test('a file that is there says the new text and nothing of the old', async () => {
  await writeFile(path, 'what the run before this one said');
  expect(writeTerminationMessage(path, 'exit 78: no\n')).toBe(true);
  expect(await readFile(path, 'utf8')).toBe('exit 78: no\n');
});

test('no file is made where there is none', () => {
  expect(writeTerminationMessage(path, 'exit 78: no\n')).toBe(false);
  expect(writeTerminationMessage('', 'exit 78: no\n')).toBe(false);
});

test('a long text is cut at what is read of it, between two characters', async () => {
  await writeFile(path, '');
  writeTerminationMessage(path, `a${'ü'.repeat(5_000)}`);
  const written = await readFile(path);
  expect(written.length).toBeLessThanOrEqual(4_096);
  expect(written.toString()).toMatch(/^aü+$/);
});

test('nothing but a regular file is written, and nothing holds the exit up', async () => {
  await mkdir(path);
  expect(writeTerminationMessage(path, 'no')).toBe(false);
  const fifo = join(folder, 'fifo');
  spawnSync('mkfifo', [fifo]);
  expect(writeTerminationMessage(fifo, 'no')).toBe(false);
  const other = join(folder, 'other');
  await writeFile(other, 'kept');
  const link = join(folder, 'link');
  await symlink(other, link);
  expect(writeTerminationMessage(link, 'no')).toBe(false);
  expect(await readFile(other, 'utf8')).toBe('kept');
});
