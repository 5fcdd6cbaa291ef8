import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type SidecarEnvoy, startSidecarEnvoy } from '../support/sidecar-envoy.ts';

const JSON_LINE = /^\{.*"path":"\/logged".*\}$/m;

describe.each(['1.40.0', '1.36.4'] as const)('the built-in template on Envoy %s', (version) => {
  let envoy: SidecarEnvoy;

  beforeAll(async () => {
    envoy = await startSidecarEnvoy({ ISTIO_META_ZONE: 'a', POD_NAME: 'web-1' }, version);
  });

  afterAll(() => envoy.remove());

  test('the application is reached through TLS with a client certificate, which it is told', async () => {
    const { status, body } = await envoy.ask(envoy.ports.inbound, '/hello', {
      tls: 'withCertificate',
    });

    expect(status).toBe(200);
    expect(body).toMatch(/^application \/hello .*Subject="CN=web"/);
  });

  test('a client without a certificate is refused', async () => {
    await expect(
      envoy.ask(envoy.ports.inbound, '/', { tls: 'withoutCertificate' }),
    ).rejects.toThrow();
  });

  test('a client that speaks no TLS is refused', async () => {
    await expect(envoy.ask(envoy.ports.inbound, '/')).rejects.toThrow();
  });

  test('a forged client certificate header does not reach the application', async () => {
    const { body } = await envoy.ask(envoy.ports.inbound, '/', {
      tls: 'withCertificate',
      headers: { 'x-forwarded-client-cert': 'Subject="CN=forged"' },
    });

    expect(body).not.toContain('forged');
  });

  test('the application reaches another sidecar by name through TLS', async () => {
    const { status, body } = await envoy.ask(envoy.ports.outbound, '/far', {
      headers: { host: `localhost:${envoy.ports.inbound}` },
    });

    expect(status).toBe(200);
    expect(body).toMatch(/^application \/far .*Subject="CN=web"/);
  });

  test('a host that speaks no TLS is not reached', async () => {
    const { status } = await envoy.ask(envoy.ports.outbound, '/', {
      headers: { host: `localhost:${envoy.ports.application}` },
    });

    expect(status).toBe(503);
  });

  test('its metrics are served, and nothing else of the admin', async () => {
    const { prometheus } = envoy.ports;

    const metrics = await envoy.ask(prometheus, '/stats/prometheus');

    expect(metrics.body).toContain('envoy_server_live{} 1');
    expect((await envoy.ask(prometheus, '/quitquitquit', { method: 'POST' })).status).toBe(404);
    expect((await envoy.ask(prometheus, '/stats/prometheus', { method: 'POST' })).status).toBe(404);
    expect((await envoy.ask(prometheus, '/config_dump')).status).toBe(404);
  });

  test('each request is one line of JSON', async () => {
    await envoy.ask(envoy.ports.inbound, '/logged?secret', { tls: 'withCertificate' });
    const line = await vi.waitUntil(() => JSON_LINE.exec(envoy.stdout())?.[0], { timeout: 20_000 });

    expect(JSON.parse(line)).toMatchObject({
      direction: 'inbound',
      method: 'GET',
      path: '/logged',
      response_code: 200,
    });
  });

  test('it knows who it is', async () => {
    const { body } = await envoy.askAdmin('GET', '/server_info');

    expect(JSON.parse(body).node).toMatchObject({
      id: 'sidecar~127.0.0.1~web-1.default~default.svc.cluster.local',
      cluster: 'default.default',
      metadata: { ZONE: 'a' },
    });
  });

  test('it is ready until it is told to fail its health check, and warns of nothing', async () => {
    const { ready } = envoy.ports;

    expect((await envoy.ask(ready, '/healthz/ready')).status).toBe(200);
    expect((await envoy.ask(ready, '/')).status).toBe(404);
    await envoy.askAdmin('POST', '/healthcheck/fail');
    expect((await envoy.ask(ready, '/healthz/ready')).status).toBe(503);
    await envoy.askAdmin('POST', '/healthcheck/ok');
    expect((await envoy.ask(ready, '/healthz/ready')).status).toBe(200);
    expect(envoy.stderr()).toBe('');
  });
});

test('client certificates are asked for and not required when a value says so', async () => {
  const envoy = await startSidecarEnvoy({ BATON_TEMPLATE_REQUIRE_CLIENT_CERTIFICATE: 'false' });
  try {
    const { body } = await envoy.ask(envoy.ports.inbound, '/', { tls: 'withoutCertificate' });

    expect(body).toBe('application / ');
  } finally {
    await envoy.remove();
  }
});

test('neither direction speaks TLS when the plaintext layers are put over it', async () => {
  const layers = 'plaintext-inbound,plaintext-outbound';
  const envoy = await startSidecarEnvoy({ BATON_BOOTSTRAP_LAYERS: layers });
  try {
    const inbound = await envoy.ask(envoy.ports.inbound, '/near');
    const outbound = await envoy.ask(envoy.ports.outbound, '/far', {
      headers: { host: `localhost:${envoy.ports.application}` },
    });

    expect(inbound.body).toBe('application /near ');
    expect(outbound.body).toBe('application /far ');
    expect(envoy.stderr()).toBe('');
  } finally {
    await envoy.remove();
  }
});
