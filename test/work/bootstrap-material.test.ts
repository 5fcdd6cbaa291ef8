import { describe, expect, test } from 'vitest';
import type { Tree } from '../../src/core/tree.ts';
import { nearestName } from '../../src/settings/nearest.ts';
import { bootstrapMaterial } from '../../src/work/bootstrap-material.ts';

const base: Tree = {
  node: { id: '${NODE_ID}' },
  admin: '${ADMIN_SOCKET}',
  stats: { port: '${PORT:-9000}' },
};

function materialOf(
  { tree = base, layers = [] }: { readonly tree?: Tree; readonly layers?: readonly Tree[] } = {},
  given: Readonly<Record<string, string>> = {},
) {
  return bootstrapMaterial(
    { base: tree, layers },
    {
      valuesFor: ({ adminSocket, certificateFolder }) =>
        new Map<string, Tree>([
          ['NODE_ID', 'one'],
          ['ADMIN_SOCKET', adminSocket],
          ...Object.entries(given),
          ...(certificateFolder === undefined ? [] : [['CERT_DIR', certificateFolder] as const]),
        ]),
      givenNames: Object.keys(given),
      nearest: nearestName,
      delivery: 'restart',
    },
  );
}

function goodMaterial(...args: Parameters<typeof materialOf>) {
  const material = materialOf(...args);
  if (!material.ok) throw new Error(JSON.stringify(material.problems));
  return material.value;
}

describe('a bootstrap', () => {
  test('is filled with the paths of its launch', () => {
    const filled = { admin: '/run/admin-L7.sock', node: { id: 'one' }, stats: { port: 9000 } };
    const paths = { adminSocket: '/run/admin-L7.sock' };
    expect(goodMaterial().launched(paths)).toEqual(filled);
    expect(goodMaterial().named(paths)).toEqual(filled);
  });

  test('has its layers over it', () => {
    const layers = [{ stats: { port: 1 } }, { stats: { port: 2 } }];
    expect(goodMaterial({ layers }).launched({ adminSocket: '/a' })).toMatchObject({
      stats: { port: 2 },
    });
  });

  test('has a digest of its content alone', () => {
    const { digest } = goodMaterial();
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    const reordered = Object.fromEntries(Object.entries(base as object).reverse()) as Tree;
    expect(goodMaterial({ tree: reordered }).digest).toBe(digest);
    expect(goodMaterial({}, { PORT: '9000' }).digest).toBe(digest);
    expect(goodMaterial({}, { PORT: '9001' }).digest).not.toBe(digest);
  });

  test('needs certificates where it speaks of them, with a default too', () => {
    expect(goodMaterial().needsCertificates).toBe(false);
    const tree = { certificate: '${CERT_DIR}/cert.pem' };
    const material = goodMaterial({ tree });
    expect(material.needsCertificates).toBe(true);
    expect(material.launched({ adminSocket: '/a', certificateFolder: '/certs' })).toEqual({
      certificate: '/certs/cert.pem',
    });
    expect(() => material.launched({ adminSocket: '/a' })).toThrow(/CERT_DIR|BATON_CERT_DIRS/);
  });

  test('tells of all that is wrong at once, and never a value', () => {
    const material = materialOf(
      { tree: { a: '${NOBODY}', b: '${NOWHERE}', c: '${PORT:-1}' } },
      { POTR: 'canary' },
    );
    if (material.ok) throw new Error('Expected problems.');
    expect(material.problems.map(({ message }) => message).join('\n')).toMatch(
      /BATON_TEMPLATE_POTR.*BATON_TEMPLATE_PORT.*NOBODY.*NOWHERE/s,
    );
    expect(JSON.stringify(material.problems)).not.toContain('canary');
  });

  test('refuses a value that names nothing in it', () => {
    expect(materialOf({}, { PROT: '1' })).toMatchObject({
      ok: false,
      problems: [{ about: 'BATON_TEMPLATE_PROT' }],
    });
  });
});
