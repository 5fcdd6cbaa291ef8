import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CertificateExpectation,
  expectationOf,
  proveCertificates,
  proveSecrets,
} from '../../src/core/certificate-proof.ts';

const CHAIN = '/certs/1/tls.crt';
const BUNDLE = '/certs/1/ca.crt';
const NEWER = '9e55/1.40.0/Clean/RELEASE/BoringSSL';
const OLDER = '9e55/1.36.4/Clean/RELEASE/BoringSSL';

type Shown = readonly [path: string, serialNumber: string];

const shown = ([path, serial_number]: Shown) => ({ path, serial_number, subject_alt_names: [] });
const contextOf = (chain: readonly Shown[], authorities: readonly Shown[] = []) => ({
  ca_cert: authorities.map(shown),
  cert_chain: chain.map(shown),
});
const bodyOf = (...certificates: object[]) => JSON.stringify({ certificates });

const chain = (serialNumber: string): CertificateExpectation => ({
  chains: [{ path: CHAIN, serialNumber }],
  authorities: [],
});
const bundle = (...serialNumbers: string[]): CertificateExpectation => ({
  chains: [],
  authorities: [{ path: BUNDLE, serialNumbers }],
});

describe('a chain is proved', () => {
  test.each<[string, string, readonly Shown[]]>([
    ['by its path', '0A1B', [[CHAIN, '0a1b']]],
    ['whatever zeros and letters', '00ab', [[CHAIN, 'AB']]],
    ['by a secret', '0A', [['<inline>', 'a']]],
    [
      'among others',
      '0A',
      [
        ['/etc/other.crt', 'ff'],
        [CHAIN, '0a'],
      ],
    ],
    ['by the number nought', '00', [[CHAIN, '0']]],
  ])('%s', (_, serialNumber, listed) => {
    expect(proveCertificates(chain(serialNumber), bodyOf(contextOf(listed)))).toBeUndefined();
  });
});

describe('a chain is not proved', () => {
  test.each<[string, readonly Shown[]]>([
    ['by nothing', []],
    ['by another number', [[CHAIN, 'ff']]],
    ['by another path', [['/certs/0/tls.crt', '0a']]],
    [
      'by a secret where its path is shown',
      [
        [CHAIN, 'ff'],
        ['<inline>', '0a'],
      ],
    ],
  ])('%s', (_, listed) => {
    expect(proveCertificates(chain('0A'), bodyOf(contextOf(listed)))).toBe(
      'Envoy has not loaded tls.crt with serial 0A',
    );
  });
});

describe('a bundle is proved', () => {
  test.each<[string, string | undefined, readonly (readonly Shown[])[]]>([
    [
      'in any order',
      NEWER,
      [
        [
          [BUNDLE, '0b'],
          [BUNDLE, '0a'],
        ],
      ],
    ],
    [
      'by a secret of one context among several',
      NEWER,
      [
        [['<inline>', 'a']],
        [
          ['<inline>', 'a'],
          ['<inline>', 'b'],
        ],
      ],
    ],
    ['by its first certificate before 1.40', OLDER, [[['<inline>', 'a']]]],
    ['by its first certificate of an unknown version', undefined, [[[BUNDLE, 'a']]]],
    ['by its first certificate of an odd version', 'odd', [[[BUNDLE, 'a']]]],
  ])('%s', (_, version, bundles) => {
    const body = bodyOf(...bundles.map((one) => contextOf([], one)));

    expect(proveCertificates(bundle('0A', '0B'), body, version)).toBeUndefined();
  });
});

describe('a bundle is not proved', () => {
  const [a, b, c]: readonly Shown[] = [
    ['<inline>', 'a'],
    ['<inline>', 'b'],
    ['<inline>', 'c'],
  ];
  test.each<[string, string | undefined, readonly (readonly (Shown | undefined)[])[]]>([
    ['by a part of it', NEWER, [[a]]],
    ['by more than it', NEWER, [[a, b, c]]],
    ['by the parts in two contexts', NEWER, [[a], [b]]],
    ['by its second certificate', OLDER, [[b]]],
    ['by its first, where another is shown whole', undefined, [[a], [b, c]]],
    ['by a chain', NEWER, []],
  ])('%s', (_, version, bundles) => {
    const present = bundles.map((one) => one.filter((shown) => shown !== undefined));
    const body = bodyOf(contextOf([[BUNDLE, '0a']]), ...present.map((one) => contextOf([], one)));

    expect(proveCertificates(bundle('0A', '0B'), body, version)).toBe(
      'Envoy has not loaded ca.crt with serial 0A and 1 more',
    );
  });
});

test.each(['', 'OK\n', '[]', 'null', '{"certificates": {}}', '{"certificates": [1]}'])(
  'nothing is proved by %j',
  (body) => {
    expect(proveCertificates(chain('0A'), body)).toBe(
      'Envoy has not said which certificates it has loaded',
    );
  },
);

test.each(['{}', '{"certificates": [{"cert_chain": 1, "ca_cert": [1, {}, {"path": 2}]}]}'])(
  'no certificate is shown by %s',
  (body) => {
    expect(proveCertificates(chain('0A'), body)).toContain('has not loaded');
    expect(proveCertificates({ chains: [], authorities: [] }, body)).toBeUndefined();
  },
);

test('what is expected is the leaf of a chain, all of a bundle, and nothing of unknown files', () => {
  const serials = new Map([
    [CHAIN, ['0A', '0B']],
    [BUNDLE, ['0C', '0D']],
    ['/certs/1/empty.crt', []],
  ]);
  const use = {
    chains: [CHAIN, '/etc/own.crt', '/certs/1/empty.crt'],
    authorities: [BUNDLE, '/etc/own-ca.crt', '/certs/1/empty.crt'],
  };

  expect(expectationOf(use, (path) => serials.get(path))).toEqual({
    chains: [{ path: CHAIN, serialNumber: '0A' }],
    authorities: [{ path: BUNDLE, serialNumbers: ['0C', '0D'] }],
  });
});

test('what Envoy shows of all files proves them, by path and by secret, and one less does not', () => {
  const anySerial = fc.integer({ min: 1, max: 0xffff }).map((value) => value.toString(16));
  const anySerials = fc.uniqueArray(anySerial, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(anySerials, anySerials, fc.boolean(), (leaves, bundled, isInline) => {
      const chains = leaves.map((serialNumber, at) => ({ path: `/c/${at}`, serialNumber }));
      const authorities = [{ path: '/c/ca', serialNumbers: bundled }];
      const place = (path: string) => (isInline ? '<inline>' : path);
      const listed = chains.map(({ path, serialNumber }): Shown => [place(path), serialNumber]);
      const authority = bundled.map((serial): Shown => [place('/c/ca'), `0${serial}`]);
      const prove = (...shown: Parameters<typeof contextOf>) =>
        proveCertificates({ chains, authorities }, bodyOf(contextOf(...shown)), NEWER);

      expect(prove(listed, authority)).toBeUndefined();
      expect(prove(listed.slice(1), authority)).toMatch(/^Envoy has not loaded 0 with serial/);
      expect(prove(listed, authority.slice(1))).toMatch(/^Envoy has not loaded ca with serial/);
    }),
  );
});

describe('a secret is accepted', () => {
  const stats = [
    'sds.authority-1.version_text: "new"',
    'sds.certificate-1.version_text: "new"',
    'sds.someone-elses.version_text: "7"',
  ].join('\n');
  const names = ['certificate-1', 'authority-1'];

  test('when the statistics have its version', () => {
    expect(proveSecrets(names, 'new', stats)).toBeUndefined();
  });

  test('not while one of them has the version before', () => {
    const behind = stats.replace(
      'certificate-1.version_text: "new"',
      'certificate-1.version_text: "old"',
    );
    expect(proveSecrets(names, 'new', behind)).toBe(
      'Envoy has not accepted the secret certificate-1',
    );
    expect(proveSecrets(names, 'new', behind.replace('"old"', '""'))).toMatch(/certificate-1/);
  });

  test('as far as anyone can tell where its statistics are left out', () => {
    expect(proveSecrets(names, 'new', '')).toBeUndefined();
    expect(proveSecrets(names, 'new', 'sds.authority-1.version_text: "new"')).toBeUndefined();
  });
});
