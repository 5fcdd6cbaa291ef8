import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { monotonicMs, type Target } from '../../bench/judge/connection.ts';
import {
  type Ledger,
  openBook,
  REQUEST_CLASSES,
  type RequestClass,
  type Row,
} from '../../bench/judge/ledger.ts';
import { type LoadSpec, startLoad } from '../../bench/judge/load.ts';
import { startLoadApart } from '../../bench/judge/load-apart.ts';
import { type Authority, issueAuthority } from '../support/certificates.ts';
import {
  type Drop,
  type DroppingProxy,
  type DroppingProxyOptions,
  startDroppingProxy,
} from '../support/dropping-proxy.ts';

const PATIENCE = { timeout: 20_000, interval: 10 };

const proxies: DroppingProxy[] = [];

afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
});

async function startProxy(options?: DroppingProxyOptions) {
  const proxy = await startDroppingProxy(options);
  proxies.push(proxy);
  return proxy;
}

const plain = (proxy: DroppingProxy): Target => ({
  host: '127.0.0.1',
  port: proxy.port,
  echoesLedgerId: true,
});

/** Loads the target until `isEnough` and returns the ledger with every row. */
async function judge(
  spec: Pick<LoadSpec, 'target'> & Partial<LoadSpec>,
  isEnough: (sent: number) => boolean = (sent) => sent >= 200,
): Promise<{ ledger: Ledger; rows: readonly Row[] }> {
  const rows: Row[] = [];
  const load = startLoad({ requestsPerSecond: 400, ...spec }, (row) => rows.push(row));
  await vi.waitUntil(() => isEnough(load.progress().sent), PATIENCE);
  return { ledger: await load.stop(), rows };
}

function expectExactly(ledger: Ledger, expected: Partial<Record<RequestClass, number>>) {
  const lost = Object.values(expected).reduce((sum, count) => sum + count, 0);
  const none = Object.fromEntries(REQUEST_CLASSES.map((name) => [name, 0]));
  expect(ledger.counts).toEqual({ ...none, ok: ledger.sent - lost, ...expected });
  expect(ledger.lost).toBe(lost);
}

describe('judge', () => {
  test('judge reports nothing lost when nothing is dropped', async () => {
    const proxy = await startProxy();
    const { ledger, rows } = await judge({ target: plain(proxy) });

    expectExactly(ledger, {});
    expect(ledger.counts.ok).toBe(proxy.answered());
    expect(ledger.connectionsOpened).toBe(proxy.connectionsAccepted());
    expect(ledger.churn).toEqual({ staleClose: 0, announcedClose: 0 });
    expect(rows.map((row) => row.id).sort((a, b) => a - b)).toEqual([...rows.keys()]);
  });

  test('judge sends the asked share on new connections and the rest on kept ones', async () => {
    const proxy = await startProxy();
    const { ledger, rows } = await judge({ target: plain(proxy), keptConnectionCount: 8 });

    const kept = rows.filter((row) => row.kind === 'kept');
    expect(Math.abs(ledger.sent - 2 * ledger.onNewConnections)).toBeLessThanOrEqual(1);
    expect(new Set(kept.map((row) => row.connection)).size).toBeGreaterThanOrEqual(8);
    expect(kept.filter((row) => !row.isFirst).length).toBeGreaterThan(0);
    expect(rows.filter((row) => row.kind === 'new').every((row) => row.isFirst)).toBe(true);
  });

  test.each<[Drop, RequestClass]>([
    ['resetAfterAccept', 'refused'],
    ['closeBeforeHeaders', 'noAnswer'],
    ['cutMidHead', 'cutMidResponse'],
    ['cutMidBody', 'cutMidResponse'],
    ['answer503', 'proxyError'],
    ['answerAnother', 'wrongAnswer'],
    ['answerGarbage', 'wrongAnswer'],
    ['neverAnswer', 'timedOut'],
  ])(
    'judge reports exactly the dropped ones when the proxy does %s: %s',
    async (drop, expected) => {
      const proxy = await startProxy();
      proxy.plan(drop, 7);
      const { ledger } = await judge({ target: plain(proxy), timeoutMs: 1_000 });

      expect(proxy.dropped(drop)).toBe(7);
      expectExactly(ledger, { [expected]: 7 });
      expect(ledger.counts.ok).toBe(proxy.answered());
      expect(ledger.lostRows).toHaveLength(7);
    },
  );

  test('judge reports what was reset on a kept connection as not answered', async () => {
    const proxy = await startProxy();
    const rows: Row[] = [];
    const target = plain(proxy);
    const spec = { target, requestsPerSecond: 400, newConnectionShare: 0, keptConnectionCount: 4 };
    const load = startLoad(spec, (row) => rows.push(row));
    await vi.waitUntil(
      () => rows.some((row) => !row.isFirst) && load.progress().sent > 20,
      PATIENCE,
    );
    proxy.plan('resetBeforeHeaders', 3);
    await vi.waitUntil(() => proxy.dropped('resetBeforeHeaders') === 3, PATIENCE);
    const ledger = await load.stop();

    const onFirst = rows.filter((row) => row.class !== 'ok' && row.isFirst).length;
    expectExactly(ledger, { noAnswer: 3 - onFirst, refused: onFirst });
  });

  test('judge loses what waits in vain for a kept connection and never writes it twice', async () => {
    const proxy = await startProxy();
    proxy.plan('neverAnswer', 1_000);
    const spec = { target: plain(proxy), newConnectionShare: 0, keptConnectionCount: 2 };
    const { ledger, rows } = await judge({ ...spec, timeoutMs: 300 });

    expect(ledger.lost).toBe(ledger.sent);
    expect(ledger.counts.timedOut).toBeGreaterThan(0);
    const written = rows.filter((row) => row.writtenMs !== undefined).length;
    expect(proxy.dropped('neverAnswer')).toBeLessThanOrEqual(written);
  });

  test('judge reports every refused connection and the gap when the port is closed', async () => {
    const proxy = await startProxy();
    const load = startLoad({
      target: plain(proxy),
      requestsPerSecond: 400,
      newConnectionShare: 1,
    });
    await vi.waitUntil(() => load.progress().counts.ok >= 20, PATIENCE);
    await proxy.refuse();
    await vi.waitUntil(() => load.progress().counts.refused >= 20, PATIENCE);
    // By now what was under way when the port was closed has been answered.
    const downFromMs = monotonicMs();
    await vi.waitUntil(() => load.progress().counts.refused >= 40, PATIENCE);
    const downForMs = monotonicMs() - downFromMs;
    await proxy.listen();
    const okBefore = load.progress().counts.ok;
    await vi.waitUntil(() => load.progress().counts.ok >= okBefore + 20, PATIENCE);
    const ledger = await load.stop();

    expectExactly(ledger, { refused: ledger.sent - proxy.answered() });
    expect(downForMs).toBeGreaterThan(0);
    expect(ledger.longestGap.ms).toBeGreaterThanOrEqual(downForMs);
  });

  test.each<[Drop, 'staleClose' | 'announcedClose']>([
    ['closeWhenIdle', 'staleClose'],
    ['announceClose', 'announcedClose'],
  ])('judge counts churn and no loss when the proxy does %s', async (drop, churn) => {
    const proxy = await startProxy();
    proxy.plan(drop, 5);
    const { ledger } = await judge({ target: plain(proxy), newConnectionShare: 0 });

    expect(proxy.dropped(drop)).toBe(5);
    expectExactly(ledger, {});
    expect(ledger.churn).toEqual({ staleClose: 0, announcedClose: 0, [churn]: 5 });
    expect(ledger.connectionsOpened).toBe(proxy.connectionsAccepted());
  });

  test('judge closes its sums when drops of every kind come in a random order', async () => {
    const proxy = await startProxy();
    const classes = {
      resetAfterAccept: 'refused',
      closeBeforeHeaders: 'noAnswer',
      cutMidHead: 'cutMidResponse',
      cutMidBody: 'cutMidResponse',
      answer503: 'proxyError',
      neverAnswer: 'timedOut',
      answerAnother: 'wrongAnswer',
    } as const;
    const drops = Object.keys(classes) as (keyof typeof classes)[];
    for (let count = 0; count < 120; count += 1) {
      proxy.plan(drops[Math.floor(Math.random() * drops.length)] ?? 'answer503', 1);
    }
    const { ledger } = await judge({ target: plain(proxy), timeoutMs: 1_000 }, (n) => n >= 300);

    const expected: Partial<Record<RequestClass, number>> = {};
    for (const drop of drops) {
      expected[classes[drop]] = (expected[classes[drop]] ?? 0) + proxy.dropped(drop);
    }
    expectExactly(ledger, expected);
    expect(ledger.counts.ok).toBe(proxy.answered());
  });

  test('judge declares the run void when the generator itself was held up', async () => {
    const proxy = await startProxy();
    const load = startLoad({ target: plain(proxy), requestsPerSecond: 400 });
    await vi.waitUntil(() => load.progress().counts.ok >= 20, PATIENCE);
    // The generator shares this thread: nothing is sent meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120);
    await vi.waitUntil(() => load.progress().missedSchedule > 0, PATIENCE);
    const ledger = await load.stop();

    expect(ledger.isVoid).toBe(true);
    expectExactly(ledger, {});
  });

  test('judge writes on no connection that was closed while it was held up', async () => {
    const isClosed = new Int32Array(new SharedArrayBuffer(4));
    const server = new Worker(SERVER_APART, { eval: true, workerData: isClosed });
    onTestFinished(() => void server.terminate());
    const [port] = await once(server, 'message');
    const spec = { requestsPerSecond: 400, newConnectionShare: 0, keptConnectionCount: 4 };
    const load = startLoad({ target: { host: '127.0.0.1', port }, ...spec });
    const { ok } = await vi.waitUntil(() => {
      const { sent, counts } = load.progress();
      return counts.ok >= 20 && sent === counts.ok && counts;
    });

    server.postMessage('close');
    Atomics.wait(isClosed, 0, 0);
    await vi.waitUntil(() => load.progress().sent >= ok + 20, PATIENCE);
    const ledger = await load.stop();

    expectExactly(ledger, {});
    expect(ledger.churn).toEqual({ staleClose: 4, announcedClose: 0 });
  });
});

/** A thread of its own that answers every request, and closes what is open when it is told to. */
const SERVER_APART = `
const { createServer } = require('node:http');
const { parentPort, workerData: isClosed } = require('node:worker_threads');
const server = createServer((_, answer) => answer.end('served'));
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
parentPort.on('message', () => {
  server.closeAllConnections();
  Atomics.store(isClosed, 0, 1);
  Atomics.notify(isClosed, 0);
});
`;

describe('judge over TLS', () => {
  let authority: Authority;

  beforeAll(async () => {
    authority = await issueAuthority();
  });

  async function startTlsProxy() {
    const { certificatePem: cert, keyPem: key } = await authority.issueLeaf({
      commonName: 'judge.test',
    });
    return startProxy({ tls: { cert, key } });
  }

  const secured = (proxy: DroppingProxy, trusted: Authority): Target => ({
    ...plain(proxy),
    tls: { ca: trusted.certificatePem, servername: 'judge.test' },
  });

  test('judge reports nothing lost when nothing is dropped', async () => {
    const proxy = await startTlsProxy();
    const { ledger } = await judge({ target: secured(proxy, authority) });

    expectExactly(ledger, {});
    expect(ledger.counts.ok).toBe(proxy.answered());
  });

  test.each<[Drop, RequestClass]>([
    ['resetAfterAccept', 'refused'],
    ['closeInHandshake', 'handshakeFailed'],
    ['closeBeforeHeaders', 'noAnswer'],
    ['cutMidBody', 'cutMidResponse'],
  ])(
    'judge reports exactly the dropped ones when the proxy does %s: %s',
    async (drop, expected) => {
      const proxy = await startTlsProxy();
      proxy.plan(drop, 7);
      const { ledger } = await judge({ target: secured(proxy, authority) });

      expect(proxy.dropped(drop)).toBe(7);
      expectExactly(ledger, { [expected]: 7 });
    },
  );

  test('judge reports every handshake as failed when the chain leads elsewhere', async () => {
    const proxy = await startTlsProxy();
    const { ledger } = await judge({ target: secured(proxy, await issueAuthority()) });

    expectExactly(ledger, { handshakeFailed: ledger.sent });
  });
});

describe('judge in a process of its own', () => {
  test('judge reports what was dropped, and what it sent so far meanwhile', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'judge-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const outfile = join(folder, 'load.mjs');
    const entryPoints = [new URL('../../bench/judge/load-process.ts', import.meta.url).pathname];
    await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm' });
    const proxy = await startProxy();
    proxy.plan('cutMidBody', 3);
    const spec = { target: plain(proxy), requestsPerSecond: 400 };
    const load = await startLoadApart(spec, pathToFileURL(outfile));
    onTestFinished(() => load.abandon());
    await vi.waitUntil(() => load.progress().lost === 3 && load.progress().sent >= 50, PATIENCE);
    const ledger = await load.stop();

    expectExactly(ledger, { cutMidResponse: 3 });
    expect(ledger.counts.ok).toBe(proxy.answered());
  });
});

describe('ledger', () => {
  const row = (id: number): Row => ({
    id,
    connection: 1,
    kind: 'new',
    isFirst: true,
    intendedMs: 0,
    begunMs: 0,
    endMs: 1,
    bytesSent: 10,
    bytesReceived: 10,
    class: 'ok',
  });

  test('ledger throws when a request was never settled', () => {
    const book = openBook(0);
    book.begin();
    expect(() => book.close(10)).toThrow('1 sent, 0 accounted for');
  });

  test('ledger throws when a request is settled twice', () => {
    const book = openBook(0);
    book.begin();
    book.settle(row(0));
    expect(() => book.settle(row(0))).toThrow('settled before');
  });
});
