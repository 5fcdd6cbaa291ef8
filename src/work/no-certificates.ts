/** What is told where the bootstrap needs certificates and there are none. */
export interface CertificateExpectations {
  /** Of `BATON_CERT_DIRS`. */
  readonly certificateFolders: readonly string[];
  readonly certificateWaitMs: number;
}

/** One line: where they were looked for, and what can be done about it that has not been done. */
export function noCertificates(expected: CertificateExpectations): string {
  const { certificateFolders: folders, certificateWaitMs } = expected;
  if (folders.length === 0) {
    return 'Cannot fill ${CERT_DIR}: BATON_CERT_DIRS names no folder. Name those of the certificates.';
  }
  const advice = certificateWaitMs > 0 ? '' : ' BATON_CERT_WAIT_TIME has a start wait for them.';
  return `Cannot fill \${CERT_DIR}: there are no certificates in ${folders.join(', ')} (BATON_CERT_DIRS).${advice}`;
}
