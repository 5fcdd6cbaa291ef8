import { describe, expect, it } from 'vitest';
import type {
  CertificateFacts,
  CertificateLook,
  FileContent,
  FileFacts,
  FolderFacts,
  KeyFacts,
  PemBlockFacts,
} from '../../src/core/certificate-facts.ts';
import {
  type CertificateVerdict,
  isNothingThere,
  judgeCertificates,
} from '../../src/core/certificate-verdict.ts';
import { digestOf } from '../../src/core/model.ts';

const wallMs = 1_000_000_000_000;
const dayMs = 86_400_000;

function certificate(publicKeyId: string, more: Partial<CertificateFacts> = {}): CertificateFacts {
  return {
    kind: 'certificate',
    subject: `CN=${publicKeyId}`,
    serialNumber: '4A',
    notBeforeMs: wallMs - dayMs,
    notAfterMs: wallMs + dayMs,
    publicKeyId,
    keyType: 'ec',
    isAuthority: false,
    ...more,
  };
}

const authority = (publicKeyId = 'authority') => certificate(publicKeyId, { isAuthority: true });
const key = (publicKeyId: string, keyType = 'ec'): KeyFacts => ({
  kind: 'privateKey',
  publicKeyId,
  keyType,
});
const pem = (...blocks: PemBlockFacts[]): FileContent => ({ kind: 'pem', blocks });
const plain: FileContent = { kind: 'plain', isLikelyDer: false };

function folderOf(contents: Record<string, FileContent>, folder = '/certs'): FolderFacts {
  const files = Object.entries(contents).map(
    ([name, content]): FileFacts => ({ name, size: 100, content }),
  );
  return { folder, files };
}

const lookAt = (...folders: FolderFacts[]): CertificateLook => ({
  digest: digestOf('d1'),
  folders,
});
const judge = (contents: Record<string, FileContent>) =>
  judgeCertificates(lookAt(folderOf(contents)), { wallMs });
const messagesOf = (verdict: CertificateVerdict) =>
  'problems' in verdict ? verdict.problems.map((problem) => problem.message) : [];

const kubernetesPair = { 'tls.crt': pem(certificate('a')), 'tls.key': pem(key('a')) };

describe('judgeCertificates', () => {
  it.each<[string, Record<string, FileContent>, string[]]>([
    ['Kubernetes', { ...kubernetesPair, 'ca.crt': pem(authority()) }, ['tls.crt+tls.key']],
    [
      'Istio',
      {
        'cert-chain.pem': pem(certificate('a'), authority('between')),
        'key.pem': pem(key('a')),
        'root-cert.pem': pem(authority()),
      },
      ['cert-chain.pem+key.pem'],
    ],
    [
      'several pairs',
      {
        'one-cert.pem': pem(certificate('a')),
        'one-key.pem': pem(key('a')),
        'two.crt': pem(certificate('b', { keyType: 'rsa' })),
        'two.key': pem(key('b', 'rsa')),
      },
      ['one-cert.pem+one-key.pem', 'two.crt+two.key'],
    ],
    [
      'certbot',
      {
        'cert.pem': pem(certificate('a')),
        'chain.pem': pem(authority('between')),
        'fullchain.pem': pem(certificate('a'), authority('between')),
        'privkey.pem': pem(key('a')),
      },
      ['cert.pem+privkey.pem', 'fullchain.pem+privkey.pem'],
    ],
    [
      'names that say nothing',
      { certificate: pem(certificate('a')), private: pem(key('a')) },
      ['certificate+private'],
    ],
    [
      'both halves in one file',
      { 'both.pem': pem(key('a'), certificate('a')) },
      ['both.pem+both.pem'],
    ],
    ['a trust bundle alone', { 'bundle.pem': pem(certificate('x'), certificate('y')) }, []],
    [
      'plain files beside a pair',
      { ...kubernetesPair, namespace: plain, 'ticket.key': plain },
      ['tls.crt+tls.key'],
    ],
    [
      'parameters before the key',
      { 'tls.crt': pem(certificate('a')), 'tls.key': pem({ kind: 'other' }, key('a')) },
      ['tls.crt+tls.key'],
    ],
  ])('accepts %s', (_, contents, pairs) => {
    const verdict = judge(contents);
    expect(verdict.kind).toBe('accepted');
    const found = 'set' in verdict ? verdict.set.pairs : [];
    const nameOf = (path: string) => path.slice('/certs/'.length);
    expect(
      found.map(({ certificatePath, keyPath }) => `${nameOf(certificatePath)}+${nameOf(keyPath)}`),
    ).toEqual(pairs);
  });

  it('tells the files and the first expiry of a leaf when it accepts', () => {
    const verdict = judge({
      ...kubernetesPair,
      'ca.crt': pem(
        certificate('old', { isAuthority: true, notAfterMs: wallMs - dayMs }),
        authority(),
      ),
      'b.crt': pem(certificate('b', { notAfterMs: wallMs + 1 })),
      'b.key': pem(key('b')),
    });
    expect(verdict).toMatchObject({
      kind: 'accepted',
      set: {
        digest: 'd1',
        files: [
          '/certs/tls.crt',
          '/certs/tls.key',
          '/certs/ca.crt',
          '/certs/b.crt',
          '/certs/b.key',
        ],
        earliestExpiryMs: wallMs + 1,
      },
    });
  });

  it('finds the key of another folder and names pairs within one folder only', () => {
    const look = lookAt(
      folderOf({ 'tls.crt': pem(certificate('a')) }, '/certs'),
      folderOf({ 'tls.key': pem(key('a')), 'ca.crt': pem(authority()) }, '/keys'),
      folderOf({ 'tls.crt': pem(certificate('b')), 'tls.key': pem(key('b')) }, '/more'),
    );
    expect(judgeCertificates(look, { wallMs }).kind).toBe('accepted');
  });

  it.each<[string, Record<string, FileContent>, string, string]>([
    [
      'a certificate waits for its key',
      { 'tls.crt': pem(certificate('a')) },
      'waitingForOtherHalf',
      'tls.crt: its key is not there yet',
    ],
    [
      'an authority waits under the name of the served half',
      { 'tls.crt': pem(authority()) },
      'waitingForOtherHalf',
      'tls.crt: its key is not there yet',
    ],
    [
      'a key waits for its certificate',
      { 'tls.key': pem(key('a')), 'ca.crt': pem(authority()) },
      'waitingForOtherHalf',
      'tls.key: its certificate is not there yet',
    ],
    [
      'the key is still the old one',
      { 'tls.crt': pem(certificate('b')), 'tls.key': pem(key('a')) },
      'mismatched',
      'tls.crt: tls.key is not its key',
    ],
    [
      'the key is of another type',
      { 'tls.crt': pem(certificate('b', { keyType: 'rsa' })), 'tls.key': pem(key('a')) },
      'mismatched',
      "tls.crt: tls.key is not its key (ec, the certificate's is rsa)",
    ],
    [
      'the leaf is not first',
      { 'tls.crt': pem(authority(), certificate('a')), 'tls.key': pem(key('a')) },
      'mismatched',
      'the certificate that belongs to the key is not the first',
    ],
    [
      'the leaf is not first, and no name tells of the pair',
      { 'server.crt': pem(authority(), certificate('a')), 'private.key': pem(key('a')) },
      'mismatched',
      'server.crt: the certificate that belongs to the key is not the first',
    ],
    [
      'two files under other names do not match',
      { 'a.crt': pem(certificate('a')), 'b.key': pem(key('b')) },
      'mismatched',
      'a.crt: no key belongs to this certificate',
    ],
    [
      'a named pair does not match though another key does',
      {
        'a.crt': pem(certificate('b')),
        'a.key': pem(key('a')),
        'b.crt': pem(certificate('b')),
        'b.key': pem(key('b')),
      },
      'mismatched',
      'a.crt: a.key is not its key',
    ],
    [
      'the leaf has expired',
      {
        'tls.crt': pem(certificate('a', { notAfterMs: wallMs - 3 * dayMs })),
        'tls.key': pem(key('a')),
      },
      'expired',
      'tls.crt: it expired 3 days ago',
    ],
    [
      'all authorities of a file have expired',
      {
        ...kubernetesPair,
        'ca.crt': pem(
          certificate('x', { isAuthority: true, notAfterMs: wallMs - dayMs }),
          certificate('y', { isAuthority: true, notAfterMs: wallMs - 2 * dayMs }),
        ),
      },
      'expired',
      'ca.crt: all in it have expired',
    ],
    [
      'no authority of a file is valid yet',
      {
        ...kubernetesPair,
        'ca.crt': pem(certificate('x', { isAuthority: true, notBeforeMs: wallMs + dayMs })),
      },
      'notYetValid',
      'ca.crt: none in it is valid yet',
    ],
    [
      'the leaf is not valid yet',
      {
        'tls.crt': pem(certificate('a', { notBeforeMs: wallMs + 90_000 })),
        'tls.key': pem(key('a')),
      },
      'notYetValid',
      'tls.crt: it becomes valid in 90 s',
    ],
    [
      'a later block is broken',
      {
        ...kubernetesPair,
        'ca.crt': pem(authority(), {
          kind: 'broken',
          reason: 'its block 2 (CERTIFICATE) does not parse',
        }),
      },
      'unparsable',
      'ca.crt: its block 2',
    ],
    [
      'a certificate is DER',
      { 'tls.crt': { kind: 'plain', isLikelyDer: true }, 'tls.key': pem(key('a')) },
      'unparsable',
      'tls.crt: it is DER, not PEM',
    ],
    [
      'the key of a certificate is no PEM',
      { 'tls.crt': pem(certificate('a')), 'tls.key': plain },
      'unparsable',
      'tls.key: no PEM block is in it',
    ],
    [
      'the key is encrypted',
      { 'tls.crt': pem(certificate('a')), 'tls.key': pem({ kind: 'encryptedKey' }) },
      'refused',
      'tls.key: its key is encrypted',
    ],
    [
      'a file is refused',
      { ...kubernetesPair, pipe: { kind: 'refused', reason: 'it is a FIFO' } },
      'refused',
      'pipe: it is a FIFO',
    ],
    [
      'a file is unreadable',
      { ...kubernetesPair, 'ca.crt': { kind: 'unreadable', reason: 'permission denied' } },
      'missing',
      'ca.crt: permission denied',
    ],
    [
      'nothing but plain files is there',
      { namespace: plain },
      'missing',
      '/certs: no certificate is in it',
    ],
  ])('holds when %s', (_, contents, kind, message) => {
    const verdict = judge(contents);
    expect(verdict.kind).toBe(kind);
    expect(messagesOf(verdict)[0]).toContain(message);
    expect('advice' in verdict && verdict.advice).toMatch(/^[A-Z].*\.$/);
  });

  it('waits for the other half when one of the two is still empty', () => {
    const empty: FileFacts = { name: 'tls.key', size: 0, content: plain };
    const certs = folderOf({ 'tls.crt': pem(certificate('a')) });
    const look = lookAt({ ...certs, files: [...certs.files, empty] });
    expect(judgeCertificates(look, { wallMs }).kind).toBe('waitingForOtherHalf');
  });

  it('is named for the problem that comes first in the order and tells all of its step', () => {
    const verdict = judge({
      'a.crt': { kind: 'unreadable', reason: 'permission denied' },
      pipe: { kind: 'refused', reason: 'it is a FIFO' },
      'tls.crt': pem(certificate('a')),
    });
    expect(verdict.kind).toBe('refused');
    expect(messagesOf(verdict)).toHaveLength(2);
  });

  it('is unchanged when the digest is the accepted one, though it has expired since', () => {
    const accepted = { digest: digestOf('d1'), files: ['/certs/tls.crt', '/certs/tls.key'] };
    const verdict = judgeCertificates(lookAt(folderOf(kubernetesPair)), {
      wallMs: wallMs + 10 * dayMs,
      accepted,
    });
    expect(verdict.kind).toBe('unchanged');
  });

  it('holds a deletion, and lets it pass when nothing is known of before', () => {
    const accepted = {
      digest: digestOf('d0'),
      files: ['/certs/ca.crt', '/certs/tls.crt', '/certs/tls.key'],
    };
    const look = lookAt(folderOf(kubernetesPair));
    const verdict = judgeCertificates(look, { wallMs, accepted });
    expect(verdict.kind).toBe('missing');
    expect(messagesOf(verdict)).toEqual([
      'Cannot use /certs/ca.crt: it was there before and is gone.',
    ]);
    expect(judgeCertificates(look, { wallMs }).kind).toBe('accepted');
  });

  it('accepts a set with a file more than before', () => {
    const accepted = { digest: digestOf('d0'), files: ['/certs/tls.crt'] };
    const verdict = judgeCertificates(lookAt(folderOf(kubernetesPair)), { wallMs, accepted });
    expect(verdict.kind).toBe('accepted');
  });

  it('accepts an absent folder beside a full one that never had files', () => {
    const absent: FolderFacts = {
      folder: '/optional',
      files: [],
      trouble: { kind: 'absent', reason: 'it is not there' },
    };
    const verdict = judgeCertificates(lookAt(folderOf(kubernetesPair), absent), { wallMs });
    expect(verdict.kind).toBe('accepted');
  });

  it.each([
    ['absent', 'missing'],
    ['unreadable', 'missing'],
    ['refused', 'refused'],
  ] as const)('holds when the only folder is %s', (kind, expected) => {
    const look = lookAt({ folder: '/certs', files: [], trouble: { kind, reason: 'of this' } });
    const verdict = judgeCertificates(look, { wallMs });
    expect(verdict.kind).toBe(expected);
    expect(messagesOf(verdict)).toEqual(['Cannot use /certs: of this.']);
    expect(isNothingThere(look)).toBe(kind === 'absent');
  });

  it('accepts the empty set when there are no folders', () => {
    expect(judgeCertificates(lookAt(), { wallMs }).kind).toBe('accepted');
    expect(isNothingThere(lookAt())).toBe(true);
  });
});
