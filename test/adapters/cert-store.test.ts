import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import {
  appendFile,
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createCertificateStore } from '../../src/adapters/cert-store.ts';
import type { CertificateLook } from '../../src/core/certificate-facts.ts';
import { type CertificateVerdict, judgeCertificates } from '../../src/core/certificate-verdict.ts';
import { digestOf } from '../../src/core/model.ts';
import { type Authority, issueAuthority, type Leaf } from '../support/certificates.ts';
import { createKubernetesVolume } from '../support/kubernetes-volume.ts';

const PATIENCE = { timeout: 20_000 };

let authority: Authority;
let first: Leaf;
let second: Leaf;
let rsa: Leaf;

beforeAll(async () => {
  authority = await issueAuthority();
  first = await authority.issueLeaf({ commonName: 'first.test', chain: true });
  second = await authority.issueLeaf({ commonName: 'second.test', chain: true });
  rsa = await authority.issueLeaf({ commonName: 'rsa.test', keyType: 'rsa' });
});

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cert-store-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function openStore(...folders: string[]) {
  const snapshotRoot = join(await temporaryFolder(), 'certs');
  return { ...createCertificateStore({ folders, snapshotRoot }), snapshotRoot };
}

type Store = Awaited<ReturnType<typeof openStore>>;

/** A store on one new folder with these files. */
async function storeOf(files: Readonly<Record<string, string | Buffer>>) {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const store = await openStore(folder);
  return { ...store, folder, file: (name: string) => join(folder, name) };
}

const filesOf = (leaf: Leaf) => ({
  'tls.crt': leaf.certificatePem,
  'tls.key': leaf.keyPem,
  'ca.crt': authority.certificatePem,
});

const judge = (look: CertificateLook): CertificateVerdict =>
  judgeCertificates(look, { wallMs: Date.now() });
const verdictOf = async (store: Store) => judge(await store.look());
const messagesOf = (verdict: CertificateVerdict) =>
  'problems' in verdict ? verdict.problems.map((problem) => problem.message).join('\n') : '';

async function snapshotOf(store: Store, look: CertificateLook) {
  const result = await store.snapshot(look);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join());
  return result.value;
}

describe('look', () => {
  it('is accepted and tells leaf, serial number and dates when the pair is whole', async () => {
    const store = await storeOf(filesOf(first));
    const verdict = await verdictOf(store);
    expect(verdict).toMatchObject({ kind: 'accepted', set: { pairs: [{ leaf: {} }] } });
    const leaf = 'set' in verdict ? verdict.set.pairs[0]?.leaf : undefined;
    expect(leaf).toMatchObject({ subject: 'CN=first.test', keyType: 'ec', isAuthority: false });
    expect(leaf?.serialNumber).toBe(first.serialNumber);
    expect(leaf?.notAfterMs).toBeGreaterThan(Date.now());
  });

  it('has the same digest after a touch, a chmod and an identical rewrite', async () => {
    const store = await storeOf(filesOf(first));
    const { digest } = await store.look();
    await utimes(store.file('tls.crt'), 1, 1);
    await chmod(store.file('tls.crt'), 0o600);
    await writeFile(store.file('tls.key'), first.keyPem);
    expect((await store.look()).digest).toBe(digest);
  });

  it('has another digest when bytes move from one file to the next or a name changes', async () => {
    const sets: Record<string, string>[] = [
      { a: 'xy', b: 'z' },
      { a: 'x', b: 'yz' },
      { ax: 'y', b: 'z' },
      { a: 'xyz', b: '' },
      { a: 'xyz' },
    ];
    const store = await storeOf({});
    const digests = new Set<string>();
    for (const files of sets) {
      await rm(store.folder, { recursive: true });
      await mkdir(store.folder);
      for (const [name, text] of Object.entries(files)) await writeFile(store.file(name), text);
      digests.add((await store.look()).digest);
    }
    expect(digests.size).toBe(sets.length);
  });

  it('has another digest when only the trust bundle changes', async () => {
    const store = await storeOf(filesOf(first));
    const { digest } = await store.look();
    await writeFile(store.file('ca.crt'), (await issueAuthority()).certificatePem);
    const look = await store.look();
    expect(look.digest).not.toBe(digest);
    expect(judge(look).kind).toBe('accepted');
  });

  it('reads a Kubernetes volume through its data directory, at the first and the fiftieth swap', async () => {
    const folder = join(await temporaryFolder(), 'certs');
    const volume = await createKubernetesVolume(folder, filesOf(first));
    const store = await openStore(folder);
    const digests = new Set([(await store.look()).digest]);
    for (let count = 1; count <= 50; count += 1) {
      await volume.swap({ ...filesOf(count % 2 === 0 ? first : second), count: String(count) });
      const look = await store.look();
      expect(judge(look).kind).toBe('accepted');
      digests.add(look.digest);
    }
    expect(digests.size).toBe(51);
  });

  it('never mixes two sets when a Kubernetes volume is swapped while it reads', async () => {
    const folder = join(await temporaryFolder(), 'certs');
    const volume = await createKubernetesVolume(folder, filesOf(first));
    const store = await openStore(folder);
    const kinds = new Set<string>();
    let isSwapping = true;
    const swapping = (async () => {
      for (let count = 0; count < 60; count += 1) {
        await volume.swap(filesOf(count % 2 === 0 ? second : first));
      }
      isSwapping = false;
    })();
    while (isSwapping) kinds.add((await verdictOf(store)).kind);
    await swapping;
    expect([...kinds].filter((kind) => kind !== 'accepted' && kind !== 'missing')).toEqual([]);
    expect((await verdictOf(store)).kind).toBe('accepted');
  });

  it('reads the data directory when the visible links are missing', async () => {
    const folder = join(await temporaryFolder(), 'certs');
    await createKubernetesVolume(folder, filesOf(first));
    await rm(join(folder, 'tls.key'));
    expect((await verdictOf(await openStore(folder))).kind).toBe('accepted');
  });

  it('is missing while a visible link has no target yet', async () => {
    const folder = await temporaryFolder();
    await symlink('..data/tls.crt', join(folder, 'tls.crt'));
    const verdict = await verdictOf(await openStore(folder));
    expect(verdict.kind).toBe('missing');
    expect(messagesOf(verdict)).toContain('tls.crt: it is not there');
  });

  it('is unparsable from a truncation in place until the file is whole again', async () => {
    const store = await storeOf(filesOf(first));
    await truncate(store.file('tls.crt'), 300);
    expect((await verdictOf(store)).kind).toBe('unparsable');
    await truncate(store.file('tls.crt'), 0);
    expect((await verdictOf(store)).kind).toBe('waitingForOtherHalf');
    await writeFile(store.file('tls.crt'), first.certificatePem);
    expect((await verdictOf(store)).kind).toBe('accepted');
  });

  it('is unparsable when the leaf is whole and the second block is not', async () => {
    const cut = first.certificatePem.slice(0, -100);
    const damaged = first.certificatePem.replace(
      /(END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n)...../,
      '$1AAAAA',
    );
    for (const certificatePem of [cut, damaged]) {
      const store = await storeOf(filesOf({ ...first, certificatePem }));
      const verdict = await verdictOf(store);
      expect(verdict.kind).toBe('unparsable');
      expect(messagesOf(verdict)).toContain('tls.crt: its block');
    }
  });

  it.each(['certificate', 'key'])(
    'is accepted once both match when the %s comes first',
    async (half) => {
      const store = await storeOf(filesOf(first));
      const writeHalf = {
        certificate: () => writeFile(store.file('tls.crt'), second.certificatePem),
        key: () => writeFile(store.file('tls.key'), second.keyPem),
      };
      await (half === 'certificate' ? writeHalf.certificate() : writeHalf.key());
      expect((await verdictOf(store)).kind).toBe('mismatched');
      await (half === 'certificate' ? writeHalf.key() : writeHalf.certificate());
      expect((await verdictOf(store)).kind).toBe('accepted');
    },
  );

  it('is mismatched when the certificate is RSA and the key is not', async () => {
    const store = await storeOf({ ...filesOf(first), 'tls.crt': rsa.certificatePem });
    const verdict = await verdictOf(store);
    expect(verdict.kind).toBe('mismatched');
    expect(messagesOf(verdict)).toContain("ec, the certificate's is rsa");
  });

  it('is accepted with several pairs of several types in one folder', async () => {
    const store = await storeOf({
      'cert-chain.pem': first.certificatePem,
      'key.pem': first.keyPem,
      'root-cert.pem': authority.certificatePem,
      'rsa-cert.pem': rsa.certificatePem,
      'rsa-key.pem': createPrivateKey(rsa.keyPem).export({
        type: 'pkcs1',
        format: 'pem',
      }) as string,
      'second.crt': second.certificatePem,
      'second.key': createPrivateKey(second.keyPem).export({
        type: 'sec1',
        format: 'pem',
      }) as string,
    });
    const verdict = await verdictOf(store);
    expect(messagesOf(verdict)).toBe('');
    expect('set' in verdict && verdict.set.pairs.length).toBe(3);
  });

  it.each([
    ['expired', -10, -1],
    ['notYetValid', 1, 10],
  ])('is %s when the leaf says so', async (kind, fromDay, toDay) => {
    const day = (days: number) => new Date(Date.now() + days * 86_400_000);
    const leaf = await authority.issueLeaf({
      commonName: 'dated.test',
      notBefore: day(fromDay),
      notAfter: day(toDay),
    });
    const verdict = await verdictOf(await storeOf(filesOf(leaf)));
    expect(verdict.kind).toBe(kind);
  });

  it('holds a removed file and a removed folder and accepts what is written anew', async () => {
    const store = await storeOf(filesOf(first));
    const verdict = await verdictOf(store);
    if (verdict.kind !== 'accepted') throw new Error(verdict.kind);
    const judgeAgain = async () =>
      judgeCertificates(await store.look(), { wallMs: Date.now(), accepted: verdict.set }).kind;
    await rm(store.file('ca.crt'));
    expect(await judgeAgain()).toBe('missing');
    await rm(store.folder, { recursive: true });
    expect(await judgeAgain()).toBe('missing');
    await mkdir(store.folder);
    expect(await judgeAgain()).toBe('missing');
    for (const [name, text] of Object.entries(filesOf(second))) {
      await writeFile(store.file(name), text);
    }
    expect(await judgeAgain()).toBe('accepted');
  });

  it('sees a file replaced by rename while a hard link keeps the old one', async () => {
    const store = await storeOf({ 'ca.crt': authority.certificatePem });
    const { digest } = await store.look();
    await link(store.file('ca.crt'), join(await temporaryFolder(), 'kept'));
    await writeFile(store.file('.next'), (await issueAuthority()).certificatePem);
    await rename(store.file('.next'), store.file('ca.crt'));
    expect((await store.look()).digest).not.toBe(digest);
  });

  it('follows links to files elsewhere and passes over folders, hidden and temporary files', async () => {
    const elsewhere = await temporaryFolder();
    await writeFile(join(elsewhere, 'real.key'), first.keyPem);
    const store = await storeOf({
      'tls.crt': first.certificatePem,
      '.tls.crt.swp': 'half',
      'tls.key.tmp': second.keyPem,
    });
    await symlink(join(elsewhere, 'real.key'), store.file('tls.key'));
    await mkdir(store.file('lost+found'));
    const look = await store.look();
    expect(judge(look).kind).toBe('accepted');
    expect(look.folders[0]?.files.map(({ name }) => name)).toEqual(['tls.crt', 'tls.key']);
  });

  it('is missing when links go round in a circle, in the folder or on the way to it', async () => {
    const store = await storeOf({});
    await symlink('tls.key', store.file('tls.crt'));
    await symlink('tls.crt', store.file('tls.key'));
    expect(messagesOf(await verdictOf(store))).toContain('its links go round in a circle');
    const verdict = await verdictOf(await openStore(store.file('tls.crt')));
    expect(verdict.kind).toBe('missing');
  });

  it('refuses a FIFO, a device, a socket and a folder by the name of a key without reading', async () => {
    const store = await storeOf({});
    execFileSync('mkfifo', [store.file('tls.crt')]);
    await symlink('/dev/zero', store.file('tls.key'));
    await mkdir(store.file('ca.crt'));
    const server = createServer().listen(store.file('socket'));
    onTestFinished(() => void server.close());
    await vi.waitUntil(() => server.listening, PATIENCE);
    const verdict = await verdictOf(store);
    expect(verdict.kind).toBe('refused');
    expect(
      messagesOf(verdict)
        .match(/it is a \w+/g)
        ?.sort(),
    ).toEqual(['it is a FIFO', 'it is a device', 'it is a folder', 'it is a socket']);
  });

  it('refuses a sparse gigabyte without filling the memory', async () => {
    const store = await storeOf(filesOf(first));
    await truncate(store.file('ca.crt'), 2 ** 30);
    const before = process.memoryUsage().rss;
    const verdict = await verdictOf(store);
    expect(messagesOf(verdict)).toContain('ca.crt: it is larger than 1 MiB');
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  });

  it('refuses a folder of too many files, of too many bytes, and one that is a file', async () => {
    const many = await storeOf({});
    for (let count = 0; count < 257; count += 1) await writeFile(many.file(`${count}x`), '');
    expect(messagesOf(await verdictOf(many))).toContain('more than 256 files');
    const large = await storeOf({ 'tls.crt': '' });
    for (let count = 0; count < 9; count += 1) {
      await writeFile(large.file(`${count}x`), Buffer.alloc(1_000_000));
    }
    expect(messagesOf(await verdictOf(large))).toContain('larger than 8 MiB');
    const file = await verdictOf(await openStore(large.file('tls.crt')));
    expect(messagesOf(file)).toContain('it is not a folder');
  });

  it.each<[string, (leaf: Leaf) => Record<string, string | Buffer>, string, string]>([
    [
      'Windows line ends',
      (leaf) => ({ 'tls.crt': leaf.certificatePem.replaceAll('\n', '\r\n') }),
      'accepted',
      '',
    ],
    [
      'text around the blocks',
      (leaf) => ({ 'tls.crt': `a\n${leaf.certificatePem}\nz` }),
      'accepted',
      '',
    ],
    [
      'a block twice',
      (leaf) => ({ 'ca.crt': authority.certificatePem.repeat(2), 'tls.crt': leaf.certificatePem }),
      'accepted',
      '',
    ],
    [
      'no line end at the end',
      (leaf) => ({ 'tls.crt': leaf.certificatePem.trimEnd() }),
      'accepted',
      '',
    ],
    [
      'a byte order mark',
      (leaf) => ({ 'tls.crt': `\uFEFF${leaf.certificatePem}` }),
      'unparsable',
      'it begins with a byte order mark',
    ],
    [
      'blocks on one line',
      (leaf) => ({ 'tls.crt': leaf.certificatePem.replace('-----\n-----', '----------') }),
      'unparsable',
      'does not stand alone on its line',
    ],
    [
      'an indent',
      (leaf) => ({ 'tls.crt': leaf.certificatePem.replace('-----BEGIN', ' -----BEGIN') }),
      'unparsable',
      'does not stand alone on its line',
    ],
    [
      'UTF-16',
      (leaf) => ({ 'tls.crt': Buffer.from(leaf.certificatePem, 'utf16le') }),
      'unparsable',
      'no PEM block is in it',
    ],
    [
      'DER',
      (leaf) => ({ 'tls.crt': Buffer.from(leaf.certificatePem.split('-----')[2] ?? '', 'base64') }),
      'unparsable',
      'it is DER, not PEM',
    ],
    [
      'the leaf behind its issuer',
      (leaf) => ({ 'tls.crt': authority.certificatePem + leaf.certificatePem }),
      'mismatched',
      'is not the first in it',
    ],
    [
      'an END line alone',
      () => ({ 'tls.crt': '-----END CERTIFICATE-----\n' }),
      'unparsable',
      'an END line has no BEGIN line',
    ],
    [
      'a bundle partly bad',
      () => ({
        'ca.crt': `${authority.certificatePem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
      }),
      'unparsable',
      'its block 2 (CERTIFICATE) does not parse',
    ],
  ])('has a verdict on %s', async (_, change, kind, message) => {
    const verdict = await verdictOf(await storeOf({ ...filesOf(first), ...change(first) }));
    expect(messagesOf(verdict)).toContain(message);
    expect(verdict.kind).toBe(kind);
  });

  it('refuses encrypted keys of both formats', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    for (const type of ['pkcs8', 'pkcs1'] as const) {
      const cipher = { cipher: 'aes-256-cbc', passphrase: 'secret', format: 'pem' as const };
      const keyPem = privateKey.export({ type, ...cipher });
      const verdict = await verdictOf(
        await storeOf({ 'tls.key': keyPem, 'tls.crt': first.certificatePem }),
      );
      expect(verdict.kind).toBe('refused');
      expect(messagesOf(verdict)).toContain('its key is encrypted');
    }
  });

  it('shows no key material, neither in the look nor in the verdict', async () => {
    const broken = first.keyPem.replace('MIG', 'AAAA');
    const store = await storeOf({
      ...filesOf(first),
      'other.key': broken,
      'other.crt': second.certificatePem,
    });
    const look = await store.look();
    const shown = JSON.stringify([look, judge(look)]);
    const secret = first.keyPem.split('\n')[1] ?? '';
    expect(secret.length).toBeGreaterThan(40);
    expect(shown).not.toContain(secret.slice(8, 40));
    expect(shown).not.toContain('BEGIN');
  });

  it('never rejects, and accepts whole blocks alone, wherever the file is cut or damaged', async () => {
    const store = await storeOf(filesOf(first));
    const whole = Buffer.from(first.certificatePem);
    const isOfWholeBlocks = (bytes: Buffer) => {
      const [begun, ended] = ['-----BEGIN', '-----END'].map((side) => bytes.toString().split(side));
      return begun?.length === ended?.length;
    };
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (position, byte) => {
        const damaged = Buffer.from(whole);
        damaged[position] = byte;
        for (const bytes of [whole.subarray(0, position), damaged]) {
          await writeFile(store.file('tls.crt'), bytes);
          const { kind } = await verdictOf(store);
          expect(kind !== 'accepted' || isOfWholeBlocks(bytes)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is the empty set when there are no folders', async () => {
    const store = await openStore();
    const look = await store.look();
    expect(judge(look).kind).toBe('accepted');
    expect(look.folders).toEqual([]);
  });
});

describe('snapshot', () => {
  it('holds exactly the files, private whatever the umask', async () => {
    const store = await storeOf({ ...filesOf(first), namespace: 'default' });
    await chmod(store.file('tls.key'), 0o644);
    for (const umask of [0o000, 0o777]) {
      await store.prune(new Set());
      const before = process.umask(umask);
      const { folder, digest } = await snapshotOf(store, await store.look()).finally(() =>
        process.umask(before),
      );
      expect(folder).toBe(join(store.snapshotRoot, digest));
      expect((await readdir(folder)).sort()).toEqual(['ca.crt', 'namespace', 'tls.crt', 'tls.key']);
      expect(await readFile(join(folder, 'tls.key'), 'utf8')).toBe(first.keyPem);
      const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
      expect(await modeOf(store.snapshotRoot)).toBe(0o700);
      expect(await modeOf(folder)).toBe(0o700);
      expect(await modeOf(join(folder, 'tls.key'))).toBe(0o600);
      expect(await modeOf(join(folder, 'namespace'))).toBe(0o600);
    }
  });

  it('holds what was looked at when the folder has changed since', async () => {
    const store = await storeOf(filesOf(first));
    const look = await store.look();
    await writeFile(store.file('tls.key'), second.keyPem);
    const { folder } = await snapshotOf(store, look);
    expect(await readFile(join(folder, 'tls.key'), 'utf8')).toBe(first.keyPem);
  });

  it('is the same folder the second time, and mended when it was damaged', async () => {
    const store = await storeOf(filesOf(first));
    const look = await store.look();
    const { folder } = await snapshotOf(store, look);
    const { ino } = await stat(folder);
    await snapshotOf(store, look);
    expect((await stat(folder)).ino).toBe(ino);
    await appendFile(join(folder, 'tls.crt'), 'x');
    await writeFile(join(folder, 'stranger'), 'x');
    await snapshotOf(store, await store.look());
    expect((await readdir(folder)).sort()).toEqual(['ca.crt', 'tls.crt', 'tls.key']);
    expect(await readFile(join(folder, 'tls.crt'), 'utf8')).toBe(first.certificatePem);
    expect(await readdir(store.snapshotRoot)).toEqual([look.digest]);
  });

  it('puts further folders under their base names, also when two are the same', async () => {
    const root = await temporaryFolder();
    const folders = ['a/certs', 'b/ingress', 'c/ingress'].map((name) => join(root, name));
    for (const folder of folders) {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'ca.crt'), authority.certificatePem);
    }
    const store = await openStore(...folders);
    const { folder } = await snapshotOf(store, await store.look());
    expect((await readdir(folder, { recursive: true })).sort()).toEqual([
      'ca.crt',
      'ingress',
      'ingress-3',
      'ingress-3/ca.crt',
      'ingress/ca.crt',
    ]);
    expect((await stat(join(folder, 'ingress'))).mode & 0o777).toBe(0o700);
  });

  it('is one new digest when several folders change together', async () => {
    const folders = [await temporaryFolder(), await temporaryFolder()];
    const write = async (leaf: Leaf) => {
      for (const folder of folders) {
        for (const [name, text] of Object.entries(filesOf(leaf))) {
          await writeFile(join(folder, name), text);
        }
      }
    };
    await write(first);
    const store = await openStore(...folders);
    const { digest } = await store.look();
    await write(second);
    const look = await store.look();
    expect(look.digest).not.toBe(digest);
    expect(judge(look).kind).toBe('accepted');
  });

  it('is a problem, not an exception, and leaves nothing when the place is not usable', async () => {
    const store = await storeOf(filesOf(first));
    await writeFile(store.snapshotRoot, 'a file');
    const result = await store.snapshot(await store.look());
    expect(result.ok).toBe(false);
    await rm(store.snapshotRoot);
    const elsewhere = await temporaryFolder();
    await symlink(elsewhere, store.snapshotRoot);
    const viaLink = await store.snapshot(await store.look());
    expect(viaLink.ok ? [] : viaLink.problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^Cannot write certificate snapshot .*: it is a link, not a folder\.$/),
    ]);
    expect(await readdir(elsewhere)).toEqual([]);
  });
});

describe('prune', () => {
  it('removes unused snapshots and the leftovers of crashed runs, and nothing else', async () => {
    const store = await storeOf(filesOf(first));
    const kept = await snapshotOf(store, await store.look());
    await writeFile(
      store.file('ca.crt'),
      second.certificatePem.split(/(?<=END CERTIFICATE-----\n)/)[1] ?? '',
    );
    await writeFile(store.file('namespace'), 'other');
    const unused = await snapshotOf(store, await store.look());
    expect(unused.digest).not.toBe(kept.digest);
    await mkdir(join(store.snapshotRoot, '.new-crash'));
    await mkdir(join(store.snapshotRoot, '.old-crash'));
    await mkdir(join(store.snapshotRoot, 'stranger'));
    expect(await store.prune(new Set([kept.digest]))).toEqual({ ok: true, value: undefined });
    expect((await readdir(store.snapshotRoot)).sort()).toEqual([kept.digest, 'stranger'].sort());
  });

  it('leaves a snapshot in the making alone', async () => {
    const store = await storeOf(filesOf(first));
    const look = await store.look();
    const [result] = await Promise.all([store.snapshot(look), store.prune(new Set([look.digest]))]);
    expect(result.ok).toBe(true);
    expect(await readdir(store.snapshotRoot)).toEqual([look.digest]);
  });

  it('has nothing to do when there never was a snapshot', async () => {
    const store = await openStore();
    expect((await store.prune(new Set([digestOf('d')]))).ok).toBe(true);
  });
});
