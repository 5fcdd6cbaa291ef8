import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { type LastStage, lastStage } from './dockerfile.ts';

const run = promisify(execFile);

export interface ImageParts {
  /** The project's root, built: the build context. */
  readonly project: string;
  /** An empty or absent folder that becomes the image's root. */
  readonly root: string;
  /** Paths of the programs to put in. */
  readonly envoy: string;
  readonly node: string;
}

/** What the last stage uses of its base image beside Node; each with the libraries it needs. */
const basePrograms = ['sh', 'bash', 'env', 'mkfifo', 'install', 'ln', 'rm', 'cat', 'sleep', 'seq'];
const baseFolders = ['dev', 'proc', 'sys', 'tmp', 'etc', 'run', 'var', 'usr/bin', 'usr/lib'];
const mergedFolders = ['bin', 'sbin', 'lib', 'lib64'];

/**
 * Makes the file system of the Dockerfile's last stage out of this machine's own programs. Its RUN
 * lines are run and its COPY lines followed, so what is tried here is what the image holds; what
 * stands in for the base image is listed above. Needs root.
 *
 * @returns what the stage says of the process to run in it.
 */
export async function assembleImage(parts: ImageParts): Promise<LastStage> {
  const dockerfile = await readFile(path.join(parts.project, 'Dockerfile'), 'utf8');
  const stage = lastStage(dockerfile);
  const fromStages = await standIns(parts);
  await makeBase(parts);
  for (const line of stage.run) {
    await run('chroot', [parts.root, '/bin/sh', '-c', line]);
  }
  for (const copy of stage.copies) {
    const target = path.join(parts.root, copy.target);
    await copyFile(sourceOf(copy.source, parts.project, fromStages), target);
    if (copy.mode !== undefined) {
      await chmod(target, copy.mode);
    }
    await copyLibraries(target, parts.root);
  }
  return stage;
}

/** What stands for the files that the last stage takes from the ones before it. */
async function standIns({ project, envoy }: ImageParts): Promise<Map<string, string>> {
  return new Map([
    ['init:/usr/bin/tini', await find('tini')],
    ['envoy:/usr/local/bin/envoy', envoy],
    ['build:/source/dist/baton.mjs', path.join(project, 'dist/baton.mjs')],
  ]);
}

function sourceOf(source: string, project: string, fromStages: Map<string, string>): string {
  const found = source.includes(':') ? fromStages.get(source) : path.join(project, source);
  if (found === undefined) {
    throw new Error(`Cannot assemble the image: nothing stands for COPY --from=${source}.`);
  }
  return found;
}

async function makeBase({ root, node }: ImageParts): Promise<void> {
  for (const folder of [...baseFolders, 'usr/local/bin', 'usr/local/lib', 'usr/sbin']) {
    await mkdir(path.join(root, folder), { recursive: true });
  }
  // A temporary folder is its maker's alone; this one is another user's root.
  await chmod(root, 0o755);
  await chmod(path.join(root, 'tmp'), 0o1777);
  for (const folder of mergedFolders) {
    await mkdir(path.join(root, 'usr', folder), { recursive: true });
    await symlink(`usr/${folder}`, path.join(root, folder));
  }
  await symlink('/run', path.join(root, 'var/run'));
  await writeFile(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/bash\n');
  await writeFile(path.join(root, 'etc/group'), 'root:x:0:\n');
  await writeFile(path.join(root, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n');
  await copyProgram(node, path.join(root, 'usr/local/bin/node'), root);
  for (const program of basePrograms) {
    await copyProgram(await find(program), path.join(root, 'usr/bin', program), root);
  }
}

async function find(program: string): Promise<string> {
  const { stdout } = await run('sh', ['-c', `command -v ${program}`]);
  return stdout.trim();
}

async function copyProgram(source: string, target: string, root: string): Promise<void> {
  await copyFile(await realpath(source), target);
  await copyLibraries(target, root);
}

/** The loader and the libraries a program names, each at the path the program knows it by. */
async function copyLibraries(program: string, root: string): Promise<void> {
  for (const library of await librariesOf(program)) {
    const target = path.join(root, library);
    await mkdir(path.dirname(target), { recursive: true });
    await copyFile(library, target);
  }
}

/** Empty for a script and for a program that is linked statically: ldd refuses both. */
async function librariesOf(program: string): Promise<string[]> {
  const listing = await run('ldd', [program]).then(
    ({ stdout }) => stdout,
    () => '',
  );
  return [...listing.matchAll(/(\/\S+) \(0x/g)].map(([, library = '']) => library);
}
