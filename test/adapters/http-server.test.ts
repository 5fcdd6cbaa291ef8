import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request as sendRequest } from 'node:http';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type HttpEndpoint, listenHttp } from '../../src/adapters/http-server.ts';
import type { HttpAnswer, HttpRequest, HttpRoutes } from '../../src/ports.ts';

const PATIENCE = { timeout: 20_000 };
/** Less than the silence of 5 s that ends a connection whatever else there is. */
const BEFORE_SILENCE = { timeout: 4_000 };

const opened: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const OK: HttpAnswer = { status: 200, headers: { 'content-type': 'text/plain' }, body: 'ok\n' };
const answerOk: HttpRoutes = async () => OK;
const LOOPBACK = { setting: 'BATON_STATUS_PORT', address: '127.0.0.1', port: 0 };

describe('a listener', () => {
  test('hands the request to the routes as it was sent', async () => {
    const seen: HttpRequest[] = [];
    const { port } = await listen(LOOPBACK, async (request) => {
      seen.push(request);
      return OK;
    });
    const head =
      'POST /a?b=c HTTP/1.1\r\nHost: one\r\nHost: two\r\nConnection: close\r\nContent-Length: 4\r\n\r\n';
    expect(await exchange(port, `${head}body`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(seen[0]).toMatchObject({
      method: 'POST',
      target: '/a?b=c',
      transport: 'tcp',
      peer: '127.0.0.1',
      body: Buffer.from('body'),
    });
    expect(seen[0]?.headers['host']).toEqual(['one', 'two']);
  });

  test('answers with few headers, none of which names the software', async () => {
    const { port } = await listen(LOOPBACK, answerOk);
    const answer = await exchange(port, GET);
    expect(answer).toMatch(/\r\n\r\nok\n$/);
    expect(answer.toLowerCase()).toContain('\r\nx-content-type-options: nosniff\r\n');
    expect(answer.toLowerCase()).not.toMatch(/x-powered-by|\r\nserver:/);
  });

  test('answers HEAD with the length and without the body', async () => {
    const { port } = await listen(LOOPBACK, answerOk);
    const answer = await exchange(port, 'HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(answer.toLowerCase()).toContain('content-length: 3\r\n');
    expect(answer).toMatch(/\r\n\r\n$/);
  });

  test('says nothing of an error but reports it when a route throws', async () => {
    const reported: unknown[] = [];
    const bug = new Error('a secret');
    const { port } = await listen(LOOPBACK, () => Promise.reject(bug), reported);
    const answer = await exchange(port, GET);
    expect(answer).toMatch(/^HTTP\/1\.1 500 /);
    expect(answer).toMatch(/\r\n\r\ninternal error\n$/);
    expect(reported).toEqual([bug]);
  });

  test('ends the connection when an answer cannot be written', async () => {
    const reported: unknown[] = [];
    const broken = { ...OK, headers: { 'content-type': 'line\nbreak' } };
    const { port } = await listen(LOOPBACK, async () => broken, reported);
    expect(await exchange(port, GET)).toBe('');
    expect(reported).toHaveLength(1);
  });

  test.each([
    ['headers of 17 KiB', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(17_408)}\r\n\r\n`, 431],
    ['a method nobody knows', 'FETCH / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    [
      'both Content-Length and Transfer-Encoding',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['no HTTP at all', '\u0016\u0003\u0001\r\n\r\n', 400],
  ])('refuses %s and goes on', async (_, text, status) => {
    const { port } = await listen(LOOPBACK, answerOk);
    expect(await exchange(port, text)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(await exchange(port, GET)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test.each([
    ['declares its length', 'Content-Length: 70000\r\n\r\n', 'x'.repeat(70_000)],
    ['comes in chunks', 'Transfer-Encoding: chunked\r\n\r\n', `11170\r\n${'x'.repeat(70_000)}\r\n`],
  ])('refuses a body beyond 64 KiB that %s', async (_, header, body) => {
    const { port } = await listen(LOOPBACK, answerOk);
    const answer = await exchange(port, `GET / HTTP/1.1\r\nHost: x\r\n${header}${body}`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('answers a hundred requests sent at once in their order', async () => {
    const { port } = await listen(LOOPBACK, async ({ target }) => ({ ...OK, body: target }));
    const targets = Array.from({ length: 100 }, (_, at) => `/${at}`);
    const sent = targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`).join('');
    const answer = await exchange(port, `${sent}${GET}`);
    expect(answer.match(/\r\n\r\n\/\d*/g)?.map((body) => body.trim())).toEqual([...targets, '/']);
  });
});

describe('slow and idle clients', () => {
  test('are dropped, whatever they are slow in', async () => {
    const large = Buffer.alloc(32 * 1024 * 1024);
    const { port } = await listen(LOOPBACK, async ({ target }) =>
      target === '/large' ? { ...OK, body: large } : OK,
    );
    const notReading = await connect(port);
    notReading.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => notReading.once('readable', resolve));
    const slow = await Promise.all([
      exchange(port, 'GET / HTTP/1.1\r\nX: unfinished'),
      exchange(port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx'),
      exchange(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    ]);
    expect(slow.map((answer) => answer.slice(9, 12))).toEqual(['408', '408', '200']);
    // Node looks twice, 5 s apart, whether a blocked answer gets on.
    await exchange(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    notReading.resume();
    await vi.waitFor(() => expect(notReading.closed).toBe(true), PATIENCE);
    expect(notReading.bytesRead).toBeLessThan(large.length);
  });

  test('do not keep a probe out when four hundred of them are connected', async () => {
    const { port } = await listen(LOOPBACK, answerOk);
    const sockets = await Promise.all(Array.from({ length: 400 }, () => connect(port)));
    expect(await exchange(port, GET)).toMatch(/^HTTP\/1\.1 200 /);
    await vi.waitFor(() => {
      expect(sockets.filter(({ closed }) => !closed).length).toBeLessThanOrEqual(256);
    }, BEFORE_SILENCE);
  });
});

describe('listening', () => {
  test('reaches both IPv4 and IPv6 when the address is ::', async () => {
    const { port } = await listen({ ...LOOPBACK, address: '::' }, async ({ peer }) => ({
      ...OK,
      body: peer,
    }));
    expect(await exchange(port, GET)).toMatch(/127\.0\.0\.1$/);
    expect(await exchange(port, GET, '::1')).toMatch(/::1$/);
  });

  test('names the setting and the port when the port is in use', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    opened.push(() => taken.close());
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const result = await listenHttp({ ...LOOPBACK, port }, answerOk, () => undefined);
    expect(result).toEqual({
      ok: false,
      problems: [
        {
          about: 'BATON_STATUS_PORT',
          message: `Cannot listen on port ${port} of 127.0.0.1 (BATON_STATUS_PORT): it is in use.`,
        },
      ],
    });
  });

  test('makes a socket for its owner alone, over one left behind, and takes it away', async () => {
    const socketPath = join(await folder(), 'control.sock');
    await writeFile(socketPath, 'left behind');
    const listener = await listen({ setting: 'BATON_RUN_DIR', socketPath }, answerOk);
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
    expect(listener.port).toBe(0);
    expect(await getOverSocket(socketPath)).toBe(200);
    await listener.close();
    await expect(stat(socketPath)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('names the setting when the folder of the socket is missing', async () => {
    const socketPath = join(await folder(), 'missing', 'control.sock');
    const endpoint = { setting: 'BATON_RUN_DIR', socketPath };
    const result = await listenHttp(endpoint, answerOk, () => undefined);
    expect(result).toMatchObject({ ok: false, problems: [{ about: 'BATON_RUN_DIR' }] });
  });

  test('ends open connections and lets a made answer out when closed', async () => {
    let answerNow: (answer: HttpAnswer) => void = () => undefined;
    const listener = await listen(
      LOOPBACK,
      () =>
        new Promise((resolve) => {
          answerNow = resolve;
          arrived();
        }),
    );
    let arrived: () => void = () => undefined;
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const { port } = listener;
    const idle = await connect(port);
    const answer = exchange(port, GET);
    await arrival;
    answerNow(OK);
    await listener.close();
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
    await vi.waitFor(() => expect(idle.closed).toBe(true), BEFORE_SILENCE);
  });
});

const GET = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

async function listen(endpoint: HttpEndpoint, routes: HttpRoutes, reported: unknown[] = []) {
  const result = await listenHttp(endpoint, routes, (error) => reported.push(error));
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join(' '));
  opened.push(() => result.value.close());
  return { ...result.value, port: result.value.port ?? 0 };
}

/** Sends a text and answers with all that comes until the other end closes. */
async function exchange(port: number, text: string, host?: string): Promise<string> {
  const socket = await connect(port, host);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(text);
  await closed;
  return Buffer.concat(chunks).toString();
}

async function connect(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = createConnection(port, host);
  socket.on('error', () => undefined);
  opened.push(() => socket.destroy());
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

function getOverSocket(socketPath: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    sendRequest({ socketPath, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'baton-http-'));
  opened.push(() => rm(path, { recursive: true, force: true }));
  return path;
}
