/** A copy of the project in which a file can be broken without anyone noticing. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the tests of the core need. */
const COPIED = [
  'src',
  'test/core',
  'test/mutants',
  'test/stories',
  'test/support',
  'test/vitest.config.ts',
  // The configuration imports it.
  'deploy/bundled-text.ts',
  'bootstrap-templates',
  'package.json',
];

export interface Workspace {
  readonly folder: string;
  /** A file's text, by its path below the project's root. */
  readonly read: (path: string) => Promise<string>;
  readonly write: (path: string, text: string) => Promise<void>;
  readonly remove: () => Promise<void>;
}

export async function createWorkspace(project: string): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'baton-mutants-'));
  for (const path of COPIED) {
    await cp(join(project, path), join(folder, path), { recursive: true });
  }
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'));
  return {
    folder,
    read: (path) => readFile(join(folder, path), 'utf8'),
    write: (path, text) => writeFile(join(folder, path), text),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
