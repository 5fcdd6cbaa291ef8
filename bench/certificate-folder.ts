/** A folder of certificates that can be rotated. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { issueAuthority } from '../test/support/certificates.ts';
import { monotonicMs } from './judge/connection.ts';

export interface CertificateFolder {
  readonly path: string;
  readonly authorityPem: string;
  readonly servername: string;
  /** Puts a new pair in place, file by file, by rename. */
  rotate(): Promise<Rotation>;
}

export interface Rotation {
  /** Upper-case hexadecimal. */
  readonly serialNumber: string;
  /** Just after the last rename, monotonic milliseconds. */
  readonly writtenAtMs: number;
}

export async function makeCertificateFolder(path: string): Promise<CertificateFolder> {
  const servername = 'bench.test';
  const authority = await issueAuthority();

  async function put(name: string, content: string) {
    const temporary = join(path, `.${name}.new`);
    await writeFile(temporary, content, { mode: 0o600 });
    await rename(temporary, join(path, name));
  }

  async function rotate() {
    const leaf = await authority.issueLeaf({ commonName: servername });
    await put('tls.key', leaf.keyPem);
    await put('tls.crt', leaf.certificatePem);
    return { serialNumber: leaf.serialNumber, writtenAtMs: monotonicMs() };
  }

  await mkdir(path, { mode: 0o700 });
  await put('ca.crt', authority.certificatePem);
  await rotate();
  return { path, authorityPem: authority.certificatePem, servername, rotate };
}
