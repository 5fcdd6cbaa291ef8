import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { decidingPlaces } from '../../../src/adapters/folder-watch/deciding-places.ts';

let root: string;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'places-')));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await mkdir(at('real/certs'), { recursive: true });
  await writeFile(at('real/certs/tls.crt'), '');
});

const at = (path: string) => join(root, path);

/** Below the root, sorted: `folder` for all that is in it, `folder: names` for these alone. */
async function placesOf(...paths: readonly string[]): Promise<readonly string[]> {
  const places = await decidingPlaces(paths);
  return places
    .filter(({ directory }) => directory.startsWith(root))
    .map(({ directory, names }) => {
      const place = directory.slice(root.length) || '/';
      return names === undefined ? place : `${place}: ${[...names].sort().join(' ')}`;
    })
    .sort();
}

interface Row {
  readonly links: Readonly<Record<string, string>>;
  readonly path: string;
  readonly places: readonly string[];
}

const rows: Readonly<Record<string, Row>> = {
  'a folder without links': { links: {}, path: 'real/certs', places: ['/real/certs'] },
  'a relative link': {
    links: { certs: 'real/certs' },
    path: 'certs',
    places: ['/: certs', '/real/certs'],
  },
  'an absolute link': {
    links: { certs: 'ROOT/real/certs' },
    path: 'certs',
    places: ['/: certs', '/real/certs'],
  },
  'a link in the middle of the path': {
    links: { current: 'real' },
    path: 'current/certs',
    places: ['/: current', '/real/certs'],
  },
  'a link to the parent and back': {
    links: { 'real/up': '..' },
    path: 'real/up/real/certs',
    places: ['/real/certs', '/real: up'],
  },
  'a chain of several': {
    links: { a: 'b', b: 'ROOT/real/c', 'real/c': 'certs/' },
    path: 'a',
    places: ['/: a b', '/real/certs', '/real: c'],
  },
  'links in the folder, one of them through another': {
    links: {
      'real/certs/tls.key': '../live/tls.key',
      'real/certs/ca.crt': 'ca',
      'real/certs/ca': '../bundle',
    },
    path: 'real/certs',
    places: ['/real/certs', '/real: bundle live'],
  },
  'a Kubernetes volume': {
    links: {
      'volume/..data': '..2026',
      'volume/tls.crt': '..data/tls.crt',
      'volume/..2026/unused': 'nowhere',
    },
    path: 'volume',
    places: ['/volume', '/volume/..2026: tls.crt'],
  },
  'a broken link': {
    links: { certs: 'nowhere/certs' },
    path: 'certs',
    places: ['/: certs nowhere'],
  },
  'a link to itself': { links: { certs: 'certs' }, path: 'certs', places: ['/: certs'] },
  'a circle of two with something behind': {
    links: { a: 'b/x', b: 'a/y' },
    path: 'a',
    places: ['/: a b'],
  },
  'a file': { links: {}, path: 'real/certs/tls.crt', places: ['/real/certs: tls.crt'] },
  'a file in the place of a folder': {
    links: {},
    path: 'real/certs/tls.crt/certs',
    places: ['/real/certs: tls.crt'],
  },
  nothing: { links: {}, path: 'later/certs', places: ['/: later'] },
};

describe('the places that decide what a path leads to', () => {
  test.each(Object.entries(rows))('are those of %s', async (_, { links, path, places }) => {
    for (const [link, target] of Object.entries(links)) {
      await mkdir(at(join(link, '..')), { recursive: true });
      await symlink(target.replace('ROOT', root), at(link));
    }

    expect(await placesOf(at(path))).toEqual(places);
  });

  test('are told once for several paths, and whole where one of these is a folder', async () => {
    expect(await placesOf(at('real/certs/tls.crt'), at('real/certs'), at('real/x'))).toEqual([
      '/real/certs',
      '/real: x',
    ]);
  });

  test('are none where there is no path', async () => {
    expect(await decidingPlaces([])).toEqual([]);
  });

  test('tell a directory from a later one of the same path', async () => {
    const identityOf = async () => (await decidingPlaces([at('real/certs')]))[0]?.identity;
    const before = await identityOf();
    const sameAgain = await identityOf();

    await mkdir(at('real/next'));
    await rename(at('real/certs'), at('real/old'));
    await rename(at('real/next'), at('real/certs'));

    expect(sameAgain).toBe(before);
    expect(await identityOf()).not.toBe(before);
  });
});
