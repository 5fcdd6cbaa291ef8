import { describe, expect, test } from 'vitest';
import { readSettings } from '../../src/settings.ts';

const facts = {
  cpuCount: 1,
  envoyOnPath: '/usr/bin/envoy',
  isTerminal: false,
  hostName: 'host',
  runDirectory: '/run/baton',
};

function messagesOf(env: Readonly<Record<string, string>>): readonly string[] {
  const settings = readSettings(env, facts);
  return settings.ok ? [] : settings.problems.map(({ message }) => message);
}

const PROBES = '{"/app-health/app/livez": {"httpGet": {"port": 8080}}}';

describe("the application's probes", () => {
  test('are part of the settings', () => {
    const settings = readSettings({ ISTIO_KUBE_APP_PROBERS: PROBES }, facts);
    expect(settings.ok && [...settings.value.appProbes.keys()]).toEqual(['/app-health/app/livez']);
  });

  test('are refused together with everything else, in detail and without a value', () => {
    const text = '{"/app-health/app/livez": {"httpGet": {"port": "canary"}}, "/x": {}}';
    expect(messagesOf({ ISTIO_KUBE_APP_PROBERS: text, BATON_CERT_QUIET_TIME: '1' })).toEqual([
      expect.stringContaining('BATON_CERT_QUIET_TIME'),
      'Cannot use ISTIO_KUBE_APP_PROBERS: "/app-health/app/livez" must have a port that is a number from 1 to 65535.',
      'Cannot use ISTIO_KUBE_APP_PROBERS: "/x" is not of the form /app-health/CONTAINER/livez, /readyz or /startupz.',
    ]);
  });

  test('of the status port are refused, wherever that is', () => {
    const env = { ISTIO_KUBE_APP_PROBERS: PROBES, BATON_STATUS_PORT: '8080' };
    expect(messagesOf(env)).toEqual([
      'Cannot use ISTIO_KUBE_APP_PROBERS: "/app-health/app/livez" asks port 8080, which is BATON_STATUS_PORT: itself.',
    ]);
  });
});

describe.each(['BATON_APP_READY_URL', 'BATON_APP_METRICS_URL'])('%s', (name) => {
  test.each([
    'http://127.0.0.1:15020/healthz/ready',
    'http://localhost:15020/',
    'http://[::1]:15020/',
    'http://0.0.0.0:15020/',
    'http://[::]:15020/',
    'http://10.1.2.3:15020/',
    'http://127.1:15020/',
    'http://0x7f000001:015020/',
  ])('does not ask the agent itself by %s', (url) => {
    expect(messagesOf({ [name]: url, INSTANCE_IP: '10.1.2.3' })).toEqual([
      `Cannot use ${name}: it asks port 15020, which is BATON_STATUS_PORT: itself.`,
    ]);
  });

  test.each(['http://127.0.0.1:8080/', 'http://10.9.9.9:15020/', 'http://localhost/'])(
    'may ask %s',
    (url) => expect(messagesOf({ [name]: url })).toEqual([]),
  );

  test('does not ask the agent itself by leaving the port out', () => {
    expect(messagesOf({ [name]: 'http://localhost/', BATON_STATUS_PORT: '80' })).toHaveLength(1);
  });
});
