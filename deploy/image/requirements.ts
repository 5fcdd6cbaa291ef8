import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Program to the Debian package that has it. */
const programs = {
  tini: 'tini',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  chroot: 'coreutils',
  ldd: 'libc-bin',
} as const;

/**
 * @throws Error that names, at once, everything this machine lacks to make an image and run it
 * without a container engine.
 */
export async function assertImageCanRun(): Promise<void> {
  const lacks: string[] = process.getuid?.() === 0 ? [] : ['root (namespaces and mounts)'];
  for (const [program, debianPackage] of Object.entries(programs)) {
    const found = await run('sh', ['-c', `command -v ${program}`]).then(
      () => true,
      () => false,
    );
    if (!found) {
      lacks.push(`${program} (apt-get install ${debianPackage})`);
    }
  }
  if (lacks.length > 0) {
    throw new Error(`Cannot run the image here: it needs ${lacks.join(', ')}.`);
  }
}
