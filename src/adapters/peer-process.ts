/** Whose a connection within this machine is: the kernel tells by what a process has open. */
import { readdir, readFile, readlink } from 'node:fs/promises';

export interface ConnectionPorts {
  /** Of the other end. */
  readonly peerPort: number;
  /** Of ours. */
  readonly localPort: number;
}

const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/**
 * Whether one of these processes holds the other end of a connection to us. False also where the
 * kernel does not say: what a process has open is hidden when it has more rights than we have.
 */
export async function holdsConnection(
  pids: readonly number[],
  ports: ConnectionPorts,
): Promise<boolean> {
  const tables = await Promise.all(TABLES.map((path) => readFile(path, 'utf8').catch(() => '')));
  const links = new Set(tables.flatMap((table) => inodesIn(table, ports)).map(linkOf));
  if (links.size === 0) return false;
  const held = await Promise.all(pids.map((pid) => holdsOne(pid, links)));
  return held.includes(true);
}

const linkOf = (inode: string) => `socket:[${inode}]`;

/** Of sockets whose own port is the peer's and whose other end has ours, whatever the addresses. */
function inodesIn(table: string, { peerPort, localPort }: ConnectionPorts): readonly string[] {
  const row = new RegExp(`:${hex(peerPort)} [0-9A-F]+:${hex(localPort)} `);
  const rows = table.split('\n').filter((line) => row.test(line));
  return rows.flatMap((line) => line.trim().split(/ +/)[INODE_COLUMN] ?? []);
}

const INODE_COLUMN = 9;

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

async function holdsOne(pid: number, links: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    // What is closed meanwhile was another one.
    if (links.has(await readlink(`${folder}/${name}`).catch(() => ''))) return true;
  }
  return false;
}
