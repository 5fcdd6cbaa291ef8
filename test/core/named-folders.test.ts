import { expect, test } from 'vitest';
import { foldersNamedIn } from '../../src/core/named-folders.ts';

test('a folder is named by any text that begins with its path, at any depth', () => {
  const bootstrap = {
    a: [{ filename: '/certs/tls.crt' }, '/certificates/x', '${CERT_DIR}/ca.crt'],
  };
  expect(foldersNamedIn(bootstrap, ['/etc/certs', '/certs', '/cert', '/certs/'])).toEqual([
    '/certs',
    '/certs/',
  ]);
});

test('nothing is named in nothing', () => {
  expect(foldersNamedIn([], ['/certs'])).toEqual([]);
});
