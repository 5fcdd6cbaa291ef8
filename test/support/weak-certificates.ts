/** Pairs that hold together for Node and that Envoy refuses for what they are. */
import 'reflect-metadata'; // Before the next line, which can't be loaded without it.
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { Files } from './watched-certificates.ts';

/** Signed by itself, with an RSA key of 1,024 bits; Envoy wants twice as many. */
export async function shortKeyFiles(): Promise<Files> {
  x509.cryptoProvider.set(webcrypto);
  const signingAlgorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 1_024,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  };
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=short.test',
    signingAlgorithm,
    keys,
  });
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    'tls.crt': `${certificate.toString('pem')}\n`,
    'tls.key': `${x509.PemConverter.encode(key, 'PRIVATE KEY')}\n`,
  };
}
