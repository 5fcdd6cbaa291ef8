import { expect, test } from 'vitest';
import { filesNamedIn, secretFiles } from '../../src/core/secret-files.ts';
import type { Tree } from '../../src/core/tree.ts';

const secret: Tree = {
  name: 'certificate-1',
  tls_certificate: {
    certificate_chain: { filename: '/run/certs/a/tls.crt' },
    private_key: { filename: '/run/certs/a/tls.key' },
    ocsp_staple: { filename: '/etc/staple' },
    watched_directory: { path: '/run/certs/a' },
  },
};
const secrets = new Map([['certificate-1', secret]]);

test('names every file once', () => {
  expect(filesNamedIn([secret, secret, { a: [{ filename: '/b' }, 'c'] }])).toEqual([
    '/run/certs/a/tls.crt',
    '/run/certs/a/tls.key',
    '/etc/staple',
    '/b',
  ]);
});

test('has the contents that are known in place of their names, and no folder to be watched', () => {
  const files = secretFiles(secrets, '4f2a', (path) =>
    path.startsWith('/run/') ? `content of ${path.slice(-3)}` : undefined,
  );

  expect([...files.keys()]).toEqual(['certificate-1.json']);
  expect(JSON.parse(files.get('certificate-1.json') ?? '')).toEqual({
    version_info: '4f2a',
    resources: [
      {
        name: 'certificate-1',
        tls_certificate: {
          certificate_chain: { inline_bytes: 'content of crt' },
          private_key: { inline_bytes: 'content of key' },
          ocsp_staple: { filename: '/etc/staple' },
        },
      },
    ],
  });
});
