/** Sets of a pair and its authority, as most certificate folders hold them. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Authority, LeafOptions } from './certificates.ts';
import { filesOf } from './service-certificates.ts';
import type { Files } from './watched-certificates.ts';

/** A new pair of this authority, with the authority beside it. */
export async function issueSetOf(
  authority: Authority,
  name: string,
  validity: Pick<LeafOptions, 'notBefore' | 'notAfter'> = {},
): Promise<Files> {
  const leaf = await authority.issueLeaf({ commonName: `${name}.test`, ...validity });
  return { ...filesOf(leaf), 'ca.crt': authority.certificatePem };
}

/** One file after the other, in place; the folder is made when it is not there. */
export async function writeInto(folder: string, files: Files): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}
