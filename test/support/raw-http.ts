/** HTTP as text, for what no client would send. */
import { once } from 'node:events';
import { createConnection } from 'node:net';

export interface RawTarget {
  readonly port: number;
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** Where it comes from. @default the kernel's choice */
  readonly localAddress?: string;
}

/** Sends it, and answers with all that comes until the other end closes, or resets. */
export async function exchangeText(target: RawTarget, text: string | Buffer): Promise<string> {
  const socket = createConnection({ host: '127.0.0.1', ...target });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write(text);
  await closed;
  return Buffer.concat(chunks).toString('latin1');
}

/** The statuses of the answers in it, in order. */
export function statusesIn(text: string): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
