import { mkdtemp, rename, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { envoyAdmin } from '../../../src/adapters/envoy-admin.ts';
import type { AdminChannel, StreamedAnswer } from '../../../src/ports.ts';

const PATIENCE_MS = 10_000;
const SHORT_MS = 100;

let folder: string;
let socketPath: string;
let channel: AdminChannel;
let server: Server;
let connections: Socket[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-streams-'));
  socketPath = join(folder, 'admin.sock');
  channel = envoyAdmin.open(socketPath);
  connections = [];
});

afterEach(async () => {
  channel.close();
  server.close();
  server.closeAllConnections();
  await rm(folder, { recursive: true, force: true });
});

function serve(answer: RequestListener): Promise<void> {
  server = createServer(answer);
  server.on('connection', (socket) => connections.push(socket));
  return new Promise((resolve) => server.listen(socketPath, resolve));
}

/** As Envoy does when it has a child: what is connected stays, the socket's file as well. */
async function stopAccepting(): Promise<void> {
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(`${socketPath}.dead`, resolve));
  await rename(`${socketPath}.dead`, socketPath);
  await new Promise((resolve) => dead.close(resolve));
}

async function textOf({ chunks }: StreamedAnswer): Promise<string> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

describe('an answer that is read while it comes', () => {
  test('brings status, type and whatever the launch says, over one connection that is kept', async () => {
    await serve(({ method, url }, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' }).end(`${method} ${url}`);
    });

    const answer = await channel.stream('/stats/prometheus', PATIENCE_MS);
    expect(answer).toMatchObject({ status: 200, contentType: 'text/plain' });
    expect(await textOf(answer)).toBe('GET /stats/prometheus');
    answer.discard();
    await textOf(await channel.stream('/stats/prometheus', PATIENCE_MS));
    expect(connections).toHaveLength(1);
  });

  test('keeps no other question waiting, however slowly it is read', async () => {
    await serve(({ url }, response) => {
      if (url === '/stats/prometheus') response.write('x'.repeat(1_000_000));
      else response.end('quick');
    });
    const slow = await channel.stream('/stats/prometheus', PATIENCE_MS);

    expect((await channel.request('GET', '/ready')).body.toString()).toBe('quick');
    slow.discard();
  });

  test('comes over the kept connection once the launch accepts no other', async () => {
    await serve(({ url }, response) => response.end(`${url}\n`.repeat(20_000)));
    await channel.request('GET', '/ready');
    await stopAccepting();

    const answer = await channel.stream('/stats/prometheus', PATIENCE_MS);
    expect((await textOf(answer)).split('\n')).toHaveLength(20_001);
    expect(connections).toHaveLength(1);
  });

  test('is refused when nobody is there', async () => {
    await serve(() => {});
    await new Promise((resolve) => server.close(resolve));

    await expect(channel.stream('/stats', PATIENCE_MS)).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/^Cannot ask Envoy for \/stats: .*\.$/),
    });
  });

  test('is late when it does not begin, and when it does not end', async () => {
    await serve(({ url }, response) => {
      if (url === '/endless') response.write('a 1\n');
    });

    await expect(channel.stream('/silent', SHORT_MS)).rejects.toMatchObject({ code: 'late' });
    const endless = await channel.stream('/endless', SHORT_MS);
    await expect(textOf(endless)).rejects.toMatchObject({ code: 'late' });
  });

  test('breaks off when the launch dies over it', async () => {
    await serve((_, response) => void response.write('a 1\n', () => response.destroy()));
    const answer = await channel.stream('/stats', PATIENCE_MS);

    await expect(textOf(answer)).rejects.toMatchObject({ code: 'cutOff' });
  });

  test('leaves no connection behind when it is thrown away unread', async () => {
    await serve((_, response) => void response.write('a 1\n'));
    const answer = await channel.stream('/stats', PATIENCE_MS);
    const closed = new Promise((resolve) => connections[0]?.once('close', resolve));
    answer.discard();

    await closed;
  });
});
