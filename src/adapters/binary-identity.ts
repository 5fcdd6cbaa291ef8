import { createHash } from 'node:crypto';
import { access, constants, realpath, stat } from 'node:fs/promises';
import { type Digest, digestOf } from '../core/model.ts';
import type { Result } from '../ports.ts';

export interface BinaryIdentity {
  readonly digest: Digest;
  /** Through all symbolic links: what its folder must be watched for. */
  readonly path: string;
}

/**
 * Which file the binary's path leads to, and whether it changed: by path, inode, size and times,
 * never by its hundred megabytes of content. A problem when it is no executable file.
 */
export async function identifyBinary(binary: string): Promise<Result<BinaryIdentity>> {
  try {
    const path = await realpath(binary);
    const found = await stat(path);
    if (!found.isFile()) return notExecutable(binary, 'not a file');
    await access(path, constants.X_OK);
    const { dev, ino, size, mtimeMs, ctimeMs } = found;
    const identity = [path, dev, ino, size, mtimeMs, ctimeMs].join('\n');
    return {
      ok: true,
      value: { path, digest: digestOf(createHash('sha256').update(identity).digest('hex')) },
    };
  } catch (error) {
    return notExecutable(binary, error instanceof Error && 'code' in error ? error.code : error);
  }
}

function notExecutable(binary: string, reason: unknown): Result<never> {
  const message = `Expected BATON_ENVOY_BINARY to be an executable file, got "${binary}" (${reason}).`;
  return { ok: false, problems: [{ about: 'BATON_ENVOY_BINARY', message }] };
}
