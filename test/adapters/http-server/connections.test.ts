import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { listenHttp } from '../../../src/adapters/http-server.ts';
import type { HttpAnswer, HttpRoutes } from '../../../src/ports.ts';

const PATIENCE = { timeout: 20_000 };
/** Less than the silence of 5 s that ends a connection whatever else there is. */
const BEFORE_SILENCE = { timeout: 4_000 };

const opened: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const CROWD = '127.0.0.1';
const NODE = '127.0.0.2';
const LARGE = Buffer.alloc(4 * 1024 * 1024);
const GET = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
const OK: HttpAnswer = { status: 200, headers: {}, body: 'ok\n' };

async function listen(routes: HttpRoutes = async () => OK): Promise<number> {
  const endpoint = { setting: 'BATON_STATUS_PORT', address: '127.0.0.1', port: 0 };
  const result = await listenHttp(endpoint, routes, (error) => {
    throw error;
  });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  opened.push(() => result.value.close());
  return result.value.port ?? 0;
}

async function connect(port: number, localAddress: string): Promise<Socket> {
  const socket = createConnection({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  opened.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function crowd(port: number, count: number, text: string): Promise<readonly Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = await connect(port, CROWD);
      socket.write(text);
      return socket;
    }),
  );
}

/** The status line of the answer; empty when the connection was ended without one. */
async function probe(port: number, from: string): Promise<string> {
  const socket = await connect(port, from);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.write(GET);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString().split('\r\n', 1)[0] ?? '';
}

describe('a crowd of connections', () => {
  test.each([
    ['say nothing', ''],
    ['never end their headers', 'GET / HTTP/1.1\r\nHost: x\r\nX: '],
    ['never end their bodies', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx'],
    ['wait for an answer that is long in coming', 'GET /slow HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('that %s keeps a probe out from nowhere', async (_, text) => {
    const port = await listen(({ target }) =>
      target === '/slow' ? new Promise(() => undefined) : Promise.resolve(OK),
    );
    const sockets = await crowd(port, 600, text);
    expect(await probe(port, NODE)).toBe('HTTP/1.1 200 OK');
    expect(await probe(port, CROWD)).toBe('HTTP/1.1 200 OK');
    await vi.waitFor(
      () => expect(sockets.filter(({ closed }) => !closed).length).toBeLessThanOrEqual(256),
      BEFORE_SILENCE,
    );
  });

  test('costs no one from elsewhere the connection', async () => {
    const port = await listen();
    const idle = await connect(port, NODE);
    await crowd(port, 600, '');
    idle.write(GET);
    const [answer] = (await once(idle, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('that does not read keeps 64 MiB of answers at most', async () => {
    let madeCount = 0;
    const port = await listen(async ({ target }) => {
      if (target === '/large') madeCount += 1;
      return target === '/large' ? { ...OK, body: LARGE } : OK;
    });
    const sockets = await crowd(port, 60, 'GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
    await vi.waitFor(() => expect(madeCount).toBe(60), PATIENCE);
    expect(await probe(port, NODE)).toBe('HTTP/1.1 200 OK');
    for (const socket of sockets) socket.resume();
    const end = (socket: Socket) =>
      vi.waitUntil(() => socket.closed || socket.bytesRead > LARGE.length, PATIENCE);
    await Promise.all(sockets.map(end));
    expect(sockets.filter(({ bytesRead }) => bytesRead > LARGE.length).length).toBeLessThan(60);
  });

  test('that waits for answers keeps 64 MiB of requests at most', async () => {
    const port = await listen(({ target }) =>
      target === '/slow' ? new Promise(() => undefined) : Promise.resolve(OK),
    );
    // What is short to send takes many times as much in memory.
    const request = `GET /slow HTTP/1.1\r\nHost: x\r\n${'a:\r\n'.repeat(4_000)}\r\n`;
    const sockets = await crowd(port, 40, request.repeat(16));
    const openCount = () => sockets.filter(({ closed }) => !closed).length;
    await vi.waitFor(() => expect(openCount()).toBeLessThan(14), PATIENCE);
    expect(openCount()).toBeGreaterThan(8);
    expect(await probe(port, NODE)).toBe('HTTP/1.1 200 OK');
  });
});

describe('requests sent at once', () => {
  test('are answered one after the other, each once the answer before was taken', async () => {
    let begunCount = 0;
    const port = await listen(async () => {
      begunCount += 1;
      return { ...OK, body: LARGE };
    });
    const socket = await connect(port, CROWD);
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(50));
    await vi.waitFor(() => expect(begunCount).toBe(1), PATIENCE);
    expect(await probe(port, NODE)).toBe('HTTP/1.1 200 OK');
    expect(begunCount).toBe(2);
  });

  test('without end, behind an answer that is long in coming, end the connection', async () => {
    const begun: string[] = [];
    const port = await listen(({ target }) => {
      begun.push(target);
      return new Promise(() => undefined);
    });
    const socket = await connect(port, CROWD);
    socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
    await vi.waitFor(() => expect(begun).toEqual(['/slow']), PATIENCE);
    socket.write('GET /next HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20_000));
    await vi.waitFor(() => expect(socket.closed).toBe(true), PATIENCE);
    expect(begun).toEqual(['/slow']);
  });

  test('are read in their turn alone: what is sent meanwhile stays with its sender', async () => {
    const port = await listen(() => new Promise(() => undefined));
    const socket = await connect(port, CROWD);
    const body = Buffer.alloc(64 * 1024 * 1024);
    let isTaken: boolean | undefined;
    socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`);
    socket.write(body, (error) => {
      isTaken = error === undefined || error === null;
    });
    // A request that has not come within 5 s ends its connection.
    await vi.waitFor(() => expect(isTaken).toBeDefined(), PATIENCE);
    expect(isTaken).toBe(false);
  });

  test('are not begun when their sender has gone', async () => {
    let begunCount = 0;
    let letGo: () => void = () => undefined;
    const port = await listen(async () => {
      begunCount += 1;
      await new Promise<void>((resolve) => {
        letGo = resolve;
      });
      return OK;
    });
    const socket = await connect(port, CROWD);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(50));
    await vi.waitFor(() => expect(begunCount).toBe(1), PATIENCE);
    socket.resetAndDestroy();
    const next = await connect(port, NODE);
    next.write(GET);
    await vi.waitFor(() => expect(begunCount).toBe(2), PATIENCE);
    letGo();
    const [answer] = (await once(next, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
    expect(begunCount).toBe(2);
  });
});
