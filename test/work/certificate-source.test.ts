import { describe, expect, test } from 'vitest';
import type { CertificateLook, FileFacts } from '../../src/core/certificate-facts.ts';
import { digestOf } from '../../src/core/model.ts';
import {
  type CertificateStore,
  type KeptCertificates,
  readCertificates,
} from '../../src/work/certificate-source.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { refusal } from '../support/fake-ports.ts';

const clock = createFakeClock();
const HOUR_MS = 3_600_000;

function lookAt(name: string, files: readonly FileFacts[]): CertificateLook {
  return { digest: digestOf(name), folders: [{ folder: '/etc/certs', files }] };
}

/** `cert.pem` and `key.pem` that belong together. */
function pairLook(name: string, notAfterMs = clock.wallMs() + HOUR_MS): CertificateLook {
  const shared = { publicKeyId: name, keyType: 'ec' };
  const leaf = {
    ...shared,
    kind: 'certificate',
    subject: 'CN=first.test',
    serialNumber: '01',
    notBeforeMs: clock.wallMs() - HOUR_MS,
    notAfterMs,
    isAuthority: false,
  } as const;
  return lookAt(name, [
    { name: 'cert.pem', size: 9, content: { kind: 'pem', blocks: [leaf] } },
    {
      name: 'key.pem',
      size: 9,
      content: { kind: 'pem', blocks: [{ ...shared, kind: 'privateKey' }] },
    },
  ]);
}

function storeOf(look: CertificateLook) {
  const snapshots: string[] = [];
  const store: CertificateStore = {
    look: async () => look,
    snapshot: async ({ digest }) => {
      snapshots.push(digest);
      return {
        ok: true,
        value: { digest, folder: `/run/certs/${digest}`, serialNumbers: new Map() },
      };
    },
    prune: async () => ({ ok: true, value: undefined }),
  };
  return { store, snapshots };
}

const absent: CertificateLook = {
  digest: digestOf('absent'),
  folders: [{ folder: '/etc/certs', files: [], trouble: { kind: 'absent', reason: 'ENOENT' } }],
};

const resultOf = async (...args: Parameters<typeof readCertificates>) =>
  (await readCertificates(...args)).result;

async function kept(look: CertificateLook): Promise<KeptCertificates> {
  const read = await resultOf(storeOf(look).store, clock, undefined);
  if (!read.ok || read.value === undefined) throw new Error('It was not accepted.');
  return read.value;
}

describe('a look at the certificates', () => {
  test('gives an accepted set with its snapshot', async () => {
    const { set, snapshot } = await kept(pairLook('a'));
    expect(set.pairs).toHaveLength(1);
    expect(snapshot).toMatchObject({ digest: 'a', folder: '/run/certs/a' });
  });

  test('gives nothing where there never was anything', async () => {
    const { store } = storeOf(absent);
    expect(await resultOf(store, clock, undefined)).toEqual({ ok: true, value: undefined });
  });

  test('holds when everything was taken away', async () => {
    const before = await kept(pairLook('a'));
    const read = await resultOf(storeOf(absent).store, clock, before);
    expect(read).toMatchObject({ ok: false });
  });

  test('gives the same set when it is unchanged, and sees to its copy', async () => {
    const before = await kept(pairLook('a'));
    const { store, snapshots } = storeOf(pairLook('a', clock.wallMs() - 1));
    expect(await resultOf(store, clock, before)).toEqual({ ok: true, value: before });
    expect(snapshots).toEqual(['a']);
  });

  test('says what to do at the end of the problems, and copies nothing', async () => {
    const { store, snapshots } = storeOf(pairLook('a', clock.wallMs() - HOUR_MS));
    const read = await resultOf(store, clock, undefined);
    expect(read).toEqual({
      ok: false,
      problems: [
        {
          about: '/etc/certs/cert.pem',
          message: expect.stringMatching(/expired 60 minutes ago\. Have a new certificate issued/),
        },
      ],
    });
    expect(snapshots).toEqual([]);
  });

  test('is a problem when the snapshot cannot be written', async () => {
    const { store } = storeOf(pairLook('a'));
    const full = { ...store, snapshot: async () => refusal('Cannot write it: full.') };
    expect(await resultOf(full, clock, undefined)).toEqual(refusal('Cannot write it: full.'));
  });

  test('tells what it found, with what is kept meanwhile and what to do about it', async () => {
    const before = await kept(pairLook('a'));
    const verdictAfter = async (look: CertificateLook, known?: KeptCertificates) => {
      const { seen } = await readCertificates(storeOf(look).store, clock, known);
      return [seen.verdict, seen.kept?.digest, seen.kept?.leaves.map(({ path }) => path)];
    };
    const first = ['/etc/certs/cert.pem'];
    expect(await verdictAfter(absent)).toEqual(['absent', undefined, undefined]);
    expect(await verdictAfter(pairLook('a'))).toEqual(['accepted', 'a', first]);
    expect(await verdictAfter(pairLook('a'), before)).toEqual(['unchanged', 'a', first]);
    const old = pairLook('b', clock.wallMs() - HOUR_MS);
    expect(await verdictAfter(old, before)).toEqual(['expired', 'a', first]);
    const { seen } = await readCertificates(storeOf(old).store, clock, before);
    expect(seen.problems).toEqual([expect.stringMatching(/cert\.pem: it expired/)]);
    expect(seen.advice).toMatch(/new certificate/);
  });

  test('tells of a whole set that could not be kept', async () => {
    const { store } = storeOf(pairLook('a'));
    const full = { ...store, snapshot: async () => refusal('Cannot write it: full.') };
    const { seen } = await readCertificates(full, clock, undefined);
    expect(seen).toMatchObject({ verdict: 'unsaved', problems: ['Cannot write it: full.'] });
    expect(seen.kept).toBeUndefined();
  });
});
