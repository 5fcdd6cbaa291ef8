/**
 * Which certificates and keys belong together. Content decides: every key must be that of the leaf
 * (the first certificate) of some file. Names only add to that: files whose names say that they are
 * a pair must be one.
 */
import type { CertificateFacts, KeyFacts } from './certificate-facts.ts';

/** A file with at least one certificate or key in it. */
export interface PemFile {
  readonly folder: string;
  readonly name: string;
  readonly certificates: readonly CertificateFacts[];
  readonly keys: readonly KeyFacts[];
}

export interface CertificatePair {
  readonly certificatePath: string;
  readonly keyPath: string;
  readonly leaf: CertificateFacts;
}

export interface PairProblem {
  readonly kind: 'waitingForOtherHalf' | 'mismatched';
  readonly about: string;
  readonly message: string;
}

export interface Pairing {
  readonly pairs: readonly CertificatePair[];
  /** At most one for each file. */
  readonly problems: readonly PairProblem[];
}

export const pathOf = (file: { readonly folder: string; readonly name: string }) =>
  `${file.folder}/${file.name}`;

/** Pairs the files of all folders; a file with certificates and no key is a trust bundle. */
export function pairFiles(files: readonly PemFile[]): Pairing {
  const spareKeys = findSpareKeys(files);
  const findings = [
    ...files.flatMap(checkSwapped),
    ...files.flatMap((file) => checkNamedPair(file, files)),
    ...files.flatMap((file) => checkLeaf(file, files, spareKeys)),
    ...spareKeys.map((spare) => checkSpareKey(spare, files)),
  ];
  return { pairs: pairsOf(files), problems: firstOfEachFile(findings) };
}

/** A key that is not that of any file's leaf. */
interface SpareKey {
  readonly file: PemFile;
  readonly key: KeyFacts;
}

interface Finding {
  readonly kind: PairProblem['kind'];
  readonly file: PemFile;
  /** The other half, when the finding says what is to be said of it too. */
  readonly partner?: PemFile;
  readonly reason: string;
}

function firstOfEachFile(findings: readonly Finding[]): PairProblem[] {
  const toldOf = new Set<PemFile>();
  return findings.flatMap(({ kind, file, partner, reason }) => {
    if (toldOf.has(file)) return [];
    toldOf.add(file);
    if (partner !== undefined) toldOf.add(partner);
    return [{ kind, about: pathOf(file), message: `Cannot use ${pathOf(file)}: ${reason}.` }];
  });
}

/** Envoy looks for each half in the file that is named for it. */
function checkSwapped(file: PemFile): Finding[] {
  const { name, certificates, keys } = file;
  const isMissing =
    (/\.(?:crt|cert|cer)$/i.test(name) && certificates.length === 0) ||
    (/\.key$/i.test(name) && keys.length === 0);
  if (!isMissing) return [];
  const [found, wanted] = keys.length > 0 ? ['key', 'certificate'] : ['certificate', 'key'];
  return [{ kind: 'mismatched', file, reason: `a ${found} is in it and no ${wanted}` }];
}

function checkNamedPair(file: PemFile, files: readonly PemFile[]): Finding[] {
  const [leaf] = file.certificates;
  if (leaf === undefined) return [];
  const names = keyNamesFor(file.name);
  return files
    .filter((other) => other.folder === file.folder && names.includes(other.name))
    .flatMap((partner) => {
      const reason = mismatch(leaf, file, partner);
      return reason === undefined ? [] : [{ kind: 'mismatched', file, partner, reason }];
    });
}

const leafNotFirst = 'the certificate that belongs to the key is not the first in it';

function mismatch(leaf: CertificateFacts, file: PemFile, partner: PemFile): string | undefined {
  const [key] = partner.keys;
  // Of several keys in a file Envoy loads the first (measured on 1.40).
  if (key === undefined || belongsTo(leaf)(key)) return undefined;
  if (partner.keys.some((own) => file.certificates.some(isFor(own)))) return leafNotFirst;
  if (key.keyType === leaf.keyType) return `${partner.name} is not its key`;
  return `${partner.name} is not its key (${key.keyType}, the certificate's is ${leaf.keyType})`;
}

function checkLeaf(
  file: PemFile,
  files: readonly PemFile[],
  spareKeys: readonly SpareKey[],
): Finding[] {
  if (!needsKey(file) || hasKey(file, files)) return [];
  return spareKeys.length > 0
    ? [{ kind: 'mismatched', file, reason: 'no key belongs to this certificate' }]
    : [{ kind: 'waitingForOtherHalf', file, reason: 'its key is not there yet' }];
}

function checkSpareKey({ file, key }: SpareKey, files: readonly PemFile[]): Finding {
  const holder = files.find((other) => other.certificates.some(isFor(key)));
  if (holder !== undefined) {
    return { kind: 'mismatched', file: holder, partner: file, reason: leafNotFirst };
  }
  return files.some((other) => needsKey(other) && !hasKey(other, files))
    ? { kind: 'mismatched', file, reason: 'no certificate belongs to this key' }
    : { kind: 'waitingForOtherHalf', file, reason: 'its certificate is not there yet' };
}

function findSpareKeys(files: readonly PemFile[]): SpareKey[] {
  return files.flatMap((file) =>
    file.keys
      .filter((key) => !files.some((other) => isLeafOf(other, key)))
      .map((key) => ({ file, key })),
  );
}

const certificateName = /^(.+)\.(?:crt|cert|cer|pem)$/i;

/** Whether the name promises PEM. Files of other names are judged only by what is in them. */
export const isCertificateName = (name: string) => certificateName.test(name);

/** Names of the key file that would go with a certificate file of this name. */
export function keyNamesFor(name: string): readonly string[] {
  const [, stem] = certificateName.exec(name) ?? [];
  if (stem === undefined) return [];
  const base = stem.replace(/(?:^|[-_.])cert(?:[-_.]chain)?$/i, '');
  const own = [`${stem}.key`, `${stem}-key.pem`, `${stem}_key.pem`, `${stem}.key.pem`];
  if (base === '') return [...own, 'key.pem'];
  if (stem === 'fullchain') return [...own, 'privkey.pem'];
  return [...own, `${base}.key`, `${base}-key.pem`, `${base}_key.pem`, `${base}.key.pem`];
}

/**
 * Whether a file is one half of a pair by itself. An authority's certificate may be a trust bundle,
 * except under the names that Kubernetes and Istio give to the served half.
 */
function needsKey(file: PemFile): boolean {
  const [leaf] = file.certificates;
  if (leaf === undefined) return false;
  if (file.name === 'tls.crt' || file.name === 'cert-chain.pem') return true;
  return !leaf.isAuthority && !isNamedAsBundle(file.name);
}

function isNamedAsBundle(name: string): boolean {
  return /(^|[-_.])(ca|cas|cacerts?|roots?|trust|truststore|bundle|anchors?)([-_.]|$)/i.test(name);
}

function hasKey(file: PemFile, files: readonly PemFile[]): boolean {
  return files.some((other) => other.keys.some((key) => isLeafOf(file, key)));
}

function pairsOf(files: readonly PemFile[]): CertificatePair[] {
  return files.flatMap((file) => {
    const [leaf] = file.certificates;
    const keyFile = leaf && files.find((other) => other.keys.some(belongsTo(leaf)));
    if (leaf === undefined || keyFile === undefined) return [];
    return [{ certificatePath: pathOf(file), keyPath: pathOf(keyFile), leaf }];
  });
}

function isLeafOf(file: PemFile, key: KeyFacts): boolean {
  return file.certificates[0]?.publicKeyId === key.publicKeyId;
}

const belongsTo = (leaf: CertificateFacts) => (key: KeyFacts) =>
  key.publicKeyId === leaf.publicKeyId;
const isFor = (key: KeyFacts) => (certificate: CertificateFacts) =>
  certificate.publicKeyId === key.publicKeyId;
