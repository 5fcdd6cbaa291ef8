/** The judge in a process of its own, so that what the bench does does not delay it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Ledger, LedgerSoFar } from './ledger.ts';
import type { Load, LoadSpec } from './load.ts';

export type ToLoadProcess =
  | { readonly type: 'start'; readonly spec: LoadSpec }
  | { readonly type: 'stop' };

export type FromLoadProcess =
  | { readonly type: 'progress'; readonly soFar: LedgerSoFar }
  | { readonly type: 'ledger'; readonly ledger: Ledger }
  | { readonly type: 'failed'; readonly message: string };

export interface LoadApart extends Load {
  /** Ends its process without a ledger; does nothing after `stop`. */
  abandon(): void;
}

/** Longer than any request's time-out. */
const STOP_DEADLINE_MS = 30_000;

/**
 * Like `startLoad`, once the process of `entry` (the built load-process.ts) sends.
 * @throws Error when it does not within ten seconds.
 */
export async function startLoadApart(spec: LoadSpec, entry: URL): Promise<LoadApart> {
  const child = fork(fileURLToPath(entry), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  let soFar: LedgerSoFar | undefined;
  child.on('message', (message: FromLoadProcess) => {
    if (message.type === 'progress') soFar = message.soFar;
  });
  tell(child, { type: 'start', spec });
  await once(child, 'message', { signal: AbortSignal.timeout(10_000) }).catch((cause) => {
    child.kill('SIGKILL');
    throw new Error('Cannot start the load: its process says nothing.', { cause });
  });

  return {
    abandon: () => void child.kill('SIGKILL'),
    progress() {
      if (soFar === undefined) throw new Error('Cannot tell progress: nothing was reported.');
      return soFar;
    },
    async stop() {
      tell(child, { type: 'stop' });
      try {
        return await ledgerFrom(child);
      } finally {
        child.kill('SIGKILL');
      }
    },
  };
}

function ledgerFrom(child: ChildProcess): Promise<Ledger> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => reject(new Error(`Cannot get the ledger: ${reason}.`));
    const timer = setTimeout(() => fail('no answer in time'), STOP_DEADLINE_MS);
    child.once('exit', () => fail('its process is gone'));
    child.on('message', (message: FromLoadProcess) => {
      if (message.type === 'progress') return;
      clearTimeout(timer);
      if (message.type === 'ledger') resolve(message.ledger);
      else fail(message.message);
    });
  });
}

function tell(child: ChildProcess, message: ToLoadProcess) {
  child.send(message);
}
