import { describe, expect, it } from 'vitest';
import { isPassedOver } from '../../src/core/certificate-facts.ts';

describe('isPassedOver', () => {
  it.each(['..data', '.tls.crt.swp', 'tls.crt~', 'tls.key.tmp', 'tls.crt.2024', 'tls.key.bak'])(
    'passes over %s',
    (name) => expect(isPassedOver(name)).toBe(true),
  );

  it.each(['tls.crt', 'cert-chain.pem', 'key.pem', 'namespace', 'ca1.crt', 'new.pem', 'site1'])(
    'keeps %s',
    (name) => expect(isPassedOver(name)).toBe(false),
  );
});
