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
 * Whether one of these processes may hold the other end of a connection to us: it does, or the other
 * end is closed already, and nobody can tell any more whose it was. False where the kernel does not
 * say: what a process has open is hidden when it has more rights than we have.
 */
export async function mayHoldConnection(
  pids: readonly number[],
  ports: ConnectionPorts,
): Promise<boolean> {
  const links = await linksOf(ports);
  if (links === undefined) return false;
  const held = await Promise.all(pids.map((pid) => holdsOne(pid, links)));
  return held.includes(true) || !(await areStillOpen(links, ports));
}

/** As a process has them open; undefined when the kernel does not say. */
async function linksOf(ports: ConnectionPorts): Promise<ReadonlySet<string> | undefined> {
  const tables = await Promise.all(
    TABLES.map((path) => readFile(path, 'utf8').catch(() => undefined)),
  );
  const told = tables.filter((table) => table !== undefined);
  if (told.length === 0) return undefined;
  return new Set(told.flatMap((table) => inodesIn(table, ports)).map(linkOf));
}

/** One that was closed while we looked for its holder was not found with anybody. */
async function areStillOpen(links: ReadonlySet<string>, ports: ConnectionPorts): Promise<boolean> {
  const now = await linksOf(ports);
  return links.size > 0 && [...links].every((link) => now?.has(link));
}

const linkOf = (inode: string) => `socket:[${inode}]`;

/** Of sockets whose own port is the peer's and whose other end has ours, whatever the addresses. */
function inodesIn(table: string, { peerPort, localPort }: ConnectionPorts): readonly string[] {
  const row = new RegExp(`:${hex(peerPort)} [0-9A-F]+:${hex(localPort)} `);
  const rows = table.split('\n').filter((line) => row.test(line));
  const inodes = rows.flatMap((line) => line.trim().split(/ +/)[INODE_COLUMN] ?? []);
  return inodes.filter((inode) => inode !== CLOSED);
}

const INODE_COLUMN = 9;
/** No process has it open: only the kernel still has to do with it. */
const CLOSED = '0';

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
