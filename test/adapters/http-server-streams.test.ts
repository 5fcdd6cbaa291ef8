import { get, type IncomingMessage } from 'node:http';
import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type HttpListener, listenHttp } from '../../src/adapters/http-server.ts';

const PATIENCE = { timeout: 20_000 };

const open: HttpListener[] = [];
const reported: unknown[] = [];

afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close();
  expect(reported.splice(0)).toEqual([]);
});

async function serve(body: () => AsyncIterable<string | Uint8Array>): Promise<number> {
  const listened = await listenHttp(
    { setting: 'BATON_STATUS_PORT', address: '127.0.0.1', port: 0 },
    async () => ({ status: 200, headers: {}, body: body() }),
    (error) => reported.push(error),
  );
  if (!listened.ok) throw new Error('Cannot listen.');
  open.push(listened.value);
  return listened.value.port ?? 0;
}

function ask(port: number, method = 'GET'): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, method, agent: false }, resolve).on('error', reject);
  });
}

describe('an answer in parts', () => {
  test('is sent while it is made', async () => {
    const gates: (() => void)[] = [];
    const port = await serve(async function* () {
      yield 'first ';
      await new Promise<void>((resolve) => gates.push(resolve));
      yield Buffer.from('second');
    });
    const answer = await ask(port);
    const first = await new Promise((resolve) => answer.once('data', (part) => resolve(`${part}`)));

    expect(first).toBe('first ');
    expect(answer.headers['content-length']).toBeUndefined();
    gates[0]?.();
    expect(await text(answer)).toBe('second');
  });

  test('is not even begun for HEAD', async () => {
    const made: string[] = [];
    const port = await serve(async function* () {
      made.push('begun');
      yield 'x';
    });
    const answer = await ask(port, 'HEAD');

    expect(await text(answer)).toBe('');
    expect(made).toEqual([]);
  });

  test('is made no faster than it is read', async () => {
    let count = 0;
    const port = await serve(async function* () {
      for (; count < 1_000; count += 1) yield Buffer.alloc(1024 * 1024);
    });
    const answer = await ask(port);
    answer.pause();
    await vi.waitUntil(() => count > 0, PATIENCE);
    const before = count;
    answer.destroy();

    expect(before).toBeLessThan(100);
    await vi.waitUntil(() => open.length === 1, PATIENCE);
  });

  test('ends for whoever makes it when its reader has gone, which is no fault', async () => {
    let isOver = false;
    const port = await serve(async function* () {
      try {
        for (let count = 0; count < 10_000; count += 1) yield Buffer.alloc(64 * 1024);
      } finally {
        isOver = true;
      }
    });
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    socket.resetAndDestroy();

    await vi.waitUntil(() => isOver, PATIENCE);
  });
});
