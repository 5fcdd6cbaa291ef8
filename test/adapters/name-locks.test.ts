import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { createNameLocks } from '../../src/adapters/name-locks.ts';
import { abstractNamesIn } from '../../src/core/hot-restart-names.ts';

const PATIENCE = { timeout: 20_000 };

const locks = createNameLocks();
const newName = () => `baton_test_${randomUUID()}`;

test('a name has one holder until it is given back', async () => {
  const name = newName();
  const release = await locks.take(name);

  expect(release).toBeTypeOf('function');
  expect(await locks.take(name)).toBeUndefined();

  release?.();
  const again = await locks.take(name);
  expect(again).toBeTypeOf('function');
  again?.();
});

test('a held name is seen in /proc/net/unix by others', async () => {
  const name = newName();
  const release = await locks.take(name);

  expect(abstractNamesIn(await readFile('/proc/net/unix', 'utf8')).has(name)).toBe(true);
  release?.();
});

test('a name is free again when its holder was killed', async () => {
  const name = newName();
  const holder = spawn(
    process.execPath,
    [
      '-e',
      `require('net').createServer().listen('\\0${name}'.padEnd(108, '\\0'), () => console.log('held'))`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  expect(await locks.take(name)).toBeUndefined();

  holder.kill('SIGKILL');

  const release = await vi.waitUntil(() => locks.take(name), PATIENCE);
  release();
});
