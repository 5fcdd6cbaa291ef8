/** Locks that need no file and leave nothing behind: abstract unix socket names (Linux). */
import { createServer } from 'node:net';
import type { Cancel, NameLocks } from '../ports.ts';

/** The whole of `sun_path`. Node 20 pads a shorter name to it and Node 24 does not: we always do. */
const ADDRESS_BYTES = 108;

export function createNameLocks(): NameLocks {
  return { take };
}

/** Rejects with the system's error when a name can't be bound at all (no such sockets, no files). */
function take(name: string): Promise<Cancel | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((peer) => peer.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(`\0${name}`.padEnd(ADDRESS_BYTES, '\0'), () => {
      server.unref();
      resolve(() => server.close());
    });
  });
}
