/** The kernel's switch for moving connections from the accept queue of a closing listener. */

import { readFileSync, writeFileSync } from 'node:fs';
import { messageOf } from '../core/agent-error.ts';

/** `set`: by us, just now. `off`: what waits in the queue of a closing listener is reset. */
export type TcpMigration =
  | { readonly state: 'on' | 'set' }
  | { readonly state: 'off'; readonly reason: string };

const SWITCH = '/proc/sys/net/ipv4/tcp_migrate_req';

/**
 * Whether it is on in the own network namespace; switches it on where `mayChange` and the system
 * allow it. It works for listeners that are open already and connections that wait already: the
 * kernel looks at it when a listener closes (tried on Linux 6.18: 158 of 300 waiting connections
 * kept without, 300 of 300 with). Never throws.
 */
export function tcpMigration(mayChange: boolean, path = SWITCH): TcpMigration {
  try {
    if (Number(readFileSync(path, 'utf8')) !== 0) return { state: 'on' };
    if (!mayChange) return { state: 'off', reason: 'it is 0, and Baton is not to change it' };
    writeFileSync(path, '1\n');
    return { state: 'set' };
  } catch (error) {
    return { state: 'off', reason: messageOf(error) };
  }
}
