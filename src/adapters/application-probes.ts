/** Asks the application what the kubelet would ask it: over HTTP, by a TCP connection, or by gRPC. */
import type { ApplicationAnswer, ApplicationProbes, ApplicationQuestion } from '../ports.ts';
import { askHttp } from './application-probes/http-get.ts';
import { askTcp } from './application-probes/tcp-socket.ts';

/** Every question goes over a connection of its own, as the kubelet's do. */
export const applicationProbes: ApplicationProbes = {
  ask: (question, signal) =>
    askOne(question, signal).catch((error: unknown) => ({
      isAnswered: false,
      reason: signal.aborted ? String(signal.reason) : reasonIn(error),
    })),
};

async function askOne(
  question: ApplicationQuestion,
  signal: AbortSignal,
): Promise<ApplicationAnswer> {
  switch (question.kind) {
    case 'httpGet':
      return askHttp(question, signal);
    case 'tcpSocket':
      return askTcp(question, signal);
    case 'grpc': {
      const { askGrpc } = await import('./application-probes/grpc-health.ts');
      return askGrpc(question, signal);
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'it closed the connection',
  EAI_AGAIN: 'its name is not known',
  ENOTFOUND: 'its name is not known',
};

/** Without the address, which is no business of whoever asked. */
function reasonIn(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return message;
  return REASONS[code] === undefined ? code : `${REASONS[code]} (${code})`;
}
