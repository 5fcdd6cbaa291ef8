import { expect, test } from 'vitest';
import { noCertificates } from '../../src/work/no-certificates.ts';

test.each([
  [
    'in which folders there are none',
    { certificateFolders: ['/etc/certs', '/etc/more'], certificateWaitMs: 60_000 },
    'Cannot fill ${CERT_DIR}: there are no certificates in /etc/certs, /etc/more (BATON_CERT_DIRS).',
  ],
  [
    'that a start could wait for them',
    { certificateFolders: ['/etc/certs'], certificateWaitMs: 0 },
    'Cannot fill ${CERT_DIR}: there are no certificates in /etc/certs (BATON_CERT_DIRS). BATON_CERT_WAIT_TIME has a start wait for them.',
  ],
  [
    'that no folder is named',
    { certificateFolders: [], certificateWaitMs: 60_000 },
    'Cannot fill ${CERT_DIR}: BATON_CERT_DIRS names no folder. Name those of the certificates.',
  ],
])('who misses certificates is told %s', (_, expected, text) => {
  expect(noCertificates(expected)).toBe(text);
});
