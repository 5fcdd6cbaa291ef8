import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/adapters/clock.ts';
import { createControlClient } from '../../src/adapters/control-client.ts';
import { CONTROL_SOCKET } from '../../src/core/file-names.ts';

let folder: string;
let server: Server | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-control-'));
});

afterEach(async () => {
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

describe('the control client', () => {
  test('gives status and body of an answer', async () => {
    await serve((request, response) => {
      response.statusCode = 409;
      response.end(`${request.method} ${request.url}`);
    });
    expect(await ask('/restart?mode=hot', 'POST')).toEqual({
      kind: 'answered',
      status: 409,
      body: Buffer.from('POST /restart?mode=hot'),
    });
  });

  test('sends a path with spaces and letters beyond ASCII in its coded form', async () => {
    await serve((request, response) => void response.end(request.url));
    const answer = await ask('/a b/é%20');
    expect(answer).toMatchObject({ body: Buffer.from('/a%20b/%c3%a9%20') });
  });

  test('finds no agent when there is no socket', async () => {
    expect(await ask('/status')).toEqual({ kind: 'noAgent', reason: 'there is no such socket' });
  });

  test('finds no agent when nobody listens', async () => {
    await writeFile(join(folder, CONTROL_SOCKET), '');
    expect(await ask('/status')).toMatchObject({ kind: 'noAgent' });
  });

  test('finds no agent when the path is longer than a socket may be named', async () => {
    const client = createControlClient(join(folder, 'x'.repeat(200)), systemClock);
    expect(await client.ask('GET', '/status', 5_000)).toMatchObject({ kind: 'noAgent' });
  });

  test('tells that an answer was lost when the agent goes away', async () => {
    await serve((request) => request.socket.destroy());
    expect(await ask('/quitquitquit', 'POST')).toEqual({ kind: 'lost', reason: 'ECONNRESET' });
  });

  test('tells that an answer was lost when it breaks off', async () => {
    await serve((request, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('half', () => request.socket.destroy());
    });
    expect(await ask('/status')).toMatchObject({ kind: 'lost' });
  });

  test('stops waiting when its time is over', async () => {
    server = createServer((socket) => socket.on('error', () => undefined));
    await listen(server);
    const client = createControlClient(folder, systemClock);
    expect(await client.ask('GET', '/status', 50)).toEqual({ kind: 'timedOut' });
  });
});

function ask(path: string, method = 'GET') {
  return createControlClient(folder, systemClock).ask(method, path, 5_000);
}

async function serve(answer: RequestListener): Promise<void> {
  server = createHttpServer(answer);
  await listen(server);
}

function listen(listener: Server): Promise<void> {
  return new Promise((resolve) => {
    listener.listen(join(folder, CONTROL_SOCKET), resolve);
  });
}
