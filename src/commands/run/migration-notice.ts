/** Says once whether the kernel moves waiting connections from one Envoy to another. */
import { tcpMigration } from '../../adapters/tcp-migration.ts';
import type { LogRecord } from '../../core/log-record.ts';

const LOSS = 'what waits in the accept queue of an Envoy that closes is reset';

/** Switches it on where it may, at the first call, and says what came of it. */
export function createMigrationNotice(
  record: (record: LogRecord) => void,
  { mayChange }: { readonly mayChange: boolean },
): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    const migration = tcpMigration(mayChange);
    const message = 'tcp_migrate_req';
    if (migration.state === 'off') {
      record({ level: 'warn', message, fields: { ...migration, consequence: LOSS } });
      return;
    }
    record({ level: 'info', message, fields: { state: migration.state } });
  };
}
