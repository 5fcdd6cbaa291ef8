import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { mayHoldConnection } from '../../src/adapters/peer-process.ts';

const PATIENCE = { timeout: 20_000 };

let server: Server;
let children: ChildProcess[];
let ours: Socket[];

beforeEach(() => {
  children = [];
  ours = [];
});

afterEach(async () => {
  for (const socket of ours) socket.destroy();
  for (const child of children) {
    const ended = once(child, 'exit');
    if (child.kill('SIGKILL')) await ended;
  }
  await new Promise((resolve) => server.close(resolve));
});

async function listen(host: string): Promise<number> {
  server = createServer().listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** @returns the end that was accepted */
async function accepted(begin: () => unknown): Promise<Socket> {
  const connection = once(server, 'connection');
  begin();
  const [socket] = (await connection) as [Socket];
  socket.on('error', () => undefined);
  ours.push(socket);
  return socket;
}

/** A process that connects and stays. */
function connectingChild(port: number, host: string): ChildProcess {
  const script = `require('node:net').connect(${port}, '${host}')`;
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  children.push(child);
  return child;
}

function portsOf({ remotePort: peerPort = 0, localPort = 0 }: Socket) {
  return { peerPort, localPort };
}

describe('the process at the other end', () => {
  test.each([
    ['IPv4', '127.0.0.1', '127.0.0.1'],
    ['IPv4 at a listener of both', '::', '127.0.0.1'],
    ['IPv6', '::1', '::1'],
  ])('is found by its connection, by %s', async (_, listened, connected) => {
    const port = await listen(listened);
    let child: ChildProcess | undefined;
    const socket = await accepted(() => {
      child = connectingChild(port, connected);
    });
    const pid = child?.pid ?? 0;

    expect(await mayHoldConnection([pid], portsOf(socket))).toBe(true);
    expect(await mayHoldConnection([process.ppid], portsOf(socket))).toBe(false);
  });

  test('is not another one that has a connection to the same port', async () => {
    const port = await listen('127.0.0.1');
    let child: ChildProcess | undefined;
    await accepted(() => {
      child = connectingChild(port, '127.0.0.1');
    });
    const own = await accepted(() => ours.push(connect(port, '127.0.0.1')));

    expect(await mayHoldConnection([child?.pid ?? 0], portsOf(own))).toBe(false);
    expect(await mayHoldConnection([process.pid], portsOf(own))).toBe(true);
  });

  test('is not a process that is gone', async () => {
    const port = await listen('127.0.0.1');
    const own = await accepted(() => ours.push(connect(port, '127.0.0.1')));
    expect(await mayHoldConnection([2 ** 22 + 1], portsOf(own))).toBe(false);
  });

  test.each(['FIN', 'RST'])('may have been any of them once it is closed, by %s', async (how) => {
    const port = await listen('127.0.0.1');
    const own = await accepted(() => ours.push(connect(port, '127.0.0.1')));
    const ports = portsOf(own);
    const [other] = ours;
    if (how === 'FIN') other?.destroy();
    else other?.resetAndDestroy();
    await vi.waitFor(() => expect(other?.closed).toBe(true), PATIENCE);

    expect(await mayHoldConnection([process.ppid], ports)).toBe(true);
  });

  test('may have been any of them when it is closed while its holder is looked for', async () => {
    const port = await listen('127.0.0.1');
    const own = await accepted(() => ours.push(connect(port, '127.0.0.1')));
    const asked = mayHoldConnection(Array(200).fill(process.ppid), portsOf(own));
    // The tables have been read by then, and hardly a process has been.
    await Promise.all([readFile('/proc/self/net/tcp'), readFile('/proc/self/net/tcp6')]);
    ours[0]?.resetAndDestroy();

    expect(await asked).toBe(true);
  });
});
