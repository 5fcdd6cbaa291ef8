/** Requests as the listeners hand them to the routes. */
import type { HttpRequest } from '../../src/ports.ts';

/** A GET from this machine, unless told otherwise. */
export function httpRequest(facts: Partial<HttpRequest> & { target: string }): HttpRequest {
  return {
    method: 'GET',
    transport: 'tcp',
    peer: '127.0.0.1',
    peerPort: 40_000,
    localAddress: '127.0.0.1',
    localPort: 15_020,
    headers: { host: ['localhost:15020'] },
    body: Buffer.alloc(0),
    ...facts,
  };
}
