import { once } from 'node:events';
import {
  createServer as createHttp,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttp2, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Server as TcpServer } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { applicationProbes } from '../../src/adapters/application-probes.ts';
import type { HttpGetQuestion } from '../../src/ports.ts';
import { issueAuthority } from '../support/certificates.ts';

const PATIENCE = { timeout: 20_000 };

const opened: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** @returns the port */
async function listen(server: Server | TcpServer | Http2Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push(async () => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function application(listener: RequestListener): Promise<number> {
  return listen(createHttp(listener));
}

function get(port: number, path = '/', facts: Partial<HttpGetQuestion> = {}): HttpGetQuestion {
  return {
    kind: 'httpGet',
    url: `http://127.0.0.1:${port}${path}`,
    headers: {},
    isUnverified: true,
    closedPorts: [],
    ...facts,
  };
}

async function ask(
  question: Parameters<typeof applicationProbes.ask>[0],
  signal = new AbortController().signal,
) {
  const answer = await applicationProbes.ask(question, signal);
  return answer.isAnswered ? { ...answer, body: answer.body.toString() } : answer;
}

function answered(status: number, body = '') {
  return { isAnswered: true, status, body };
}

describe('a question by HTTP', () => {
  test('is a GET on a connection of its own, with the headers it was given', async () => {
    const seen: IncomingMessage[] = [];
    const from: unknown[] = [];
    const port = await application((request, response) => {
      seen.push(request);
      from.push(request.socket.remoteAddress);
      response.end('fine');
    });
    const headers = { host: 'shop.test', 'x-a': ['1', '2'], 'user-agent': 'kube-probe/1.30' };
    const question = get(port, '/live?x=1', { headers, localAddress: '127.0.0.6' });

    expect(await ask(question)).toEqual(answered(200, 'fine'));
    expect(seen[0]).toMatchObject({ method: 'GET', url: '/live?x=1' });
    expect(seen[0]?.headers).toEqual({
      host: 'shop.test',
      'x-a': '1, 2',
      'user-agent': 'kube-probe/1.30',
      connection: 'close',
    });
    expect(from).toEqual(['127.0.0.6']);
  });

  test('carries the user and the password of its address', async () => {
    const port = await application((request, response) =>
      response.end(request.headers.authorization),
    );
    const question = get(port, '/', { url: `http://me:p%40ss@127.0.0.1:${port}/` });
    const basic = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
    expect(await ask(question)).toEqual(answered(200, basic));
  });

  test.each([200, 201, 204, 300, 304, 399, 400, 404, 429, 500, 503, 511])(
    'hears the status %i',
    async (status) => {
      const port = await application((_, response) => response.writeHead(status).end());
      expect(await ask(get(port))).toEqual(answered(status));
    },
  );

  test('reads the first 10 KiB of a body that never ends, and hangs up', async () => {
    const hungUp = vi.fn();
    const port = await application((_, response) => {
      response.on('close', hungUp);
      const more = () => {
        while (response.write('x'.repeat(1_000)));
      };
      response.on('drain', more);
      more();
    });
    expect(await ask(get(port))).toEqual(answered(200, 'x'.repeat(10_240)));
    await vi.waitFor(() => expect(hungUp).toHaveBeenCalled(), PATIENCE);
  });

  test.each<[string, (response: ServerResponse) => void]>([
    ['says nothing', () => undefined],
    ['does not end its headers', (response) => response.socket?.write('HTTP/1.1 200 OK\r\nx: ')],
    ['does not end its body', (response) => response.writeHead(200).write('x')],
  ])('is given up, and its connection ended, when the application %s', async (_, say) => {
    const hungUp = vi.fn();
    const arrived = vi.fn();
    const port = await application((request, response) => {
      request.socket.on('close', hungUp);
      say(response);
      arrived();
    });
    const limit = new AbortController();
    const asking = ask(get(port), limit.signal);
    await vi.waitFor(() => expect(arrived).toHaveBeenCalled(), PATIENCE);
    limit.abort('no answer within 1 s');
    expect(await asking).toEqual({ isAnswered: false, reason: 'no answer within 1 s' });
    await vi.waitFor(() => expect(hungUp).toHaveBeenCalled(), PATIENCE);
  });

  test('is not put at all when its time was over before', async () => {
    const signal = AbortSignal.abort('late');
    expect(await ask(get(1), signal)).toEqual({ isAnswered: false, reason: 'late' });
  });

  test.each<[string, (response: ServerResponse) => void, string]>([
    ['hangs up', ({ socket }) => socket?.destroy(), 'it closed the connection (ECONNRESET)'],
    ['speaks no HTTP', ({ socket }) => socket?.end('SSH-2.0\r\n\r\n'), 'HPE_INVALID_CONSTANT'],
    [
      'sends headers without end',
      ({ socket }) => socket?.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`),
      'HPE_HEADER_OVERFLOW',
    ],
    [
      'changes the protocol',
      ({ socket }) => socket?.write('HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
      'it changes the protocol',
    ],
  ])('fails, and says why, when the application %s', async (_, say, reason) => {
    const port = await application((_request, response) => say(response));
    expect(await ask(get(port))).toEqual({ isAnswered: false, reason });
  });

  test('fails when nobody listens', async () => {
    const server = createTcp();
    const port = await listen(server);
    await once(server.close(), 'close');
    const reason = 'nobody listens there (ECONNREFUSED)';
    expect(await ask(get(port))).toEqual({ isAnswered: false, reason });
  });

  test('by TLS takes any certificate, or only a good one, as it was asked to', async () => {
    const authority = await issueAuthority();
    const leaf = await authority.issueLeaf({ commonName: 'app.test' });
    const server = createHttps({ cert: leaf.certificatePem, key: leaf.keyPem }, (_, response) =>
      response.end('safe'),
    );
    const port = await listen(server as unknown as Server);
    const question = get(port, '/', { url: `https://127.0.0.1:${port}/` });
    expect(await ask(question)).toEqual(answered(200, 'safe'));
    expect(await ask({ ...question, isUnverified: false })).toMatchObject({ isAnswered: false });
  });
});

describe('a redirect', () => {
  /** Each path leads to the next; the last one says where it was asked. */
  async function chain(locations: Readonly<Record<string, string>>, status = 302) {
    const seen: string[] = [];
    const port = await application((request, response) => {
      seen.push(`${request.headers.host} ${request.url}`);
      const location = locations[request.url ?? ''];
      if (location === undefined) return response.end('there');
      return response.writeHead(status, { location }).end();
    });
    return { port, seen };
  }

  test.each([301, 302, 303, 307, 308])('%i within the same host is followed', async (status) => {
    const { port, seen } = await chain({ '/': '/b', '/b': 'c?d' }, status);
    expect(await ask(get(port))).toEqual(answered(200, 'there'));
    expect(seen.map((line) => line.split(' ')[1])).toEqual(['/', '/b', '/c?d']);
  });

  test('takes a Host along with a path, and not with an address', async () => {
    const { port, seen } = await chain({ '/': '/b' });
    await ask(get(port, '/', { headers: { host: 'shop.test' } }));
    expect(seen).toEqual(['shop.test /', 'shop.test /b']);

    const other = await chain({ '/b': 'http://example.test/' });
    const first = await chain({ '/': `http://127.0.0.1:${other.port}/` });
    await ask(get(first.port, '/', { headers: { host: 'shop.test' } }));
    expect(other.seen).toEqual([`127.0.0.1:${other.port} /`]);
  });

  test.each([
    'http://example.test/',
    'http://169.254.169.254/latest/meta-data/',
    '//169.254.169.254/',
    '\\\\169.254.169.254/',
    'https://localhost/',
    'http://127.0.0.1.example.test/',
    'http://127.0.0.1@169.254.169.254/',
    'http://127.0.0.2/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'ftp://127.0.0.1/',
  ])('to %s is not followed, and is the answer', async (location) => {
    const { port, seen } = await chain({ '/': location });
    expect(await ask(get(port))).toEqual(answered(302));
    expect(seen).toHaveLength(1);
  });

  test('to a port of ours is not followed', async () => {
    const own = await chain({});
    const { port } = await chain({ '/': `http://127.0.0.1:${own.port}/config_dump` });
    expect(await ask(get(port, '/', { closedPorts: [own.port] }))).toEqual(answered(302));
    expect(own.seen).toEqual([]);
  });

  test.each([
    ['has no place to lead to', {}],
    ['is of a kind that leads nowhere', { location: '/b' }],
  ])('is the answer when it %s', async (_, headers) => {
    const port = await application((_request, response) => response.writeHead(300, headers).end());
    expect(await ask(get(port))).toEqual(answered(300));
  });

  test('that comes ten times is followed, and that comes for ever is a failure', async () => {
    const steps = Array.from({ length: 10 }, (_, at) => [`/${at || ''}`, `/${at + 1}`]);
    const long = await chain(Object.fromEntries(steps));
    expect(await ask(get(long.port))).toEqual(answered(200, 'there'));

    const circle = await chain({ '/': '/' });
    const reason = 'it redirects more than 10 times';
    expect(await ask(get(circle.port))).toEqual({ isAnswered: false, reason });
    expect(circle.seen).toHaveLength(11);
  });

  test('to what is no address is a failure', async () => {
    const { port } = await chain({ '/': 'http://[' });
    const reason = 'it redirects to what is no address';
    expect(await ask(get(port))).toEqual({ isAnswered: false, reason });
  });
});

describe('a question by TCP', () => {
  test('is answered by a connection, which is ended', async () => {
    const seen = vi.fn();
    const server = createTcp((socket) => {
      socket.on('error', () => undefined).on('close', () => seen(socket.remoteAddress));
      socket.resume();
    });
    const port = await listen(server);
    const question = { kind: 'tcpSocket', host: '127.0.0.1', port } as const;
    expect(await ask({ ...question, localAddress: '127.0.0.6' })).toEqual(answered(200));
    await vi.waitFor(() => expect(seen).toHaveBeenCalled(), PATIENCE);
  });

  test('fails when nobody listens', async () => {
    const server = createTcp();
    const port = await listen(server);
    await once(server.close(), 'close');
    const reason = 'nobody listens there (ECONNREFUSED)';
    const question = { kind: 'tcpSocket', host: '127.0.0.1', port } as const;
    expect(await ask(question)).toEqual({ isAnswered: false, reason });
  });
});

describe('a question by gRPC', () => {
  const SERVING = Buffer.from([0, 0, 0, 0, 2, 0x08, 1]);

  /** @returns the port, and what was asked */
  async function server(answer: (stream: ServerHttp2Stream) => void) {
    const asked: { path: unknown; type: unknown; body: Buffer }[] = [];
    const sessions = new Set<{ destroy(): void }>();
    const http2 = createHttp2();
    http2.on('session', (session) => sessions.add(session.on('error', () => undefined)));
    http2.on('stream', async (stream, headers) => {
      stream.on('error', () => undefined);
      const chunks: Buffer[] = [];
      for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      asked.push({ path: headers[':path'], type: headers['content-type'], body });
      answer(stream);
    });
    opened.push(() => {
      for (const session of sessions) session.destroy();
    });
    return { port: await listen(http2), asked };
  }

  function saying(body: Buffer, status = '0', headers = {}) {
    return (stream: ServerHttp2Stream) => {
      stream.respond({ 'content-type': 'application/grpc', ...headers }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
      stream.end(body);
    };
  }

  function grpc(port: number, service = '') {
    return { kind: 'grpc', host: '127.0.0.1', port, service } as const;
  }

  test('is a call of the health service', async () => {
    const { port, asked } = await server(saying(SERVING));
    expect(await ask(grpc(port))).toEqual(answered(200));
    expect(await ask(grpc(port, 'shop'))).toEqual(answered(200));
    const call = { path: '/grpc.health.v1.Health/Check', type: 'application/grpc' };
    expect(asked).toEqual([
      { ...call, body: Buffer.from([0, 0, 0, 0, 0]) },
      { ...call, body: Buffer.from([0, 0, 0, 0, 6, 0x0a, 4, ...Buffer.from('shop')]) },
    ]);
  });

  test('may be for a service with a long name', async () => {
    const { port, asked } = await server(saying(SERVING));
    await ask(grpc(port, 's'.repeat(300)));
    expect(asked[0]?.body.subarray(4, 8)).toEqual(Buffer.from([47, 0x0a, 0xac, 2]));
    expect(asked[0]?.body).toHaveLength(5 + 3 + 300);
  });

  test.each<[string, (stream: ServerHttp2Stream) => void, string]>([
    ['does not serve', saying(Buffer.from([0, 0, 0, 0, 2, 8, 2])), 'it says NOT_SERVING'],
    ['does not know', saying(Buffer.from([0, 0, 0, 0, 0])), 'it says UNKNOWN'],
    [
      'says something else',
      saying(Buffer.from([0, 0, 0, 0, 2, 9, 1])),
      'it says nothing that can be read',
    ],
    ['compresses', saying(Buffer.from([1, 0, 0, 0, 2, 8, 1])), 'it says nothing that can be read'],
    ['has no such service', saying(Buffer.alloc(0), '5'), 'it answers with the gRPC status 5'],
    [
      'has no health service',
      (stream) => {
        stream.respond({ 'content-type': 'application/grpc', 'grpc-status': '12' });
        stream.end();
      },
      'it does not implement grpc.health.v1.Health',
    ],
    ['is a web server', saying(SERVING, '0', { ':status': 404 }), 'it does not speak gRPC'],
    ['says far too much', saying(Buffer.alloc(100_000)), 'its answer is too long'],
  ])('fails, and says why, when the application %s', async (_, answer, reason) => {
    const { port } = await server(answer);
    expect(await ask(grpc(port))).toEqual({ isAnswered: false, reason });
  });

  test.each([
    ['speaks HTTP/1.1', () => application((_, response) => response.end())],
    ['hangs up', () => listen(createTcp((socket) => socket.destroy()))],
  ])('fails when the application %s', async (_, start) => {
    const port = await start();
    expect(await ask(grpc(port))).toMatchObject({ isAnswered: false });
  });

  test('is given up when nothing comes', async () => {
    const arrived = vi.fn();
    const { port } = await server(arrived);
    const limit = new AbortController();
    const asking = ask(grpc(port), limit.signal);
    await vi.waitFor(() => expect(arrived).toHaveBeenCalled(), PATIENCE);
    limit.abort('no answer within 1 s');
    expect(await asking).toEqual({ isAnswered: false, reason: 'no answer within 1 s' });
  });
});
