import { expect, test } from 'vitest';
import { certificateUse } from '../../src/core/certificate-use.ts';
import type { Tree, TreeMap } from '../../src/core/tree.ts';

const file = (filename: string): TreeMap => ({ filename });
const pair = (name: string): TreeMap => ({
  certificate_chain: file(`/certs/${name}.crt`),
  private_key: file(`/certs/${name}.key`),
});
const context = (name: string): TreeMap => ({
  tls_certificates: [pair(name)],
  validation_context: { trusted_ca: file(`/certs/${name}-ca.crt`) },
});

test.each<[string, Tree, readonly string[], readonly string[]]>([
  [
    'of every TLS context, each once',
    { static_resources: { listeners: [context('a'), context('b')], clusters: [context('a')] } },
    ['/certs/a.crt', '/certs/b.crt'],
    ['/certs/a-ca.crt', '/certs/b-ca.crt'],
  ],
  [
    'in the other spelling',
    {
      staticResources: [
        {
          tlsCertificates: [{ certificateChain: file('/certs/a.crt') }],
          validationContext: { trustedCa: file('/certs/ca.crt') },
        },
      ],
    },
    ['/certs/a.crt'],
    ['/certs/ca.crt'],
  ],
  [
    'of secrets',
    [
      { name: 'certificate-1', tls_certificate: pair('a') },
      { name: 'authority-1', validation_context: { trusted_ca: file('/certs/ca.crt') } },
    ],
    ['/certs/a.crt'],
    ['/certs/ca.crt'],
  ],
  [
    'of a default that a secret is merged with',
    {
      combined_validation_context: {
        default_validation_context: { trusted_ca: file('/certs/ca.crt') },
      },
    },
    [],
    ['/certs/ca.crt'],
  ],
  [
    'but no content that is not in a file',
    {
      tls_certificates: [{ certificate_chain: { inline_string: 'PEM' } }, 'none'],
      validation_context: { trusted_ca: { environment_variable: 'CA' }, crl: file('/certs/crl') },
    },
    [],
    [],
  ],
  ['but none of nothing', null, [], []],
])('names the files %s', (_, tree, chains, authorities) => {
  expect(certificateUse(tree)).toEqual({ chains, authorities });
});

test('names the files of those static secrets alone that something asks for', () => {
  const secrets = ['asked', 'trusted', 'idle'].map((name) => ({
    name,
    tls_certificate: pair(name),
  }));
  const bootstrap = {
    static_resources: {
      listeners: [
        { tls_certificate_sds_secret_configs: [{ name: 'asked' }] },
        { validationContextSdsSecretConfig: { name: 'trusted' } },
      ],
      secrets,
    },
  };

  expect(certificateUse(bootstrap).chains).toEqual(['/certs/asked.crt', '/certs/trusted.crt']);
  const secret = { tls_certificate: { certificate_chain: { filename: '/certs/secret.crt' } } };
  expect(certificateUse(bootstrap, [secret]).chains).toEqual([
    '/certs/asked.crt',
    '/certs/trusted.crt',
    '/certs/secret.crt',
  ]);
});
