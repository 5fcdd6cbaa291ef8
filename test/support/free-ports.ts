/** Ports that nobody has, and that no two tests of a run are given at once. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

/** Above the ports that Baton has by default. */
const FIRST = 16_000;
/** A worker's share is this much of the range: enough for the longest test file several times over. */
const SHARE = 250;

interface Range {
  readonly from: number;
  readonly count: number;
}

const range = rangeOfWorker();
/** Walks round the range, so that a port comes again only after all the others. */
let next = Math.floor(Math.random() * range.count);

/**
 * Ports that are free on every address and differ from each other and from those given before. All
 * are held until the last is chosen. They lie below the range that outgoing connections take theirs
 * from, in a part of it that no other worker of the test run chooses from; for two runs at a time on
 * one machine, `TEST_FIRST_PORT_SHARE=30` keeps the second one out of the way of the first.
 *
 * @throws Error when the worker's whole range is taken.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held = new Map<number, Server>();
  try {
    for (let tried = 0; held.size < count; tried += 1) {
      if (tried === range.count) throw new Error(`Cannot find ${count} free ports: none is left.`);
      const port = range.from + next;
      next = (next + 1) % range.count;
      const server = await listenOn(port);
      if (server !== undefined) held.set(port, server);
    }
    return [...held.keys()];
  } finally {
    await Promise.all([...held.values()].map((server) => once(server.close(), 'close')));
  }
}

function rangeOfWorker(): Range {
  const ephemeral = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
  const end = Number.parseInt(ephemeral, 10);
  const shares = Math.floor((end - FIRST) / SHARE);
  if (shares < 1) throw new Error(`Cannot choose ports: none is left between ${FIRST} and ${end}.`);
  const worker = Number(process.env['VITEST_POOL_ID'] ?? 0);
  // Envoys of two test runs would share a port, and each get half of the other's requests.
  const firstShare = Number(process.env['TEST_FIRST_PORT_SHARE'] ?? 0);
  return { from: FIRST + ((firstShare + worker) % shares) * SHARE, count: SHARE };
}

/** Absent when someone listens there on any address. */
async function listenOn(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port);
  return await once(server, 'listening').then(
    () => server,
    () => undefined,
  );
}
