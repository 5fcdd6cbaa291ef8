import { mkdtemp, rename, rm } from 'node:fs/promises';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
} from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { envoyAdmin } from '../../src/adapters/envoy-admin.ts';
import { epochOf } from '../../src/core/model.ts';
import type { AdminChannel } from '../../src/ports.ts';

const PATIENCE = { timeout: 20_000, interval: 5 };

let folder: string;
let socketPath: string;
let channel: AdminChannel;
let server: Server | undefined;
let connections: Socket[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-admin-'));
  socketPath = join(folder, 'admin-L1.sock');
  channel = envoyAdmin.open(socketPath);
  connections = [];
});

afterEach(async () => {
  channel.close();
  stopServer();
  await rm(folder, { recursive: true, force: true });
});

function stopServer(): void {
  server?.close();
  for (const socket of connections) socket.destroy();
  server = undefined;
}

function listen(listener: Server): Promise<void> {
  server = listener;
  listener.on('connection', (socket: Socket) => {
    connections.push(socket);
    socket.on('error', () => undefined);
  });
  return new Promise((resolve) => {
    listener.listen(socketPath, resolve);
  });
}

const serve = (answer: RequestListener) => listen(createHttpServer(answer));
/** Whatever is sent, this comes back, byte by byte as it is. */
const serveRaw = (answer: (socket: Socket) => void) =>
  listen(createServer((socket) => socket.once('data', () => answer(socket))));

/** A socket file whose listener is gone without having removed it. */
async function leaveDeadSocket(path: string): Promise<void> {
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(`${path}.dead`, resolve));
  await rename(`${path}.dead`, path);
  await new Promise((resolve) => dead.close(resolve));
}

/** What Node has only when it is started with `--expose-gc`. */
function exposedGarbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

const failure = (message: string | RegExp) => ({
  name: 'AgentError',
  message: expect.stringMatching(message),
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

describe('a request', () => {
  test('brings the whole answer', async () => {
    await serve(async (request, response) => {
      response.writeHead(404, { 'x-envoy': 'yes' });
      response.end(`${request.method} ${request.url} ${await bodyOf(request)}`);
    });
    const answer = await channel.request('POST', '/a?b=c', { body: Buffer.from('zwölf') });
    expect(answer).toMatchObject({ status: 404, headers: { 'x-envoy': 'yes' } });
    expect(answer.body.toString()).toBe('POST /a?b=c zwölf');
  });

  test('by HEAD is asked by GET, for Envoy sends a body after either', async () => {
    await serve((request, response) => response.end(request.method));
    expect((await channel.request('HEAD', '/ready')).body.toString()).toBe('GET');
  });

  test('goes over one connection, which is kept', async () => {
    await serve((_, response) => response.end('x'.repeat(100_000)));
    await Promise.all(Array.from({ length: 10 }, () => channel.request('GET', '/stats')));
    await channel.request('GET', '/stats');
    expect(connections).toHaveLength(1);
  });

  test.each([
    ['ours', {}],
    ["someone else's", { isPassedOn: true }],
  ] as const)('keeps nothing of the answer until its time limit: %s', async (_, whose) => {
    const collectGarbage = exposedGarbageCollector();
    const large = Buffer.alloc(4 * 1024 * 1024);
    await serve((__, response) => response.end(large));
    const keptBytes = () => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers;
    };
    const before = keptBytes();
    for (let count = 0; count < 10; count += 1) {
      const limits = { timeoutMs: 3_600_000, maxBytes: large.length, ...whose };
      expect((await channel.request('GET', '/stats', limits)).body).toHaveLength(large.length);
    }
    await vi.waitFor(() => expect(keptBytes() - before).toBeLessThan(4 * large.length), PATIENCE);
  });

  test('of someone else goes over another connection, and delays none of ours', async () => {
    const held: (() => void)[] = [];
    await serve((request, response) => {
      if (request.url === '/dump') held.push(() => response.end('dump'));
      else response.end('quick');
    });
    const dump = channel.request('GET', '/dump', { isPassedOn: true });
    await vi.waitUntil(() => held.length === 1, PATIENCE);
    expect((await channel.request('GET', '/quick')).body.toString()).toBe('quick');
    held[0]?.();
    expect((await dump).body.toString()).toBe('dump');
    expect(connections).toHaveLength(2);
  });

  test('of someone else goes over the kept connection when no new one can be made', async () => {
    await serve((_, response) => response.end('yes'));
    await channel.request('GET', '/');
    // What a child that failed leaves behind: a socket that is there and refuses.
    await leaveDeadSocket(socketPath);
    const answer = await channel.request('GET', '/', { isPassedOn: true });
    expect(answer.body.toString()).toBe('yes');
  });

  test('is answered over the kept connection when no new one could be made', async () => {
    await serve((_, response) => response.end('yes'));
    await channel.request('GET', '/');
    await rm(socketPath, { force: true });
    expect((await channel.request('GET', '/')).body.toString()).toBe('yes');
  });

  test('of someone else that is late costs its own connection, not the kept one', async () => {
    await serve((request, response) => {
      if (request.url === '/quick') response.end('quick');
    });
    await channel.request('GET', '/quick');
    await expect(
      channel.request('GET', '/dump', { isPassedOn: true, timeoutMs: 500 }),
    ).rejects.toMatchObject(failure('no answer within 500 ms'));
    await vi.waitUntil(() => connections[1]?.destroyed, PATIENCE);
    expect((await channel.request('GET', '/quick')).body.toString()).toBe('quick');
    expect(connections).toHaveLength(2);
  });

  test.each(['/hystrix_event_stream', '/tap?x'])(
    'of someone else for %s, which has no end, never goes over the kept connection',
    async (path) => {
      await serve((_, response) => response.end('yes'));
      await channel.request('GET', '/');
      await leaveDeadSocket(socketPath);
      await expect(channel.request('GET', path, { isPassedOn: true })).rejects.toMatchObject(
        failure('ECONNREFUSED'),
      );
    },
  );

  test('is made anew after a failed one', async () => {
    let count = 0;
    await serve((request, response) => {
      count += 1;
      if (count === 1) request.socket.destroy();
      else response.end('back');
    });
    await expect(channel.request('GET', '/')).rejects.toMatchObject(failure('Cannot ask Envoy'));
    expect((await channel.request('GET', '/')).body.toString()).toBe('back');
  });
});

describe('the kept connection', () => {
  /** Answers when it is let go, one after the other, with the path; tells what it was asked. */
  async function serveHeld() {
    const asked: string[] = [];
    const held: (() => void)[] = [];
    await serve((request, response) => {
      asked.push(request.url ?? '');
      held.push(() => response.end(request.url));
    });
    const letGo = async () => {
      await vi.waitUntil(() => held.length > 0, PATIENCE);
      held.shift()?.();
    };
    return { asked, letGo };
  }

  test('outlives a late answer, which is dropped', async () => {
    const { asked, letGo } = await serveHeld();
    await expect(channel.request('GET', '/late', { timeoutMs: 500 })).rejects.toMatchObject(
      failure(/^Cannot ask Envoy for \/late: no answer within 500 ms\.$/),
    );
    // As for a launch whose child has taken over: no other connection can be had.
    await rm(socketPath);
    const next = channel.request('GET', '/next');
    await letGo();
    await letGo();
    expect((await next).body.toString()).toBe('/next');
    expect(asked).toEqual(['/late', '/next']);
    expect(connections).toHaveLength(1);
  });

  test('never carries a question that was given up while it waited for its turn', async () => {
    const { asked, letGo } = await serveHeld();
    const slow = channel.request('GET', '/slow');
    await expect(channel.request('GET', '/impatient', { timeoutMs: 20 })).rejects.toMatchObject(
      failure('no answer within 20 ms'),
    );
    const patient = channel.request('GET', '/patient');
    await letGo();
    await letGo();
    expect((await slow).body.toString()).toBe('/slow');
    expect((await patient).body.toString()).toBe('/patient');
    expect(asked).toEqual(['/slow', '/patient']);
    expect(connections).toHaveLength(1);
  });

  test('outlives an answer that is too long', async () => {
    await serve((request, response) =>
      response.end(request.url === '/long' ? 'x'.repeat(1_000_000) : 'short'),
    );
    await expect(channel.request('GET', '/long', { maxBytes: 1_000 })).rejects.toMatchObject(
      failure('longer than 1000 bytes'),
    );
    await rm(socketPath);
    expect((await channel.request('GET', '/short')).body.toString()).toBe('short');
    expect(connections).toHaveLength(1);
  });

  test('is given up for an answer that has no end', async () => {
    const chunk = Buffer.alloc(1024 * 1024);
    await serve((request, response) => {
      if (request.url !== '/endless') return void response.end('short');
      const pour = () => {
        while (response.write(chunk));
      };
      response.on('drain', pour);
      pour();
    });
    await expect(channel.request('GET', '/endless')).rejects.toMatchObject(failure('longer than'));
    expect((await channel.request('GET', '/short')).body.toString()).toBe('short');
    expect(connections).toHaveLength(2);
  });

  test('is made anew after an answer that is none', async () => {
    let count = 0;
    await serve((_, response) => {
      count += 1;
      if (count > 1) return void response.end('back');
      response.writeHead(101, { connection: 'upgrade', upgrade: 'other' });
      response.end();
    });
    await expect(channel.request('GET', '/')).rejects.toMatchObject(failure('Cannot ask Envoy'));
    expect((await channel.request('GET', '/')).body.toString()).toBe('back');
  });

  test('bears a question without a time limit until it is closed', async () => {
    const { asked } = await serveHeld();
    const patient = channel.request('GET', '/patient', { timeoutMs: Number.POSITIVE_INFINITY });
    const waiting = channel.request('GET', '/waiting', { timeoutMs: Number.POSITIVE_INFINITY });
    await vi.waitUntil(() => asked.length === 1, PATIENCE);
    channel.close();
    await expect(patient).rejects.toMatchObject(failure('Cannot ask Envoy for /patient'));
    await expect(waiting).rejects.toMatchObject(failure('the channel is closed'));
    await expect(channel.request('GET', '/after')).rejects.toMatchObject(
      failure('the channel is closed'),
    );
    await vi.waitUntil(() => connections[0]?.destroyed, PATIENCE);
    expect(asked).toEqual(['/patient']);
    expect(connections).toHaveLength(1);
  });
});

describe('a request fails with one line', () => {
  const LATE = /no answer within 50 ms/;

  test.each<[string, () => Promise<void>, RegExp]>([
    ['there is no socket', async () => {}, /ENOENT/],
    ['it is never answered', () => serveRaw(() => {}), LATE],
    [
      'the answer dribbles in',
      () =>
        serve((_, response) => {
          const drip = setInterval(() => response.write('x'), 5);
          response.on('close', () => clearInterval(drip));
        }),
      LATE,
    ],
    ['the answer is garbage', () => serveRaw((socket) => socket.end('\0\xff garbage')), /Parse/],
    [
      'the connection is closed',
      () => serveRaw((socket) => socket.destroy()),
      /ECONNRESET|hang up/,
    ],
    [
      'the answer breaks off',
      () => serveRaw((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf')),
      /aborted|ECONNRESET/,
    ],
    [
      'the answer is too long',
      () => serve((_, response) => response.end('x'.repeat(2_000))),
      /^Cannot ask Envoy for \/stats: the answer is longer than 1000 bytes\.$/,
    ],
    [
      'its headers are too long',
      () => serve((_, response) => response.writeHead(200, { long: 'x'.repeat(50_000) }).end()),
      /Header overflow/,
    ],
  ])('when %s', async (_, begin, reason) => {
    await begin();
    const limits = { timeoutMs: reason === LATE ? 50 : PATIENCE.timeout, maxBytes: 1_000 };
    await expect(channel.request('GET', '/stats', limits)).rejects.toMatchObject(failure(reason));
  });

  test.each<[string, () => Promise<unknown>]>([
    ['a path that cannot be sent', () => channel.request('GET', '/a b\u{1f600}')],
    ['a method that cannot be sent', () => channel.request('GE T', '/')],
    [
      'a socket path that is too long',
      () => envoyAdmin.open(`/${'x'.repeat(200)}`).request('GET', '/'),
    ],
  ])('for %s', async (_, ask) => {
    await serve((_request, response) => response.end());
    await expect(ask()).rejects.toMatchObject(failure(/^Cannot ask Envoy for /));
  });

  test('when the channel is closed under it', async () => {
    await serveRaw(() => {});
    const asked = channel.request('GET', '/');
    await vi.waitFor(() => expect(connections).toHaveLength(1), PATIENCE);
    channel.close();
    channel.close();
    await expect(asked).rejects.toMatchObject(failure('Cannot ask Envoy'));
  });
});

describe('until it is LIVE', () => {
  /** An admin that says these states one after the other, the last one for good. */
  function serveStates(...states: readonly (readonly [state: string, epoch: number] | string)[]) {
    let count = 0;
    return serve((_, response) => {
      const said = states[Math.min(count++, states.length - 1)] ?? '';
      response.end(typeof said === 'string' ? said : serverInfo(...said));
    });
  }

  function serverInfo(state: string, epoch: number): string {
    return JSON.stringify({
      state,
      version: 'abc/1.40.0/Clean',
      hot_restart_version: '11.104',
      command_line_options: { restart_epoch: epoch },
    });
  }

  function watchEpoch(epoch: number) {
    const answers: string[] = [];
    const ended = new AbortController();
    const live = channel.untilLive(epochOf(epoch), {
      signal: ended.signal,
      onAnswer: (state) => void answers.push(state),
    });
    return { live, answers, ended };
  }

  test('tells what it says before, and ends with its server info', async () => {
    await serveStates(['PRE_INITIALIZING', 0], ['INITIALIZING', 0], ['LIVE', 0]);
    const { live, answers } = watchEpoch(0);
    expect(await live).toEqual({
      state: 'LIVE',
      epoch: 0,
      version: 'abc/1.40.0/Clean',
      hotRestartVersion: '11.104',
    });
    expect(answers).toEqual(['PRE_INITIALIZING', 'INITIALIZING']);
  });

  test('takes no notice of a LIVE at another epoch', async () => {
    await serveStates(['LIVE', 1], ['LIVE', 1], ['INITIALIZING', 2], ['LIVE', 2]);
    expect((await watchEpoch(2).live).epoch).toBe(2);
  });

  test.each(['', 'not JSON', 'null', '[]', '5', '{"command_line_options":"x"}', '{"state":{}}'])(
    'goes on after the answer %j',
    async (answer) => {
      await serveStates(answer, ['LIVE', 3]);
      expect((await watchEpoch(3).live).state).toBe('LIVE');
    },
  );

  test('goes on while there is no socket, while nobody listens and when it is hung up on', async () => {
    const { live } = watchEpoch(0);
    await serveRaw((socket) => socket.destroy());
    await vi.waitFor(() => expect(connections.length).toBeGreaterThan(1), PATIENCE);
    stopServer();
    await rm(socketPath, { force: true });
    await serveStates(['LIVE', 0]);
    expect((await live).state).toBe('LIVE');
  });

  test.each<[string, () => Promise<void>]>([
    ['nobody answers', () => serveRaw(() => {})],
    ['there is no socket', async () => {}],
    ['it says INITIALIZING', () => serveStates(['INITIALIZING', 0])],
  ])('ends when aborted while %s, with nothing left running', async (_, begin) => {
    await begin();
    const { live, answers, ended } = watchEpoch(0);
    if (server !== undefined) {
      await vi.waitFor(() => expect(connections).toHaveLength(1), PATIENCE);
    }
    const reason = new Error('gone');
    ended.abort(reason);
    await expect(live).rejects.toBe(reason);
    const count = answers.length;
    // A time limit ends no connection: what ended it is the abort.
    await vi.waitUntil(() => connections.every((socket) => socket.destroyed), PATIENCE);
    expect(answers).toHaveLength(count);
  });

  test('is over before it begins when aborted before', async () => {
    const aborted = AbortSignal.abort(new Error('gone'));
    const watch = { signal: aborted, onAnswer: () => {} };
    await expect(channel.untilLive(epochOf(0), watch)).rejects.toThrow('gone');
  });
});
