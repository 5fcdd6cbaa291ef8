/** A port at which someone listens is all that a TCP probe asks for. */
import { connect } from 'node:net';
import type { ApplicationAnswer, PortQuestion } from '../../ports.ts';

/** @throws what kept the connection from being made */
export function askTcp(question: PortQuestion, signal: AbortSignal): Promise<ApplicationAnswer> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const { host, port, localAddress } = question;
    const from = localAddress === undefined ? {} : { localAddress };
    const socket = connect({ host, port, ...from, signal });
    socket.once('connect', () => {
      socket.destroy();
      resolve({ isAnswered: true, status: 200, body: Buffer.alloc(0) });
    });
    socket.once('error', reject);
  });
}
