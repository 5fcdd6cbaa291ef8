/** Turns a file's bytes into facts with `node:crypto`. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { CertificateFacts, FileContent, PemBlockFacts } from '../../core/certificate-facts.ts';
import { type PemBlock, splitPemBlocks } from '../../core/pem-blocks.ts';

const certificateLabels = new Set(['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE']);
const maxSubjectLength = 200;
/** A block takes some 0.1 ms; between batches other work gets its turn. */
const blocksPerTurn = 25;

/** Never throws: what does not parse is a fact as well. Stops at the first broken block. */
export async function describeContent(bytes: Buffer): Promise<FileContent> {
  const { blocks, defect } = splitPemBlocks(bytes.toString('utf8'));
  if (blocks.length === 0 && defect === undefined) {
    return { kind: 'plain', isLikelyDer: isLikelyDer(bytes) };
  }
  const facts: PemBlockFacts[] = [];
  for (const [index, block] of blocks.entries()) {
    if (index % blocksPerTurn === 0) await setImmediate();
    const described = describeBlock(block, index + 1);
    facts.push(described);
    if (described.kind === 'broken') return { kind: 'pem', blocks: facts };
  }
  if (defect !== undefined) facts.push({ kind: 'broken', reason: defect });
  return { kind: 'pem', blocks: facts };
}

function describeBlock(block: PemBlock, position: number): PemBlockFacts {
  if (isEncrypted(block)) return { kind: 'encryptedKey' };
  try {
    if (certificateLabels.has(block.label)) return describeCertificate(block.text);
    if (!block.label.endsWith('PRIVATE KEY')) return { kind: 'other' };
    const key = createPrivateKey(block.text);
    return { kind: 'privateKey', ...describeKey(createPublicKey(key)) };
  } catch {
    // The library's own words are left out: they might quote what is in the block.
    return { kind: 'broken', reason: `its block ${position} (${block.label}) does not parse` };
  }
}

function isEncrypted({ label, text }: PemBlock): boolean {
  if (label === 'ENCRYPTED PRIVATE KEY') return true;
  return label.endsWith('PRIVATE KEY') && /^Proc-Type:.*ENCRYPTED/m.test(text);
}

function describeCertificate(pem: string): CertificateFacts {
  const certificate = new X509Certificate(pem);
  return {
    kind: 'certificate',
    subject: certificate.subject
      .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ', ')
      .slice(0, maxSubjectLength),
    serialNumber: certificate.serialNumber,
    notBeforeMs: wallMsOf(certificate.validFrom),
    notAfterMs: wallMsOf(certificate.validTo),
    isAuthority: certificate.ca || certificate.subject === certificate.issuer,
    ...describeKey(certificate.publicKey),
  };
}

function describeKey(publicKey: KeyObject): Pick<CertificateFacts, 'publicKeyId' | 'keyType'> {
  const publicKeyId = createHash('sha256').update(canonicalForm(publicKey)).digest('hex');
  return { publicKeyId, keyType: publicKey.asymmetricKeyType ?? 'unknown' };
}

/** The same key may be encoded in several ways (compressed points); JWK knows one, but few curves. */
function canonicalForm(publicKey: KeyObject): string | Buffer {
  try {
    return JSON.stringify(publicKey.export({ format: 'jwk' }));
  } catch {
    return publicKey.export({ type: 'spki', format: 'der' });
  }
}

/** @throws Error when it is no date: the certificate counts as broken. */
function wallMsOf(text: string): number {
  // biome-ignore lint/style/noRestrictedGlobals: it parses a given date and reads no clock.
  const wallMs = Date.parse(text);
  if (Number.isNaN(wallMs)) throw new Error('not a date');
  return wallMs;
}

function isLikelyDer(bytes: Buffer): boolean {
  return bytes[0] === 0x30 && ((bytes[1] ?? 0) & 0x80) !== 0;
}
