import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { createApplicationMetrics } from '../../src/adapters/application-metrics.ts';
import type { StreamedAnswer } from '../../src/ports.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

const PATIENCE_MS = 10_000;
const SHORT_MS = 100;

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ask = (place: string, timeoutMs = PATIENCE_MS) =>
  createApplicationMetrics(`http://${place}/metrics`).read(timeoutMs);

async function textOf({ chunks }: StreamedAnswer): Promise<string> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

describe('the metrics of the application', () => {
  test('are asked for as text that is not compressed, with the time there is, and marked', async () => {
    const seen: unknown[] = [];
    const place = await serve(({ method, url, headers }, response) => {
      seen.push({ method, url, ...headers });
      response.end();
    });
    await textOf(await createApplicationMetrics(`http://${place}/m?x=y`).read(4_500));

    expect(seen[0]).toMatchObject({
      method: 'GET',
      url: '/m?x=y',
      accept: expect.stringMatching(/^text\/plain;version=0\.0\.4,/),
      'accept-encoding': 'identity',
      'x-prometheus-scrape-timeout-seconds': '4.5',
      'baton-scrape': '1',
    });
  });

  test('come with their status and type', async () => {
    const place = await serve((_, response) => {
      response.writeHead(503, { 'content-type': 'text/html' }).end('not now');
    });
    const answer = await ask(place);

    expect(answer).toMatchObject({ status: 503, contentType: 'text/html' });
    expect(await textOf(answer)).toBe('not now');
  });

  test('are asked for with the user and password of the URL, and no error tells them', async () => {
    const place = await serve(({ headers }, response) => response.end(headers.authorization));
    const url = `http://some%20one:secret@${place}/`;

    const basic = Buffer.from('some one:secret').toString('base64');
    expect(await textOf(await createApplicationMetrics(url).read(PATIENCE_MS))).toBe(
      `Basic ${basic}`,
    );
    for (const server of servers.splice(0)) server.close();
    await expect(createApplicationMetrics(url).read(PATIENCE_MS)).rejects.not.toThrow(/secret/);
  });

  test.each(['gzip', 'x-gzip'])('are unpacked when they come by %s unasked', async (encoding) => {
    const place = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': encoding }).end(gzipSync('a 1\n'));
    });

    expect(await textOf(await ask(place))).toBe('a 1\n');
  });

  test('are not read when nobody knows how to unpack them', async () => {
    const place = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': 'zstd' }).end('a 1\n');
    });

    await expect(textOf(await ask(place))).rejects.toMatchObject({ code: 'format' });
  });

  test.each([
    ['is no gzip', Buffer.from('a 1\n')],
    ['ends too early', gzipSync('a 1\n'.repeat(1_000)).subarray(0, 30)],
  ])('break off when what was said to be gzip %s', async (_, body) => {
    const place = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(body);
    });

    await expect(textOf(await ask(place))).rejects.toMatchObject({ code: 'cutOff' });
  });

  test('are not unpacked further than they are read', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const place = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
    });
    const answer = await ask(place);
    let readBytes = 0;
    for await (const chunk of answer.chunks) {
      readBytes += chunk.length;
      if (readBytes > 1024 * 1024) break;
    }
    answer.discard();

    expect(readBytes).toBeLessThan(2 * 1024 * 1024);
  });

  test('are followed to another path', async () => {
    const place = await serve(({ url }, response) => {
      if (url === '/metrics') response.writeHead(307, { location: '/metrics/' }).end();
      else response.end(url);
    });

    expect(await textOf(await ask(place))).toBe('/metrics/');
  });

  test('are not followed to another host or port, or for ever', async () => {
    const reached: string[] = [];
    const elsewhere = await serve((_, response) => {
      reached.push('elsewhere');
      response.end();
    });
    const place = await serve(({ url }, response) => {
      reached.push(url ?? '');
      const location = url === '/metrics' ? '/again' : '/metrics';
      response.writeHead(302, { location: url === '/else' ? `http://${elsewhere}/` : location });
      response.end();
    });

    expect(await ask(place)).toMatchObject({ status: 302 });
    expect(reached).toHaveLength(4);
    const answer = await createApplicationMetrics(`http://${place}/else`).read(PATIENCE_MS);
    expect(answer).toMatchObject({ status: 302 });
    expect(reached).not.toContain('elsewhere');
  });

  test('are unreachable when nobody listens', async () => {
    const place = await serve(() => {});
    const [server] = servers.splice(0);
    await new Promise((resolve) => server?.close(resolve));

    await expect(ask(place)).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(/^Cannot read the application's metrics: .*\.$/),
    });
  });

  test('are late when there is no answer, and when there is no end of it', async () => {
    const silent = await serve(() => {});
    const endless = await serve((_, response) => void response.write('a 1\n'));
    const withoutLength = await serve((_, { socket }) => {
      socket?.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\na 1\n');
    });

    await expect(ask(silent, SHORT_MS)).rejects.toMatchObject({ code: 'late' });
    for (const place of [endless, withoutLength]) {
      const all = ask(place, SHORT_MS).then(textOf);
      await expect(all).rejects.toMatchObject({ code: 'late' });
    }
  });

  test('break off when the application dies over them', async () => {
    const place = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('a 1\n', () => response.destroy());
    });

    await expect(textOf(await ask(place))).rejects.toMatchObject({ code: 'cutOff' });
  });

  test('leave no connection behind when they are thrown away unread', async () => {
    const closed: Promise<unknown>[] = [];
    const place = await serve(({ socket }, response) => {
      closed.push(new Promise((resolve) => socket.once('close', resolve)));
      response.write('a 1\n');
    });
    const answer = await ask(place);
    answer.discard();

    expect(await Promise.all(closed)).toHaveLength(1);
  });
});
