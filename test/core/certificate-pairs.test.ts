import { describe, expect, it } from 'vitest';
import { keyNamesFor } from '../../src/core/certificate-pairs.ts';

describe('keyNamesFor', () => {
  it.each([
    ['tls.crt', 'tls.key'],
    ['one-cert.pem', 'one-key.pem'],
    ['cert-chain.pem', 'key.pem'],
    ['cert.pem', 'key.pem'],
    ['server.pem', 'server.key'],
    ['server.pem', 'server-key.pem'],
    ['svid.pem', 'svid_key.pem'],
    ['fullchain.pem', 'privkey.pem'],
  ])('pairs %s with %s', (certificateName, keyName) => {
    expect(keyNamesFor(certificateName)).toContain(keyName);
  });

  it.each(['concert.pem', 'tls.key', 'namespace'])('knows no key.pem for %s', (name) => {
    expect(keyNamesFor(name)).not.toContain('key.pem');
    expect(keyNamesFor(name)).not.toContain('con.key');
  });
});
