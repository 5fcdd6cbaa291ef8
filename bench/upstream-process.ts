/** Entry of the upstream's own process: answers everything, repeats the ledger's id, counts. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

let servedCount = 0;

const server = http.createServer((request, response) => {
  servedCount += 1;
  const id = request.headers['x-ledger-id'];
  if (id !== undefined) response.setHeader('x-ledger-id', id);
  response.setHeader('content-length', '7');
  response.end('served\n');
});
// Longer than the proxy keeps idle connections to it: the upstream must not be the one who closes.
server.keepAliveTimeout = 3_600_000;
server.requestTimeout = 0;
server.listen(0, '127.0.0.1', () => {
  process.send?.({ type: 'listening', port: (server.address() as AddressInfo).port });
});

process.on('message', () => process.send?.({ type: 'served', count: servedCount }));
process.on('disconnect', () => process.exit(0));
