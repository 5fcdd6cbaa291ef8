/** Small clients that ask one thing once. */
import http from 'node:http';
import tls from 'node:tls';
import { monotonicMs, openConnection, type RequestEnd, type Target } from './judge/connection.ts';

/** One request on a connection of its own. */
export function askOnce(target: Target, timeoutMs = 1000): Promise<RequestEnd> {
  return new Promise((resolve) => {
    const secureContext =
      target.tls === undefined ? undefined : tls.createSecureContext(target.tls);
    const connection = openConnection({ target, secureContext, onIdleClose: () => undefined });
    connection.request({ id: 0, timeoutMs, isLast: true }, (end) => {
      connection.drop();
      resolve(end);
    });
  });
}

export interface SerialSighting {
  /** Upper-case hexadecimal; absent when the handshake failed. */
  readonly serialNumber?: string;
  /** When the handshake was over, monotonic milliseconds. */
  readonly atMs: number;
}

/** One full handshake: which certificate is served. */
export function seeSerial(target: Required<Target>['tls'] & { port: number }) {
  return new Promise<SerialSighting>((resolve) => {
    const { port, servername, ca } = target;
    const socket = tls.connect({ host: '127.0.0.1', port, servername, ca, timeout: 1000 });
    const settle = (serialNumber?: string) => {
      socket.destroy();
      const atMs = monotonicMs();
      resolve(serialNumber === undefined ? { atMs } : { serialNumber, atMs });
    };
    socket.once('secureConnect', () => settle(socket.getPeerCertificate().serialNumber));
    socket.once('error', () => settle());
    socket.once('timeout', () => settle());
  });
}

/** GET over TCP or a unix socket. @throws Error when there is no full answer within a second. */
export function get(
  where: { readonly port: number } | { readonly socketPath: string },
  path: string,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const options = { ...where, path, host: '127.0.0.1', agent: false, timeout: 1000 };
    const request = http.get(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, body });
      });
    });
    request.on('timeout', () => request.destroy(new Error('Cannot wait longer for an answer.')));
    request.on('error', reject);
  });
}
