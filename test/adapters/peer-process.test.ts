import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { holdsConnection } from '../../src/adapters/peer-process.ts';

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

    expect(await holdsConnection([pid], portsOf(socket))).toBe(true);
    expect(await holdsConnection([process.ppid], portsOf(socket))).toBe(false);
  });

  test('is not another one that has a connection to the same port', async () => {
    const port = await listen('127.0.0.1');
    let child: ChildProcess | undefined;
    await accepted(() => {
      child = connectingChild(port, '127.0.0.1');
    });
    const own = await accepted(() => ours.push(connect(port, '127.0.0.1')));

    expect(await holdsConnection([child?.pid ?? 0], portsOf(own))).toBe(false);
    expect(await holdsConnection([process.pid], portsOf(own))).toBe(true);
  });

  test('is nobody where the process or the connection is gone', async () => {
    const port = await listen('127.0.0.1');
    expect(await holdsConnection([2 ** 22 + 1], { peerPort: 1, localPort: port })).toBe(false);
  });
});
