/**
 * Throw-away certificates for tests, the benchmark and the try-out: an authority that signs as many
 * leaves as asked for. ECDSA on P-256 unless told otherwise: some ten milliseconds each.
 */
import 'reflect-metadata'; // Before the next line, which can't be loaded without it.
import { randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto);

export type KeyType = 'ecdsa' | 'rsa';

export interface AuthorityOptions {
  /** @default 'Test Authority' */
  readonly commonName?: string;
  /** @default a day ago */
  readonly notBefore?: Date;
  /** @default in ten years */
  readonly notAfter?: Date;
  /** @default 'ecdsa' */
  readonly keyType?: KeyType;
}

export interface LeafOptions {
  readonly commonName: string;
  /** @default the common name and `localhost` */
  readonly dnsNames?: readonly string[];
  /** @default 127.0.0.1 and ::1 */
  readonly ipAddresses?: readonly string[];
  /** Such as `spiffe://cluster.local/ns/default/sa/default`. @default none */
  readonly uris?: readonly string[];
  /** @default an hour ago */
  readonly notBefore?: Date;
  /** @default in ninety days */
  readonly notAfter?: Date;
  /** @default 'ecdsa' */
  readonly keyType?: KeyType;
  /** Puts the authority's certificate behind the leaf's. @default false */
  readonly chain?: boolean;
}

export interface Leaf {
  /** One PEM block, or two with `chain`. */
  readonly certificatePem: string;
  /** PKCS #8. */
  readonly keyPem: string;
  /** Upper-case hexadecimal, as Node and Envoy's `/certs` (there in lower case) write it. */
  readonly serialNumber: string;
}

export interface Authority {
  readonly certificatePem: string;
  /** A new key and a certificate for it, good for servers and clients. */
  issueLeaf(options: LeafOptions): Promise<Leaf>;
}

const dayMs = 86_400_000;
const algorithms = {
  ecdsa: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  rsa: {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 2_048,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  },
} as const;

/** Makes a self-signed authority. */
export async function issueAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  const keyType = options.keyType ?? 'ecdsa';
  const keys = await generateKeys(keyType);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerialNumber(),
    name: nameOf(options.commonName ?? 'Test Authority'),
    notBefore: options.notBefore ?? fromNow(-dayMs),
    notAfter: options.notAfter ?? fromNow(3_650 * dayMs),
    signingAlgorithm: algorithms[keyType],
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const signer = { certificate, signingKey: keys.privateKey, keyType };
  return {
    certificatePem: pemOf(certificate),
    issueLeaf: (leaf) => issueLeaf(signer, leaf),
  };
}

interface Signer {
  readonly certificate: x509.X509Certificate;
  readonly signingKey: webcrypto.CryptoKey;
  readonly keyType: KeyType;
}

async function issueLeaf(signer: Signer, options: LeafOptions): Promise<Leaf> {
  const keys = await generateKeys(options.keyType ?? 'ecdsa');
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomSerialNumber(),
    subject: nameOf(options.commonName),
    issuer: signer.certificate.subjectName,
    notBefore: options.notBefore ?? fromNow(-dayMs / 24),
    notAfter: options.notAfter ?? fromNow(90 * dayMs),
    signingAlgorithm: algorithms[signer.keyType],
    publicKey: keys.publicKey,
    signingKey: signer.signingKey,
    extensions: await leafExtensions(signer, options, keys.publicKey),
  });
  const issuerPem = options.chain ? pemOf(signer.certificate) : '';
  return {
    certificatePem: pemOf(certificate) + issuerPem,
    keyPem: await privateKeyPem(keys.privateKey),
    serialNumber: certificate.serialNumber.toUpperCase(),
  };
}

async function leafExtensions(
  signer: Signer,
  options: LeafOptions,
  publicKey: webcrypto.CryptoKey,
) {
  const dnsNames = options.dnsNames ?? [...new Set([options.commonName, 'localhost'])];
  const alternativeNames: x509.JsonGeneralNames = [
    ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...(options.ipAddresses ?? ['127.0.0.1', '::1']).map((value) => ({
      type: 'ip' as const,
      value,
    })),
    ...(options.uris ?? []).map((value) => ({ type: 'url' as const, value })),
  ];
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(
      x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment,
      true,
    ),
    new x509.ExtendedKeyUsageExtension([
      x509.ExtendedKeyUsage.serverAuth,
      x509.ExtendedKeyUsage.clientAuth,
    ]),
    new x509.SubjectAlternativeNameExtension(alternativeNames),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(signer.certificate.publicKey),
  ];
}

function generateKeys(keyType: KeyType) {
  return webcrypto.subtle.generateKey(algorithms[keyType], true, ['sign', 'verify']);
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key);
  return `${x509.PemConverter.encode(der, 'PRIVATE KEY').trimEnd()}\n`;
}

const pemOf = (certificate: x509.X509Certificate) => `${certificate.toString('pem').trimEnd()}\n`;
const nameOf = (commonName: string) => [{ CN: [commonName] }];
const fromNow = (ms: number) => new Date(Date.now() + ms);

/** Positive and without a leading zero, so that every tool prints it alike. */
function randomSerialNumber(): string {
  return `4${randomBytes(16).toString('hex').slice(1)}`;
}
