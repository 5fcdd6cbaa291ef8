/** Before and after a run of the tests: the real Envoys, the built agent, and nothing left behind. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ENVOY_VERSIONS, envoyBinary } from './envoy-binary.ts';
import { MARK, watchForLeftOvers } from './left-overs.ts';

const root = new URL('../..', import.meta.url).pathname;

/**
 * Gets both Envoys and builds the agent; gives the run a temp folder and a mark of its own, which
 * every process started by a test inherits. A run without Envoy fails, it is never skipped.
 *
 * @returns The teardown, which fails the run when something was left behind.
 */
export async function setup(): Promise<() => Promise<void>> {
  await getEnvoys();
  if (existsSync(join(root, 'src/main.ts'))) await runNode('deploy/build.mjs');

  const folder = await mkdtemp(join(tmpdir(), 'baton-run-'));
  // Tests that take another user's place must get through to their own folders in it.
  await chmod(folder, 0o711);
  process.env['TMPDIR'] = folder;
  const mark = randomUUID();
  process.env[MARK] = mark;
  const leftOvers = watchForLeftOvers({ mark, folder });
  const restoreMigration = await switchMigrationOn();

  return async () => {
    const found = await leftOvers.find();
    await restoreMigration();
    await rm(folder, { recursive: true, force: true });
    if (found.length === 0) return;
    console.error(`The tests left behind:\n  ${found.join('\n  ')}`);
    // An error thrown here is only printed: the run would still pass (measured on vitest 4.1).
    process.exitCode = 1;
  };
}

const MIGRATION = '/proc/sys/net/ipv4/tcp_migrate_req';

/**
 * Side by side loses nothing only with this; without the right to set it those tests open no new
 * connections. @returns what puts it back
 */
async function switchMigrationOn(): Promise<() => Promise<void>> {
  const before = await readFile(MIGRATION, 'utf8');
  const set = (value: string) => writeFile(MIGRATION, value).catch(() => undefined);
  await set('1\n');
  return async () => void (await set(before));
}

async function getEnvoys(): Promise<void> {
  for (const version of ENVOY_VERSIONS) {
    const isChosen = version === '1.40.0' && process.env['BATON_ENVOY_BINARY'];
    if (!isChosen) await runNode('deploy/get-envoy.mjs', version);
    envoyBinary(version);
  }
}

async function runNode(script: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [script, ...args], { cwd: root });
}
