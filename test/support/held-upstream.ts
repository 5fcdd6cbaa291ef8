/** The service behind Envoy: answers at once, except on /held, where it waits for the test. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Upstream {
  readonly port: number;
  /** Requests under way on /held. */
  heldCount(): number;
  /** Answers all of them; later ones are answered at once. */
  letGo(): void;
  close(): Promise<void>;
}

export async function startUpstream(): Promise<Upstream> {
  const held = new Set<ServerResponse>();
  let isHolding = true;
  const server = createServer((request, response) => {
    const id = request.headers['x-ledger-id'];
    if (id !== undefined) response.setHeader('x-ledger-id', id);
    if (request.url !== '/held' || !isHolding) return response.end('served\n');
    held.add(response);
    response.on('close', () => held.delete(response));
    return undefined;
  });
  // Longer than Envoy keeps idle connections to it: it must not be the one who closes.
  server.keepAliveTimeout = 3_600_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    heldCount: () => held.size,
    letGo() {
      isHolding = false;
      for (const response of held) response.end('held\n');
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
