/**
 * When Envoy was executed, taken from outside of the agent: a two-line script in front of the real
 * binary says so through a named pipe and then becomes that binary.
 */
import { execFile } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { monotonicMs } from './judge/connection.ts';

export interface EnvoyStamps {
  /** What to give the agent as its Envoy. */
  readonly binary: string;
  /** Every execution so far, oldest first. */
  all(): readonly EnvoyStamp[];
  close(): void;
}

export interface EnvoyStamp {
  readonly pid: number;
  /** Monotonic milliseconds. */
  readonly atMs: number;
  /** To serve, and not to validate or to print a version. */
  readonly isLaunch: boolean;
  /** The unix socket of its admin, when its arguments name one. */
  readonly adminSocket?: string;
}

const RECORD_END = '\x1e';

export async function stampEnvoy(folder: string, envoy: string): Promise<EnvoyStamps> {
  const pipe = join(folder, 'executions');
  const binary = join(folder, 'envoy');
  await promisify(execFile)('mkfifo', ['-m', '600', pipe]);
  const script = `#!/bin/sh\nprintf '%s %s\\036' "$$" "$*" >'${pipe}'\nexec '${envoy}' "$@"\n`;
  await writeFile(binary, script, { mode: 0o700 });

  const stamps: EnvoyStamp[] = [];
  // Opened for writing too: a pipe whose last writer has left would read as ended.
  const descriptor = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  const reader = new net.Socket({ fd: descriptor, readable: true, writable: false });
  let unread = '';
  reader.on('data', (chunk) => {
    const atMs = monotonicMs();
    const records = (unread + chunk.toString('utf8')).split(RECORD_END);
    unread = records.pop() ?? '';
    stamps.push(...records.map((record) => stampOf(record, atMs)));
  });
  return {
    binary,
    all: () => [...stamps],
    close: () => reader.destroy(),
  };
}

function stampOf(record: string, atMs: number): EnvoyStamp {
  const [pid = '', ...args] = record.split(' ');
  const adminSocket = /[^\s"':]*\/admin-[^\s"']*\.sock/.exec(record)?.[0];
  const isQuery = args.some((arg) => /^--(version|hot-restart-version|mode)$/.test(arg));
  return {
    pid: Number(pid),
    atMs,
    isLaunch: !isQuery,
    ...(adminSocket === undefined ? {} : { adminSocket }),
  };
}
