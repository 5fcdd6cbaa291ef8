import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { namesUsed } from '../../src/core/bootstrap.ts';
import { deliverBySecrets } from '../../src/core/secret-discovery.ts';
import { isList, isMap, mapOf, type Tree, type TreeMap } from '../../src/core/tree.ts';

const TYPES = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';
const NODE = { id: 'someone', cluster: 'some' };

const pair = (name = 'tls'): TreeMap => ({
  certificate_chain: { filename: `\${CERT_DIR}/${name}.crt` },
  private_key: { filename: `\${CERT_DIR}/${name}.key` },
});
const elsewhere: TreeMap = { certificate_chain: { filename: '/etc/other.crt' } };
const authority = (name = 'ca'): TreeMap => ({
  trusted_ca: { filename: `\${CERT_DIR}/${name}.crt` },
});

/** A bootstrap with these TLS contexts, one a listener. */
const bootstrapOf = (...contexts: Tree[]): TreeMap => ({
  node: NODE,
  static_resources: { listeners: contexts.map((common_tls_context) => ({ common_tls_context })) },
});
const contextPath = (at = 0) => `static_resources.listeners[${at}].common_tls_context`;

function delivered(merged: Tree) {
  const result = deliverBySecrets(merged);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.value;
}

function messages(merged: Tree): readonly string[] {
  const result = deliverBySecrets(merged);
  return result.ok ? [] : result.problems.map(({ message }) => message);
}

const configFor = (name: string) => ({
  name,
  sds_config: {
    resource_api_version: 'V3',
    path_config_source: {
      path: `\${CERT_SECRETS_DIR}/current/${name}.json`,
      watched_directory: { path: '${CERT_SECRETS_DIR}' },
    },
  },
});

describe('a bootstrap that names certificates by file', () => {
  test('asks for them by secrets in place of the files', () => {
    const context = {
      alpn_protocols: ['h2'],
      tls_certificates: [pair('rsa'), pair('ec')],
      validation_context: { ...authority(), match_typed_subject_alt_names: [] },
    };

    const { bootstrap, secrets } = delivered(bootstrapOf(context));

    expect(bootstrap).toEqual(
      bootstrapOf({
        alpn_protocols: ['h2'],
        tls_certificate_sds_secret_configs: [
          configFor('certificate-1'),
          configFor('certificate-2'),
        ],
        validation_context_sds_secret_config: configFor('authority-1'),
      }),
    );
    expect([...secrets]).toEqual([
      secret('certificate-1', { tls_certificate: pair('rsa') }),
      secret('certificate-2', { tls_certificate: pair('ec') }),
      secret('authority-1', { validation_context: context.validation_context }),
    ]);
  });

  test('asks for one secret where two contexts say the same, in whatever order', () => {
    const reversed = mapOf(Object.entries(pair()).toReversed());
    const bootstrap = bootstrapOf({ tls_certificates: [pair()] }, { tls_certificates: [reversed] });

    expect([...delivered(bootstrap).secrets.keys()]).toEqual(['certificate-1']);
  });

  test('is understood in the other spelling of its fields', () => {
    const { bootstrap, secrets } = delivered({
      node: NODE,
      staticResources: {
        commonTlsContext: { tlsCertificates: [pair()], validationContext: authority() },
      },
    });

    expect(bootstrap).toEqual({
      node: NODE,
      staticResources: {
        commonTlsContext: {
          tls_certificate_sds_secret_configs: [configFor('certificate-1')],
          validation_context_sds_secret_config: configFor('authority-1'),
        },
      },
    });
    expect([...secrets.keys()]).toEqual(['certificate-1', 'authority-1']);
  });

  test('keeps the names it has for itself', () => {
    const bootstrap = {
      ...bootstrapOf({ tls_certificates: [pair()] }),
      own: { name: 'certificate-1' },
    };

    expect([...delivered(bootstrap).secrets.keys()]).toEqual(['certificate-2']);
  });

  test.each<[string, TreeMap, TreeMap]>([
    ['none', {}, { id: '${NODE_ID}', cluster: '${NODE_CLUSTER}' }],
    ['an empty one', { node: null }, { id: '${NODE_ID}', cluster: '${NODE_CLUSTER}' }],
    ['no id', { node: { id: '', cluster: 'mine' } }, { id: '${NODE_ID}', cluster: 'mine' }],
    [
      'no cluster',
      { node: { id: 'me', metadata: {} } },
      { id: 'me', metadata: {}, cluster: '${NODE_CLUSTER}' },
    ],
  ])('gets a node with id and cluster when it has %s', (_, root, node) => {
    const { bootstrap } = delivered({ ...root, validation_context: authority() });

    expect(bootstrap).toMatchObject({ node });
  });
});

describe('a bootstrap stays the same', () => {
  test.each<[string, TreeMap]>([
    ['without certificates', { static_resources: {} }],
    ['with certificates of its own', bootstrapOf({ tls_certificates: [elsewhere] })],
    ['with a text that looks like CERT_DIR', bootstrapOf({ tls_certificates: ['$${CERT_DIR}'] })],
    [
      'with secrets of a control plane',
      bootstrapOf({ tls_certificate_sds_secret_configs: [{ name: 'other' }] }),
    ],
  ])('%s', (_, bootstrap) => {
    expect(delivered(bootstrap)).toEqual({ named: bootstrap, bootstrap, secrets: new Map() });
  });
});

describe('no secret can stand for', () => {
  const cases: readonly (readonly [string, TreeMap, string, string])[] = [
    [
      'a list that is partly of other files',
      bootstrapOf({ tls_certificates: [pair(), elsewhere] }),
      `${contextPath()}.tls_certificates`,
      'not all of its entries are of ${CERT_DIR}, and Envoy reads a list in one way alone',
    ],
    [
      'a list beside secrets, which Envoy passes over today',
      bootstrapOf({
        tls_certificates: [pair()],
        tls_certificate_sds_secret_configs: [{ name: 'other' }],
      }),
      `${contextPath()}.tls_certificates`,
      'it stands beside tls_certificate_sds_secret_configs',
    ],
    [
      'an authority beside a secret',
      bootstrapOf({ validation_context: authority(), validationContextSdsSecretConfig: {} }),
      `${contextPath()}.validation_context`,
      'it stands beside validationContextSdsSecretConfig',
    ],
    [
      'the default of a combined context',
      bootstrapOf({ combined_validation_context: { default_validation_context: authority() } }),
      `${contextPath()}.combined_validation_context.default_validation_context.trusted_ca.filename`,
      'a combined_validation_context is merged with a secret of its own',
    ],
    [
      'a static secret',
      { static_resources: { secrets: [{ name: 'own', validation_context: authority() }] } },
      'static_resources.secrets[0].validation_context.trusted_ca.filename',
      'a static secret stays as it is',
    ],
    [
      'a secret in a message of another kind',
      { a: [{ '@type': `${TYPES}.Secret`, validation_context: { crl: '${CERT_DIR}' } }] },
      'a[0].validation_context.crl',
      'only tls_certificates and validation_context can change while Envoy runs',
    ],
    [
      'a password in another place',
      bootstrapOf({ session_ticket_keys: ['${CERT_DIR:-/etc}/keys'] }),
      `${contextPath()}.session_ticket_keys[0]`,
      'only tls_certificates and validation_context can change while Envoy runs',
    ],
    [
      'a list that is none',
      bootstrapOf({ tls_certificates: '${CERT_DIR}' }),
      `${contextPath()}.tls_certificates`,
      'only tls_certificates and validation_context can change while Envoy runs',
    ],
  ];

  test.each(cases)('%s', (_, bootstrap, path, reason) => {
    const message = `Cannot deliver \${CERT_DIR} at ${path} to a running Envoy: ${reason}. Use BATON_CERT_DELIVERY=restart.`;
    expect(messages(bootstrap)).toEqual([message]);
  });

  test('a list under both its names', () => {
    const both = { tls_certificates: [pair()], tlsCertificates: [pair('more')] };

    expect(messages(bootstrapOf(both))).toEqual([
      expect.stringContaining('it stands beside tlsCertificates'),
      expect.stringContaining('it stands beside tls_certificates'),
    ]);
  });
});

test('whatever the bootstrap, it and its secrets together say what it said', () => {
  fc.assert(
    fc.property(anyTree, (tree) => {
      const merged = { node: NODE, tree };
      const { bootstrap, secrets } = delivered(merged);

      expect(namesUsed(bootstrap).has('CERT_DIR')).toBe(false);
      expect(putTogether(bootstrap, secrets)).toEqual(merged);
      const contents = [...secrets.values()].map(({ '@type': _, name, ...content }) => content);
      expect(new Set(contents.map((content) => JSON.stringify(content))).size).toBe(secrets.size);
    }),
  );
});

test('wherever CERT_DIR stands, it is delivered or told of', () => {
  fc.assert(
    fc.property(anyTree, fc.constantFrom('secrets', 'x', 'tls_certificates'), (tree, key) => {
      const result = deliverBySecrets({ [key]: [tree, { password: '${CERT_DIR}/x' }, 'plain'] });

      expect(result).toMatchObject({ ok: false });
    }),
  );
});

function secret(name: string, content: TreeMap) {
  return [name, { '@type': `${TYPES}.Secret`, name, ...content }];
}

/** What Envoy makes of a bootstrap and its secrets, in the words of files. */
function putTogether(tree: Tree, secrets: ReadonlyMap<string, TreeMap>): Tree {
  if (isList(tree)) return tree.map((item) => putTogether(item, secrets));
  if (!isMap(tree)) return tree;
  const content = (config: Tree | undefined, field: string): Tree => {
    const name = isMap(config) ? String(config['name']) : '';
    expect(config).toEqual(configFor(name));
    return secrets.get(name)?.[field] ?? null;
  };
  return mapOf(
    Object.entries(tree).map(([key, value]): [string, Tree] => {
      if (key === 'tls_certificate_sds_secret_configs' && isList(value)) {
        return ['tls_certificates', value.map((config) => content(config, 'tls_certificate'))];
      }
      return key === 'validation_context_sds_secret_config'
        ? ['validation_context', content(value, 'validation_context')]
        : [key, putTogether(value, secrets)];
    }),
  );
}

const anyName = fc.constantFrom('a', 'b', 'c');
const anyContext = fc.record(
  {
    alpn_protocols: fc.constant(['h2']),
    tls_certificates: fc.oneof(
      fc.array(anyName.map(pair), { maxLength: 3 }),
      fc.constant([elsewhere]),
    ),
    validation_context: anyName.map(authority),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const anyTree = fc.letrec<{ tree: Tree; node: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(fc.integer(), fc.boolean(), fc.constantFrom<Tree>(null, '${X}', '$${CERT_DIR}', '')),
    fc.array(tie('tree'), { maxLength: 3 }),
    anyContext as fc.Arbitrary<Tree>,
    tie('node'),
  ),
  node: fc.dictionary(fc.constantFrom('name', 'x', 'filter_chains', '__proto__'), tie('tree'), {
    maxKeys: 3,
    noNullPrototype: true,
  }),
})).tree;
