/** A service whose every answer takes three seconds, and a bootstrap that leads to it. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as passed } from 'node:timers/promises';
import { serviceBootstrap } from '../../../test/support/service-bootstrap.ts';

export interface SlowService {
  readonly bootstrapPath: string;
  readonly answersAfterMs: number;
  /** So that thirty are under way, and a kept connection is free for each that wants one. */
  readonly requestsPerSecond: number;
  close(): Promise<void>;
}

const ANSWERS_AFTER_MS = 3_000;

/** `port` is where Envoy is to listen. */
export async function startSlowService(options: {
  readonly port: number;
  readonly folder: string;
}): Promise<SlowService> {
  const server = createServer(async (request, response) => {
    await passed(ANSWERS_AFTER_MS);
    response.setHeader('x-ledger-id', request.headers['x-ledger-id'] ?? '');
    response.setHeader('content-length', '7');
    response.end('served\n');
  });
  server.keepAliveTimeout = 3_600_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const upstreamPort = (server.address() as AddressInfo).port;
  const bootstrapPath = join(options.folder, 'slow-service.json');
  const bootstrap = serviceBootstrap({ port: options.port, upstreamPort });
  await writeFile(bootstrapPath, JSON.stringify(bootstrap), { mode: 0o600 });
  return {
    bootstrapPath,
    answersAfterMs: ANSWERS_AFTER_MS,
    requestsPerSecond: 10,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
