/** The service behind the proxy, in a process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Upstream {
  readonly port: number;
  /** Requests it has seen so far. */
  servedCount(): Promise<number>;
  close(): void;
}

/** @throws Error when it does not listen within ten seconds. */
export async function startUpstream(): Promise<Upstream> {
  const entry = fileURLToPath(new URL('./bench-upstream.mjs', import.meta.url));
  const child = fork(entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const nextMessage = async () => {
    const [message] = await once(child, 'message', { signal: AbortSignal.timeout(10_000) });
    return message as { readonly port: number; readonly count: number };
  };
  const { port } = await nextMessage();
  return {
    port,
    async servedCount() {
      child.send({ type: 'served?' });
      return (await nextMessage()).count;
    },
    close() {
      child.kill('SIGKILL');
    },
  };
}
