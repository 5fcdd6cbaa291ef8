/** Where certificates lie: every layout of folders and links that the tools of the trade make. */
import { mkdir, mkdtemp, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { issueSetOf, writeInto } from '../support/certificate-sets.ts';
import { type Authority, issueAuthority } from '../support/certificates.ts';
import { createKubernetesVolume } from '../support/kubernetes-volume.ts';
import { type Files, watchCertificates } from '../support/watched-certificates.ts';

let authority: Authority;
/** Whole sets, one for each rotation. */
let first: Files;
let second: Files;
let third: Files;
let root: string;

beforeAll(async () => {
  authority = await issueAuthority();
  [first, second, third] = await Promise.all([
    issueSetOf(authority, 'one'),
    issueSetOf(authority, 'two'),
    issueSetOf(authority, 'three'),
  ]);
});

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'layout-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
});

const at = (...names: readonly string[]) => join(root, ...names);

/** In one step, whatever was there before. */
async function turnLink(path: string, target: string): Promise<void> {
  await symlink(target, `${path}.next`);
  await rename(`${path}.next`, path);
}

interface Layout {
  /** Absolute, and named like this in the setting. */
  readonly folder: () => string;
  /** Puts a set in place of what is there, the first as well as later ones. */
  readonly put: (files: Files) => Promise<unknown>;
}

/** Each set in a folder of its own under this one. @returns its name */
function nextVersion(folder: () => string) {
  let count = 0;
  return async (files: Files) => {
    count += 1;
    await writeInto(join(folder(), `v${count}`), files);
    return `v${count}`;
  };
}

function versionsBehind(link: () => string): Layout['put'] {
  const toVersion = nextVersion(() => root);
  return async (files) => turnLink(link(), await toVersion(files));
}

function volumeIn(folder: () => string): Layout['put'] {
  let volume: Awaited<ReturnType<typeof createKubernetesVolume>> | undefined;
  return async (files) => {
    if (volume === undefined) volume = await createKubernetesVolume(folder(), files);
    else await volume.swap(files);
  };
}

/** Links are made with the first set. */
function behindLinks(links: () => Promise<unknown>, put: Layout['put']): Layout['put'] {
  let isMade = false;
  return async (files) => {
    if (!isMade) await links();
    isMade = true;
    await put(files);
  };
}

const layouts: Readonly<Record<string, () => Layout>> = {
  'a plain folder': () => ({
    folder: () => at('certs'),
    put: (files) => writeInto(at('certs'), files),
  }),
  'a Kubernetes volume': () => ({
    folder: () => at('certs'),
    put: volumeIn(() => at('certs')),
  }),
  'a Kubernetes volume behind a link in the middle of the path': () => ({
    folder: () => at('current', 'certs'),
    put: behindLinks(
      () => symlink('real', at('current')),
      volumeIn(() => at('real', 'certs')),
    ),
  }),
  'a folder per version behind one link': () => ({
    folder: () => at('current'),
    put: versionsBehind(() => at('current')),
  }),
  'a folder per version behind two links': () => ({
    folder: () => at('way', 'current'),
    put: behindLinks(
      () => symlink(root, at('way')),
      versionsBehind(() => at('current')),
    ),
  }),
  'a chain of relative and absolute links': () => ({
    folder: () => at('a'),
    put: behindLinks(
      async () => {
        await symlink('b', at('a'));
        await symlink(at('c'), at('b'));
        await symlink('./real/', at('c'));
      },
      (files) => writeInto(at('real'), files),
    ),
  }),
  'links to single files elsewhere': () => ({
    folder: () => at('certs'),
    put: behindLinks(
      async () => {
        await mkdir(at('certs'));
        for (const name of ['tls.crt', 'tls.key', 'ca.crt'])
          await symlink(join('..', 'live', name), at('certs', name));
      },
      (files) => writeInto(at('live'), files),
    ),
  }),
  'links that are turned to new files one by one, as certbot does': () => {
    const toVersion = nextVersion(() => at('archive'));
    return {
      folder: () => at('live'),
      put: async (files) => {
        const version = await toVersion(files);
        await mkdir(at('live'), { recursive: true });
        for (const name of Object.keys(files))
          await turnLink(at('live', name), join('..', 'archive', version, name));
      },
    };
  },
};

test.each(Object.entries(layouts))(
  'in %s each rotation is one change, and whole',
  async (_, layoutOf) => {
    const { folder, put } = layoutOf();
    await put(first);
    const certificates = await watchCertificates(folder());

    await certificates.lookAfter(() => put(second));
    await certificates.lookAfter(() => put(third));
    await certificates.lookAfter(() => put(first));

    expect(certificates.served).toEqual([first, second, third, first]);
    expect(certificates.held).toEqual([]);
    expect(certificates.troubles).toEqual([]);
  },
);

test.each(Object.entries(layouts))(
  'in %s a set that comes after the start is found',
  async (_, layoutOf) => {
    const { folder, put } = layoutOf();
    const certificates = await watchCertificates(folder());

    await certificates.lookAfter(() => put(first));
    await certificates.lookAfter(() => put(second));

    expect(certificates.missing.length).toBeGreaterThan(0);
    expect(certificates.served).toEqual([first, second]);
    expect(certificates.troubles).toEqual([]);
  },
);

describe('a Kubernetes volume', () => {
  test('that is swapped fifty times in a row leads to fifty changes', async () => {
    const volume = await createKubernetesVolume(at('certs'), first);
    const certificates = await watchCertificates(at('certs'));
    const generations = Array.from({ length: 50 }, (_, count) => ({
      ...(count % 2 === 0 ? second : third),
      generation: `${count}`,
    }));

    for (const files of generations) await certificates.lookAfter(() => volume.swap(files));

    expect(certificates.served).toEqual([first, ...generations]);
    expect(certificates.held).toEqual([]);
  });

  test('with a visible link before its target is waited for, at the start and at an update', async () => {
    await mkdir(at('certs'));
    await symlink('..data/tls.crt', at('certs', 'tls.crt'));
    const certificates = await watchCertificates(at('certs'));
    await certificates.lookAfter(() => symlink('..data/tls.key', at('certs', 'tls.key')));
    await symlink('..data/ca.crt', at('certs', 'ca.crt'));
    const volume = { swap: (files: Files) => createKubernetesVolume(at('certs'), files) };
    await certificates.lookAfter(() => volume.swap(first));
    await certificates.lookAfter(() => symlink('..data/more.crt', at('certs', 'more.crt')));
    await certificates.lookAfter(() =>
      volume.swap({ ...second, 'more.crt': authority.certificatePem }),
    );

    expect(certificates.missing.at(-1)).toMatch(/tls\.key: it is not there \(or .* nowhere\)/);
    expect(certificates.served).toEqual([
      first,
      { ...second, 'more.crt': authority.certificatePem },
    ]);
    expect(certificates.held).toEqual([]);
  });

  test('whose visible links are missing is read all the same, and their return is no change', async () => {
    const volume = await createKubernetesVolume(at('certs'), first);
    const certificates = await watchCertificates(at('certs'));

    await certificates.lookAfter(async () => {
      for (const name of Object.keys(first)) await rm(at('certs', name));
    });
    await certificates.lookAfter(() => volume.swap(second));
    await certificates.lookAfter(() => symlink('..data/tls.crt', at('certs', '.links')));

    expect(certificates.served).toEqual([first, second]);
    expect(certificates.held).toEqual([]);
  });

  test('whose data link leads nowhere for a while is held, and taken when it is whole', async () => {
    const volume = await createKubernetesVolume(at('certs'), first);
    const certificates = await watchCertificates(at('certs'));
    const target = await readlink(at('certs', '..data'));

    await certificates.lookAfter(() => rename(at('certs', target), at('certs', '..aside')));
    const meanwhile = [...certificates.served];
    await certificates.lookAfter(() => rename(at('certs', '..aside'), at('certs', target)));
    await certificates.lookAfter(() => volume.swap(second));

    expect(meanwhile).toEqual([first]);
    expect(certificates.held).toEqual([expect.stringMatching(/tls\.crt: it is not there/), '']);
    expect(certificates.served).toEqual([first, second]);
  });

  test('that is swapped again and again while it is read never leads to a set of two halves', async () => {
    // One key for all of them: a mixed set would match, and only the marks would tell.
    const generationOf = (count: number) => ({ ...first, a: `${count}`, 'z.txt': `${count}` });
    const volume = await createKubernetesVolume(at('certs'), generationOf(0));
    const certificates = await watchCertificates(at('certs'));

    let isSwapping = true;
    const swapping = (async () => {
      for (let count = 1; count <= 80; count += 1) await volume.swap(generationOf(count));
      isSwapping = false;
    })();
    while (isSwapping) await certificates.poll();
    await swapping;
    await certificates.poll();

    expect(certificates.served.length).toBeGreaterThan(1);
    expect(certificates.served.map(({ a, 'z.txt': z }) => a === z)).not.toContain(false);
    expect(certificates.served.at(-1)).toEqual(generationOf(80));
  });
});

describe('a link', () => {
  test('that leads nowhere is a set that is missing until it leads somewhere', async () => {
    await symlink('nowhere', at('certs'));
    const certificates = await watchCertificates(at('certs'));

    await certificates.lookAfter(() => mkdir(at('nowhere')));
    await certificates.lookAfter(() => writeInto(at('nowhere'), first));

    expect(certificates.served).toEqual([first]);
  });

  test.each([
    ['in place of the folder', () => at('certs'), () => symlink('real', at('certs'))],
    ['in place of a file', () => at('real', 'tls.crt'), () => writeInto(at('real'), second)],
  ])('in a circle %s is held, and mended without a restart', async (_, path, mend) => {
    await writeInto(at('real'), first);
    await symlink('real', at('certs'));
    const certificates = await watchCertificates(at('certs'));

    await certificates.lookAfter(() => turnLink(path(), path()));
    const meanwhile = [...certificates.served];
    await certificates.lookAfter(async () => {
      await rm(path());
      await mend();
      await writeInto(at('real'), second);
    });

    expect(meanwhile).toEqual([first]);
    expect(certificates.held[0]).toContain('go round in a circle');
    expect(certificates.served).toEqual([first, second]);
  });
});

describe('a folder', () => {
  test('that is a file is refused until it is a folder', async () => {
    await writeFile(at('certs'), 'no folder');
    const certificates = await watchCertificates(at('certs'));

    await certificates.lookAfter(async () => {
      await rm(at('certs'));
      await writeInto(at('certs'), first);
    });

    expect(certificates.missing[0]).toContain('it is not a folder');
    expect(certificates.served).toEqual([first]);
  });

  test('with several pairs is served with all of them, and one that is renewed is a change', async () => {
    const pairs = {
      ...first,
      'two.crt': second['tls.crt'],
      'two.key': second['tls.key'],
    } as Files;
    const renewed = { 'two.crt': third['tls.crt'], 'two.key': third['tls.key'] } as Files;
    await writeInto(at('certs'), pairs);
    const certificates = await watchCertificates(at('certs'));

    await certificates.lookAfter(() => writeInto(at('certs'), renewed));

    expect(certificates.served).toEqual([pairs, { ...pairs, ...renewed }]);
  });
});

describe('several folders', () => {
  test('that change together are one change', async () => {
    const volumes = [
      await createKubernetesVolume(at('mesh'), first),
      await createKubernetesVolume(at('ingress'), first),
    ];
    const certificates = await watchCertificates(at('mesh'), at('ingress'));

    await certificates.lookAfter(() => Promise.all(volumes.map((volume) => volume.swap(second))));

    expect(
      certificates.served.map((files) => [files['tls.crt'], files['ingress/tls.crt']]),
    ).toEqual([first, second].map((files) => [files['tls.crt'], files['tls.crt']]));
  });

  test('of which one is never there hold nothing up', async () => {
    const volume = await createKubernetesVolume(at('mesh'), first);
    const certificates = await watchCertificates(at('mesh'), at('optional'));

    await certificates.lookAfter(() => volume.swap(second));

    expect(certificates.served).toEqual([first, second]);
    expect(certificates.held).toEqual([]);
  });
});
