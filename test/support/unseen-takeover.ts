/** A takeover that nobody saw: while the agent stands still its new Envoy is LIVE, and dies. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Unseen {
  readonly agent: {
    signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
    until(what: string, check: () => Promise<boolean>): Promise<unknown>;
  };
  /** Of the new Envoy, which is held before LIVE, and of which the agent knows. */
  readonly pid: number;
  readonly adminPath: string;
  /** Where the service is reached. */
  readonly port: number;
  letGo(): void;
}

/** Resolves when the agent runs again; by then neither Envoy takes a connection. */
export async function takeOverUnseen({ agent, pid, adminPath, port, letGo }: Unseen) {
  agent.signal('SIGSTOP');
  try {
    letGo();
    await agent.until('LIVE', async () => (await stateAt(adminPath)) === 'LIVE');
    process.kill(pid, 'SIGKILL');
    await agent.until('the takeover', () => isRefused(port));
  } finally {
    agent.signal('SIGCONT');
  }
}

function stateAt(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/ready', agent: false }, (answer) => {
      text(answer).then((body) => resolve(body.trim()), reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', ({ code }: NodeJS.ErrnoException) =>
      code === 'ECONNREFUSED' ? resolve(true) : reject(new Error(code)),
    );
  });
}
