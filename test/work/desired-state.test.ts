import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createCertificateStore } from '../../src/adapters/cert-store.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import type { CertificatesSeen } from '../../src/core/certificates-seen.ts';
import type { Event } from '../../src/core/events.ts';
import { type Desired, digestOf } from '../../src/core/model.ts';
import type { Result } from '../../src/ports.ts';
import type { BootstrapMaterial } from '../../src/work/bootstrap-material.ts';
import { deferred } from '../../src/work/deferred.ts';
import { createDesiredState, type DesiredWorld } from '../../src/work/desired-state.ts';
import { materialNamed } from '../support/bootstrap-materials.ts';
import { issueAuthority, type Leaf } from '../support/certificates.ts';
import { refusal } from '../support/fake-ports.ts';

let leaves: readonly Leaf[];

beforeAll(async () => {
  const authority = await issueAuthority();
  leaves = [
    await authority.issueLeaf({ commonName: 'first.test' }),
    await authority.issueLeaf({ commonName: 'second.test' }),
  ];
});

const binary = (name: string) => ({ ok: true, value: { digest: digestOf(name) } }) as const;

/** What the next looks find; a test changes it. */
interface Found {
  bootstrap: Result<BootstrapMaterial>;
  binary: Awaited<ReturnType<DesiredWorld['identifyBinary']>>;
}

interface Trial {
  readonly certificates?: DesiredWorld['certificates'];
  readonly readBootstrap?: DesiredWorld['readBootstrap'];
}

function createTrial({ certificates, readBootstrap }: Trial = {}) {
  const found: Found = { bootstrap: materialNamed('b1'), binary: binary('e1') };
  const posted: Event[] = [];
  const held: string[] = [];
  const seen: CertificatesSeen[] = [];
  const state = createDesiredState({
    clock: systemClock,
    noCertificates: 'there are no certificates in the folders',
    ...(certificates === undefined ? {} : { certificates }),
    readBootstrap: readBootstrap ?? (async () => found.bootstrap),
    identifyBinary: async () => found.binary,
    binary: '/usr/bin/envoy',
    post: (event) => {
      if (event.type === 'certificatesSeen') seen.push(event.seen);
      else posted.push(event);
    },
    onHeld: (part, problems) => void held.push(`${part}: ${problems.join(' ')}`),
  });
  const lastDesired = (): Desired => {
    const event = posted.at(-1);
    if (event?.type !== 'desiredChanged') throw new Error(`Posted ${JSON.stringify(event)}.`);
    return event.desired;
  };
  return { ...state, found, posted, held, seen, lastDesired };
}

/** A real folder with a real store on it, and how to put a leaf there. */
async function certificateFolder() {
  const root = await mkdtemp(join(tmpdir(), 'desired-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const folder = await mkdtemp(join(root, 'certs-'));
  const snapshotRoot = join(root, 'snapshots');
  const put = async (name: string, text = '') => {
    await writeFile(join(folder, '.new'), text);
    await rename(join(folder, '.new'), join(folder, name));
  };
  return {
    store: createCertificateStore({ folders: [folder], snapshotRoot }),
    snapshots: () => readdir(snapshotRoot),
    putLeaf: async (index: number) => {
      await put('cert.pem', leaves[index]?.certificatePem);
      await put('key.pem', leaves[index]?.keyPem);
    },
    putHalf: (index: number) => put('cert.pem', leaves[index]?.certificatePem),
  };
}

describe('a look', () => {
  test('posts what the parts make and keeps the material of it', async () => {
    const { look, posted, materialOf } = createTrial();
    await look();
    const desired = { bootstrap: digestOf('b1'), binary: digestOf('e1') };
    expect(posted).toEqual([{ type: 'desiredChanged', desired }]);
    const material = materialOf(desired);
    expect(material).toMatchObject({ desired, binary: '/usr/bin/envoy' });
    expect(material?.bootstrapFor({ adminSocketPath: '/a.sock', secretsFolder: '/s' })).toBe(
      canonicalJson({ name: 'b1', adminSocket: '/a.sock', secretsFolder: '/s' }),
    );
    expect(materialOf({ ...desired, binary: digestOf('e2') })).toBeUndefined();
  });

  test('posts what is missing until everything is there', async () => {
    const { look, found, posted } = createTrial();
    found.bootstrap = refusal('there is no template');
    found.binary = refusal('there is no Envoy');
    await look();
    found.bootstrap = materialNamed('b1');
    await look();
    found.binary = binary('e1');
    await look();
    expect(posted).toMatchObject([
      {
        type: 'desiredMissing',
        lacks: 'configuration',
        problems: ['there is no template', 'there is no Envoy'],
      },
      { type: 'desiredMissing', lacks: 'configuration', problems: ['there is no Envoy'] },
      { type: 'desiredChanged' },
    ]);
  });

  test('holds a part that is not whole at its last good state, and takes the others on', async () => {
    const { look, found, lastDesired } = createTrial();
    await look();
    found.bootstrap = refusal('half-written');
    found.binary = binary('e2');
    await look();
    expect(lastDesired()).toEqual({ bootstrap: 'b1', binary: 'e2' });
  });

  test('tells what is wrong once, anew when it changes, and when it is over', async () => {
    const { look, found, held } = createTrial();
    const looks = ['first', 'first', 'second', 'first'];
    await look();
    for (const reason of looks) {
      found.bootstrap = refusal(reason);
      await look();
    }
    found.bootstrap = materialNamed('b1');
    await look();
    await look();
    expect(held).toEqual([
      'bootstrap: first',
      'bootstrap: second',
      'bootstrap: first',
      'bootstrap: ',
    ]);
  });

  test('never overlaps another, and one more is enough for all who ask meanwhile', async () => {
    const begun = deferred();
    let running = 0;
    let most = 0;
    const { look, posted } = createTrial({
      readBootstrap: async () => {
        running += 1;
        most = Math.max(most, running);
        begun.resolve();
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return materialNamed('b1');
      },
    });
    const first = look();
    await begun.promise;
    await Promise.all([first, look(), look(), look()]);
    expect(most).toBe(1);
    expect(posted).toHaveLength(2);
  });
});

describe('certificates', () => {
  test('are waited for where the bootstrap speaks of them', async () => {
    const { store, putLeaf } = await certificateFolder();
    const { look, found, posted, lastDesired, materialOf } = createTrial({ certificates: store });
    found.bootstrap = materialNamed('b1', true);
    await look();
    expect(posted).toEqual([
      {
        type: 'desiredMissing',
        lacks: 'certificates',
        problems: [expect.stringMatching(/there are no certificates in the folders/)],
      },
    ]);
    await putLeaf(0);
    await look();
    const { certificates } = lastDesired();
    expect(certificates).toMatch(/^[0-9a-f]{64}$/);
    expect(materialOf(lastDesired())?.validationFor({ adminSocketPath: '/a' })).toContain(
      `/snapshots/${certificates}"`,
    );
  });

  test('are not waited for where it does not, and are taken when they come', async () => {
    const { store, putLeaf } = await certificateFolder();
    const { look, lastDesired, seen } = createTrial({ certificates: store });
    await look();
    expect(lastDesired()).toEqual({ bootstrap: 'b1', binary: 'e1' });
    await putLeaf(0);
    await look();
    await look();
    expect(seen.map(({ verdict }) => verdict)).toEqual(['absent', 'accepted', 'unchanged']);
    expect(seen[1]?.kept).toEqual({
      digest: lastDesired().certificates,
      leaves: [expect.objectContaining({ subject: 'CN=first.test' })],
    });
    expect(seen[2]?.kept).toEqual(seen[1]?.kept);
  });

  test('of which one half is new are held, and told of, until the other half comes', async () => {
    const { store, putLeaf, putHalf } = await certificateFolder();
    const { look, lastDesired, held } = createTrial({ certificates: store });
    await putLeaf(0);
    await look();
    const before = lastDesired().certificates;
    await putHalf(1);
    await look();
    await look();
    expect(lastDesired().certificates).toBe(before);
    expect(held).toHaveLength(1);
    await putLeaf(1);
    await look();
    expect(lastDesired().certificates).not.toBe(before);
    expect(held.at(-1)).toBe('certificates: ');
  });

  test('are missing for the reason that they cannot be used', async () => {
    const { store, putHalf } = await certificateFolder();
    const { look, found, posted } = createTrial({ certificates: store });
    found.bootstrap = materialNamed('b1', true);
    await putHalf(0);
    await look();
    expect(posted).toMatchObject([
      {
        type: 'desiredMissing',
        lacks: 'certificates',
        problems: [expect.stringMatching(/its key is not there yet\. Write both halves/)],
      },
    ]);
  });
});

describe('to keep only what is in use', () => {
  test('forgets material and removes snapshots, but never the newest', async () => {
    const { store, putLeaf, snapshots } = await certificateFolder();
    const { look, lastDesired, keepOnly, materialOf } = createTrial({ certificates: store });
    await putLeaf(0);
    await look();
    const first = lastDesired();
    await putLeaf(1);
    await look();
    const second = lastDesired();
    await keepOnly([first, second]);
    expect(await snapshots()).toHaveLength(2);
    await keepOnly([second]);
    expect(await snapshots()).toEqual([second.certificates]);
    expect(materialOf(first)).toBeUndefined();
    expect(materialOf(second)).toBeDefined();
    await keepOnly([]);
    expect(await snapshots()).toEqual([second.certificates]);
  });

  test('leaves alone what a look is just about to make', async () => {
    const { store, putLeaf, snapshots } = await certificateFolder();
    const { look, lastDesired, keepOnly, materialOf } = createTrial({ certificates: store });
    await putLeaf(0);
    await look();
    const first = lastDesired();
    await putLeaf(1);
    const looking = look();
    const pruned: Promise<void>[] = [];
    const again = setInterval(() => pruned.push(keepOnly([first])), 0);
    await looking;
    clearInterval(again);
    await Promise.all(pruned);
    expect(pruned.length).toBeGreaterThan(0);
    expect(await snapshots()).toContain(lastDesired().certificates);
    expect(materialOf(lastDesired())).toBeDefined();
  });

  test('does nothing where no folders are set', async () => {
    const { look, keepOnly, lastDesired, materialOf } = createTrial();
    await look();
    await keepOnly([lastDesired()]);
    expect(materialOf(lastDesired())).toBeDefined();
  });
});

describe('a preview', () => {
  test('shows what a look would make, and nothing comes of it', async () => {
    const { look, preview, found, posted, held, bootstrap, materialOf } = createTrial();
    await look();
    const before = { posted: posted.length, merged: bootstrap() };
    found.bootstrap = materialNamed('b2');
    const seen = await preview(async (one) => one);
    expect(seen).toMatchObject({ held: [], problems: [] });
    expect(seen.material?.desired).toEqual({ bootstrap: digestOf('b2'), binary: digestOf('e1') });
    expect({ posted: posted.length, merged: bootstrap() }).toEqual(before);
    expect(materialOf({ bootstrap: digestOf('b2'), binary: digestOf('e1') })).toBeUndefined();
    expect(held).toEqual([]);
  });

  test('takes the last good state of a part that is not whole, and says why', async () => {
    const { look, preview, found, held } = createTrial();
    await look();
    found.bootstrap = refusal('Cannot read it.');
    const seen = await preview(async (one) => one);
    expect(seen).toMatchObject({ held: ['bootstrap'], problems: ['Cannot read it.'] });
    expect(seen.material?.desired.bootstrap).toBe(digestOf('b1'));
    expect(held).toEqual([]);
  });

  test('has no material where there never was a whole', async () => {
    const { preview, found } = createTrial();
    found.bootstrap = refusal('Cannot read it.');
    expect(await preview(async (one) => one)).toEqual({
      material: undefined,
      held: [],
      problems: ['Cannot read it.'],
    });
  });

  test('keeps its certificates for as long as they are used, and no longer', async () => {
    const { store, snapshots, putLeaf } = await certificateFolder();
    await putLeaf(0);
    const { look, preview, keepOnly, lastDesired, seen } = createTrial({ certificates: store });
    await look();
    const inUse = [lastDesired()];
    await putLeaf(1);
    await preview(async ({ material }) => {
      await keepOnly(inUse);
      expect(await snapshots()).toContain(material?.desired.certificates);
      expect(await snapshots()).toHaveLength(2);
    });
    await keepOnly(inUse);
    expect(await snapshots()).toEqual([inUse[0]?.certificates]);
    expect(seen).toHaveLength(1);
  });

  test('that fails keeps nothing, and does not keep looks from going on', async () => {
    const { preview, look, posted } = createTrial();
    const bug = new Error('a bug');
    await expect(preview(() => Promise.reject(bug))).rejects.toBe(bug);
    await look();
    expect(posted).toMatchObject([{ type: 'desiredChanged' }]);
  });
});
