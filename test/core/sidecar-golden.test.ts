/**
 * What the built-in template comes to, word for word. The files are edited by hand: change one only
 * when the change is what is wanted.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderedSidecar } from '../support/rendered-sidecar.ts';

const settings = {
  POD_NAME: 'web-1',
  POD_NAMESPACE: 'shop',
  INSTANCE_IP: '10.0.0.7',
  SERVICE_ACCOUNT: 'web',
  ISTIO_META_CLUSTER_ID: 'Kubernetes',
  ISTIO_METAJSON_LABELS: '{"version":"v1","app":"web"}',
};
const paths = { certificateFolder: '/run/certs/1', adminSocket: '/run/admin-L1.sock' };

test.each<[string, Readonly<Record<string, string>>]>([
  ['sidecar', {}],
  [
    'sidecar-with-values',
    {
      BATON_TEMPLATE_APP_PORT: '3000',
      BATON_TEMPLATE_CERT_FILE: 'cert-chain.pem',
      BATON_TEMPLATE_KEY_FILE: 'key.pem',
      BATON_TEMPLATE_CA_FILE: 'root-cert.pem',
      BATON_TEMPLATE_REQUIRE_CLIENT_CERTIFICATE: 'false',
      BATON_TEMPLATE_NODE_ID: 'mine',
    },
  ],
  ['sidecar-plaintext', { BATON_BOOTSTRAP_LAYERS: 'plaintext-inbound,plaintext-outbound' }],
])('the built-in template comes to %s.json', async (name, more) => {
  const golden = readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8');

  expect((await renderedSidecar({ ...settings, ...more }, paths)).json).toBe(golden);
});

test('the built-in template needs certificates unless both directions are plain', async () => {
  const layers = 'plaintext-inbound,plaintext-outbound';

  expect((await renderedSidecar({}, paths)).names).toContain('CERT_DIR');
  expect((await renderedSidecar({ BATON_BOOTSTRAP_LAYERS: layers }, paths)).names).not.toContain(
    'CERT_DIR',
  );
});
