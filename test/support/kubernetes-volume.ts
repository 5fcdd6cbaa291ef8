/**
 * A folder kept as the kubelet keeps a Secret, ConfigMap or projected volume: the files lie in a
 * directory with a time in its name, `..data` leads to it, and each visible name is a link through
 * `..data`. An update is one rename of `..data`, whatever the number of files.
 */
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';

export interface KubernetesVolume {
  readonly folder: string;
  /** Puts these files in place of all earlier ones, in the kubelet's order of steps. */
  swap(files: Readonly<Record<string, string>>): Promise<void>;
}

/** Makes the folder with its first files. */
export async function createKubernetesVolume(
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<KubernetesVolume> {
  await mkdir(folder, { recursive: true });
  const volume = { folder, swap: (next: Readonly<Record<string, string>>) => swap(folder, next) };
  await volume.swap(files);
  return volume;
}

async function swap(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  const oldDirectory = await readlink(join(folder, '..data')).catch(() => undefined);
  const directory = await mkdtemp(join(folder, '..2026_01_02_03_04_05.'));
  await chmod(directory, 0o755);
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  await symlink(directory.slice(folder.length + 1), join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  await alignVisibleLinks(folder, Object.keys(files));
  if (oldDirectory !== undefined) await rm(join(folder, oldDirectory), { recursive: true });
}

async function alignVisibleLinks(folder: string, names: readonly string[]): Promise<void> {
  const visible = (await readdir(folder)).filter((name) => !name.startsWith('..'));
  for (const name of names) {
    if (!visible.includes(name)) await symlink(join('..data', name), join(folder, name));
  }
  for (const name of visible) {
    if (!names.includes(name)) await rm(join(folder, name));
  }
}
