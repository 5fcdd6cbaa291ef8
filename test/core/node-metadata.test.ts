import { expect, test } from 'vitest';
import { nodeMetadata } from '../../src/core/node-metadata.ts';

test('node metadata holds what has the exact prefix, without it', () => {
  const { metadata, warnings } = nodeMetadata({
    ISTIO_META_CLUSTER_ID: 'Kubernetes',
    ISTIO_METAJSON_LABELS: '{"app":"web","n":1}',
    ISTIO_META_: 'no name',
    ISTIO_METADATA: 'other',
    istio_meta_low: 'other',
    MY_ISTIO_META_X: 'other',
  });

  expect(metadata).toEqual({ CLUSTER_ID: 'Kubernetes', LABELS: { app: 'web', n: 1 } });
  expect(warnings).toEqual([]);
});

test('JSON that does not parse is left out with a warning that does not show it', () => {
  const { metadata, warnings } = nodeMetadata({
    ISTIO_METAJSON_BAD: '{"password": secret',
    ISTIO_META_GOOD: 'x',
  });

  expect(metadata).toEqual({ GOOD: 'x' });
  expect(warnings).toEqual([
    'Cannot take ISTIO_METAJSON_BAD into the node metadata: it is not JSON.',
  ]);
});

test.each([
  ['one value of a megabyte', { ISTIO_META_A: 'x'.repeat(1_048_576) }],
  [
    'ten thousand annotations of 100 characters',
    Object.fromEntries(
      Array.from({ length: 10_000 }, (_, at) => [`ISTIO_META_${at}`, 'x'.repeat(100)]),
    ),
  ],
  ['a hundred levels', { ISTIO_METAJSON_A: '['.repeat(100) + ']'.repeat(100) }],
  ['ten thousand levels', { ISTIO_METAJSON_A: '['.repeat(10_000) + ']'.repeat(10_000) }],
])('node metadata stays bounded when given %s', (_name, env) => {
  const { metadata, warnings } = nodeMetadata(env);

  expect(JSON.stringify(metadata).length).toBeLessThan(400_000);
  expect(warnings.length).toBeGreaterThan(0);
  expect(warnings.length).toBeLessThanOrEqual(20);
});

test('JSON with a key named __proto__ changes no prototype', () => {
  const { metadata } = nodeMetadata({
    ISTIO_METAJSON_A: '{"__proto__": {"polluted": true}}',
    ISTIO_META___proto__: 'x',
  });

  expect({}).not.toHaveProperty('polluted');
  expect(JSON.stringify(metadata)).toBe('{"A":{"__proto__":{"polluted":true}},"__proto__":"x"}');
});
