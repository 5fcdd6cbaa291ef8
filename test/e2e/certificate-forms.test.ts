/** In what form certificates come: what is taken, Envoy takes; what is held keeps the last good set. */
import { execFile } from 'node:child_process';
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createCertificateStore } from '../../src/adapters/cert-store.ts';
import { judgeCertificates } from '../../src/core/certificate-verdict.ts';
import { type Authority, issueAuthority, type Leaf } from '../support/certificates.ts';
import { envoyBinary } from '../support/envoy-binary.ts';
import { filesOf } from '../support/service-certificates.ts';
import { watchCertificates } from '../support/watched-certificates.ts';

type Contents = Readonly<Record<string, string | Buffer>>;

let authority: Authority;
let root: string;
let first: Leaf;
let second: Leaf;
let rsa: Leaf;

beforeAll(async () => {
  authority = await issueAuthority();
  const leafOf = (name: string, more: object = {}) =>
    authority.issueLeaf({ commonName: `${name}.test`, chain: true, ...more });
  [first, second, rsa] = await Promise.all([
    leafOf('first'),
    leafOf('second'),
    leafOf('rsa', { keyType: 'rsa' }),
  ]);
});

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'forms-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
});

async function writeInto(folder: string, contents: Contents): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(contents))
    await writeFile(join(folder, name), content);
}

const setOf = (leaf: Leaf): Contents => ({ ...filesOf(leaf), 'ca.crt': authority.certificatePem });
const keyOf = ({ keyPem }: Leaf): KeyObject => createPrivateKey(keyPem);
const exported = (key: KeyObject, type: 'pkcs1' | 'sec1'): string =>
  key.export({ type, format: 'pem' }).toString();
const withWindowsLineEnds = (pem: string) => pem.replaceAll('\n', '\r\n');
const derOf = (pem: string) => Buffer.from(pem.split('-----')[2] ?? '', 'base64');
/** As `openssl ecparam -genkey` writes in front of a key on P-256. */
const PARAMETERS = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
const NOT_A_CERTIFICATE = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

/** Each is a whole set of `tls.crt`, `tls.key` and `ca.crt`. */
const taken: Readonly<Record<string, () => Contents>> = {
  'PEM and nothing else': () => setOf(first),
  'Windows line ends': () => ({
    'tls.crt': withWindowsLineEnds(first.certificatePem),
    'tls.key': withWindowsLineEnds(first.keyPem),
    'ca.crt': withWindowsLineEnds(authority.certificatePem),
  }),
  'text before, between and behind the blocks': () => ({
    ...setOf(first),
    'tls.crt': `subject=/CN=first\n${first.certificatePem}\nend\n`,
    'tls.key': `Bag Attributes\n    friendlyName: key\n${first.keyPem}\n`,
    'ca.crt': `# ours\n${authority.certificatePem}# more\n${authority.certificatePem}trailing`,
  }),
  'no line end at the end': () => ({
    'tls.crt': first.certificatePem.trimEnd(),
    'tls.key': first.keyPem.trimEnd(),
    'ca.crt': authority.certificatePem.trimEnd(),
  }),
  'blanks behind the boundaries': () => ({
    ...setOf(first),
    'tls.crt': first.certificatePem.replaceAll('-----\n', '----- \n'),
  }),
  'an authority twice in the bundle': () => ({
    ...setOf(first),
    'ca.crt': authority.certificatePem.repeat(2),
  }),
  'its issuer twice in the chain': () => ({
    ...setOf(first),
    'tls.crt': first.certificatePem + authority.certificatePem,
  }),
  'an RSA key in PKCS #1': () => ({ ...setOf(rsa), 'tls.key': exported(keyOf(rsa), 'pkcs1') }),
  'an EC key in SEC 1 behind its parameters': () => ({
    ...setOf(first),
    'tls.key': PARAMETERS + exported(keyOf(first), 'sec1'),
  }),
  'key and certificate in one file, which stands for both': () => {
    const both = first.keyPem + first.certificatePem;
    return { ...setOf(first), 'tls.crt': both, 'tls.key': both };
  },
};

describe('a set that is taken', () => {
  test('is taken by Envoy too, in whatever form it comes', async () => {
    const folders: Record<string, string> = {};
    for (const [form, contents] of Object.entries(taken)) {
      const folder = join(root, `${Object.keys(folders).length}`);
      await writeInto(folder, contents());
      folders[form] = folder;
    }

    const kinds: Record<string, string> = {};
    const snapshots: string[] = [];
    for (const [form, folder] of Object.entries(folders)) {
      const store = createCertificateStore({
        folders: [folder],
        snapshotRoot: join(root, 'snapshots'),
      });
      const look = await store.look();
      kinds[form] = judgeCertificates(look, { wallMs: Date.now() }).kind;
      const snapshot = await store.snapshot(look);
      if (snapshot.ok) snapshots.push(snapshot.value.folder);
    }

    expect(kinds).toEqual(Object.fromEntries(Object.keys(taken).map((form) => [form, 'accepted'])));
    expect(await saidByEnvoy(snapshots)).toMatch(/OK\n$/);
  });
});

/** Each is a change of a good set, and what is said of it. */
const held: Readonly<Record<string, readonly [() => Contents, RegExp]>> = {
  'no file at all, an empty secret': [() => ({}), /it was there before and is gone/],
  'empty files': [
    () => ({ 'tls.crt': '', 'tls.key': '', 'ca.crt': '' }),
    /tls\.crt: it is empty.*tls\.key: it is empty/s,
  ],
  'a byte order mark': [
    () => ({ ...setOf(second), 'tls.crt': `\uFEFF${second.certificatePem}` }),
    /tls\.crt: it begins with a byte order mark/,
  ],
  'a byte order mark in front of the key': [
    () => ({ ...setOf(second), 'tls.key': `\uFEFF${second.keyPem}` }),
    /tls\.key: it begins with a byte order mark/,
  ],
  DER: [
    () => ({ ...setOf(second), 'tls.crt': derOf(second.certificatePem) }),
    /tls\.crt: it is DER, not PEM/,
  ],
  'a DER key': [
    () => ({ ...setOf(second), 'tls.key': derOf(second.keyPem) }),
    /tls\.key: it is DER, not PEM/,
  ],
  'an encrypted key': [
    () => {
      const cipher = { cipher: 'aes-128-cbc', passphrase: 'x' };
      const key = keyOf(second).export({ type: 'pkcs8', format: 'pem', ...cipher });
      return { ...setOf(second), 'tls.key': key };
    },
    /tls\.key: its key is encrypted.*without a passphrase/s,
  ],
  'the issuer in front of the leaf': [
    () => {
      const [leaf, issuer] = second.certificatePem.split(/(?<=END CERTIFICATE-----\n)/);
      return { ...setOf(second), 'tls.crt': `${issuer}${leaf}` };
    },
    /tls\.crt: the certificate that belongs to the key is not the first in it/,
  ],
  'an RSA certificate and an EC key': [
    () => ({ ...setOf(rsa), 'tls.key': second.keyPem }),
    /tls\.key is not its key \(ec, the certificate's is rsa\)/,
  ],
  'a chain of which the second block is cut off': [
    () => ({ ...setOf(second), 'tls.crt': second.certificatePem.slice(0, -40) }),
    /tls\.crt: its block CERTIFICATE is cut off/,
  ],
  'a bundle that is bad as a whole': [
    () => ({ ...setOf(second), 'ca.crt': NOT_A_CERTIFICATE }),
    /ca\.crt: its block 1 \(CERTIFICATE\) does not parse/,
  ],
  'a bundle that is bad in part': [
    () => ({ ...setOf(second), 'ca.crt': authority.certificatePem + NOT_A_CERTIFICATE }),
    /ca\.crt: its block 2 \(CERTIFICATE\) does not parse/,
  ],
  'an empty bundle': [() => ({ ...setOf(second), 'ca.crt': '' }), /ca\.crt: it is empty/],
  'a key for a certificate': [
    () => ({ ...setOf(second), 'tls.crt': second.keyPem }),
    /Cannot use .*tls\.(crt|key): its certificate is not there yet/,
  ],
  noise: [
    () => ({
      ...setOf(second),
      'tls.crt': Buffer.from(Array.from({ length: 5_000 }, (_, n) => n * 7)),
    }),
    /tls\.crt: no PEM block is in it/,
  ],
};

describe('a set that is held', () => {
  test.each(Object.entries(held))(
    'because it has %s keeps the last good one, says so, and is followed by the next good one',
    async (_, [contents, says]) => {
      const folder = join(root, 'certs');
      await writeInto(folder, setOf(first));
      const certificates = await watchCertificates(folder);

      await certificates.lookAfter(() => writeInto(folder, contents()));
      const meanwhile = [...certificates.served];
      const told = certificates.held.at(-1);
      await certificates.lookAfter(() => writeInto(folder, setOf(second)));

      expect(told).toMatch(says);
      expect(told).not.toContain('-----');
      expect(meanwhile).toEqual([setOf(first)]);
      expect(certificates.served).toEqual([setOf(first), setOf(second)]);
    },
  );

  test('for one bad certificate among many would be refused by Envoy as well', async () => {
    const folder = join(root, 'certs');
    await writeInto(folder, {
      ...setOf(first),
      'ca.crt': authority.certificatePem + NOT_A_CERTIFICATE,
    });

    expect(await saidByEnvoy([folder])).toMatch(/Failed to load trusted CA certificates from/);
  });
});

/** What Envoy's own validation ends with, given a listener for each of these folders. */
async function saidByEnvoy(folders: readonly string[]): Promise<string> {
  const path = join(root, 'bootstrap.json');
  const listeners = folders.map(listenerOf);
  await writeFile(path, JSON.stringify({ static_resources: { listeners } }));
  const args = ['--mode', 'validate', '--config-path', path, '--log-level', 'error'];
  const run = promisify(execFile)(envoyBinary(), args, { timeout: 30_000 });
  const { stdout, stderr } = await run.catch(
    (error) => error as { stdout: string; stderr: string },
  );
  return stderr + stdout;
}

function listenerOf(folder: string, index: number) {
  const file = (name: string) => ({ filename: join(folder, name) });
  const type = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
  const tls = {
    '@type': type,
    common_tls_context: {
      tls_certificates: [{ certificate_chain: file('tls.crt'), private_key: file('tls.key') }],
      validation_context: { trusted_ca: file('ca.crt') },
    },
  };
  return {
    name: `${index}`,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ transport_socket: { name: 'tls', typed_config: tls } }],
  };
}
