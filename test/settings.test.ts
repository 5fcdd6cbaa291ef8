import { expect, test } from 'vitest';
import { allRows, type SettingKey } from '../src/settings/table.ts';
import { identityOf, policyOf, readSettings, type Settings } from '../src/settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const facts = {
  cpuCount: 3,
  envoyOnPath: '/usr/bin/envoy',
  isTerminal: false,
  hostName: 'host',
  runDirectory: '/run/baton',
};

function read(env: Environment = {}, others: object = {}): Settings {
  const settings = readSettings(env, { ...facts, ...others });
  if (!settings.ok) throw new Error(JSON.stringify(settings.problems));
  return settings.value;
}

function messagesOf(env: Environment, others: object = {}): readonly string[] {
  const settings = readSettings(env, { ...facts, ...others });
  return settings.ok ? [] : settings.problems.map(({ message }) => message);
}

test('an empty environment gives the documented defaults', () => {
  const { origins, templateTexts, ...values } = read();

  expect(values).toEqual({
    envoyBinary: '/usr/bin/envoy',
    envoyArgs: [],
    bootstrap: 'sidecar',
    bootstrapLayers: [],
    runDirectory: '/run/baton',
    concurrency: 3,
    baseId: undefined,
    envoyLogLevel: 'warning',
    envoyComponentLogLevel: '',
    podName: 'host',
    podNamespace: 'default',
    instanceIp: '127.0.0.1',
    serviceAccount: 'default',
    certificateDelivery: 'restart',
    expiryMarginMs: 600_000,
    certificateFolders: ['/etc/certs'],
    certificateQuietTimeMs: 1_000,
    certificateMaxWaitMs: 10_000,
    certificatePollIntervalMs: 30_000,
    certificateWaitMs: 0,
    handover: 'auto',
    jitterMs: 0,
    triggers: ['certs', 'bootstrap', 'binary'],
    liveDeadlineMs: 60_000,
    initDeadlineMs: 300_000,
    hangDeadlineMs: 30_000,
    memoryPolicy: 'warn',
    standby: 'off',
    tcpMigration: 'auto',
    drainTimeMs: 45_000,
    parentShutdownTimeMs: 60_000,
    drainStrategy: 'gradual',
    restartTokens: 10,
    restartBackoffMs: 200,
    restartRefillTimeMs: 600_000,
    terminationDelayMs: 0,
    terminationDrainMinMs: 5_000,
    terminationDrainMaxMs: 25_000,
    terminationGracePeriodMs: 30_000,
    drainIgnoreListeners: [],
    statusPort: 15_020,
    statusAddress: '::',
    metricsAccess: 'all',
    adminPort: undefined,
    appMetricsUrl: undefined,
    appReadyUrl: undefined,
    appProbes: new Map(),
    appProbesText: '',
    terminationMessagePath: '/dev/termination-log',
    logLevel: 'info',
    logFormat: 'json',
    logRepeatLimit: 10,
    metadata: {},
    notes: [],
  });
  expect(templateTexts.size).toBe(0);
  expect(new Set([...origins.values()].map(({ kind }) => kind))).toEqual(new Set(['default']));
});

test.each<[string, string, SettingKey, unknown]>([
  ['BATON_ENVOY_BINARY', '/opt/envoy', 'envoyBinary', '/opt/envoy'],
  [
    'BATON_ENVOY_ARGS',
    `--service-zone 'a b' --stats-tag "x:\\"y\\""`,
    'envoyArgs',
    ['--service-zone', 'a b', '--stats-tag', 'x:"y"'],
  ],
  ['BATON_ENVOY_ARGS', '', 'envoyArgs', []],
  ['BATON_ENVOY_ARGS', '--service-zone $HOME/*', 'envoyArgs', ['--service-zone', '$HOME/*']],
  ['BATON_BOOTSTRAP', '/etc/envoy.yaml', 'bootstrap', '/etc/envoy.yaml'],
  ['ISTIO_BOOTSTRAP', '/etc/envoy.json', 'bootstrap', '/etc/envoy.json'],
  ['BATON_BOOTSTRAP_LAYERS', 'a, /b.yaml', 'bootstrapLayers', ['a', '/b.yaml']],
  ['ISTIO_BOOTSTRAP_OVERRIDE', '/o.json', 'bootstrapLayers', ['/o.json']],
  ['BATON_CERT_DIRS', '', 'certificateFolders', []],
  ['BATON_CERT_DIRS', '/a,/b', 'certificateFolders', ['/a', '/b']],
  ['BATON_CONCURRENCY', '8', 'concurrency', 8],
  ['ISTIO_CPU_LIMIT', '4', 'concurrency', 4],
  ['BATON_BASE_ID', 'auto', 'baseId', undefined],
  ['BATON_BASE_ID', '77', 'baseId', 77],
  ['BATON_TRIGGERS', '', 'triggers', []],
  ['BATON_TRIGGERS', 'certs', 'triggers', ['certs']],
  ['BATON_HANDOVER', 'side-by-side', 'handover', 'side-by-side'],
  ['BATON_RESTART_TOKENS', '0', 'restartTokens', 0],
  ['BATON_RESTART_TOKENS', '40', 'restartTokens', 40],
  ['BATON_STATUS_PORT', '0', 'statusPort', 0],
  ['BATON_STATUS_ADDRESS', '127.0.0.1', 'statusAddress', '127.0.0.1'],
  ['BATON_METRICS_ACCESS', 'local', 'metricsAccess', 'local'],
  ['BATON_ADMIN_PORT', '9901', 'adminPort', 9901],
  ['BATON_APP_READY_URL', 'http://127.0.0.1:80/ok', 'appReadyUrl', 'http://127.0.0.1:80/ok'],
  ['BATON_APP_READY_URL', '', 'appReadyUrl', undefined],
  [
    'BATON_ENVOY_COMPONENT_LOG_LEVEL',
    'upstream:debug,http:trace',
    'envoyComponentLogLevel',
    'upstream:debug,http:trace',
  ],
  ['MINIMUM_DRAIN_DURATION', '3s', 'terminationDrainMinMs', 3_000],
  ['TERMINATION_DRAIN_DURATION_SECONDS', '20', 'terminationDrainMaxMs', 20_000],
  ['INSTANCE_IP', 'fd00::7', 'instanceIp', 'fd00::7'],
])('%s=%s is taken', (name, text, key, value) => {
  expect(read({ [name]: text })[key]).toEqual(value);
});

const NO_NUMBERS = ['', ' ', '-1', '1.5', '1e3', '0x10', 'NaN', 'Infinity', '٣', '5x', ' 5', '5\n'];
const NUMBERS = ['BATON_CONCURRENCY', 'BATON_RESTART_TOKENS', 'BATON_STATUS_PORT', 'BATON_BASE_ID'];
const DURATIONS = allRows()
  .map(([, row]) => row)
  .filter((row) => row.form.text.startsWith('a duration'))
  .map((row) => row.name);

test.each([
  ...[...NUMBERS, 'BATON_ADMIN_PORT', 'ISTIO_CPU_LIMIT'].flatMap((name) =>
    [...NO_NUMBERS, '99999999999'].map((text) => [name, text]),
  ),
  ...DURATIONS.flatMap((name) =>
    ['', ' ', '45', '0', '-5s', '1e3s', '0x1s', 'NaN', '٤s', '45s!', '999h'].map((text) => [
      name,
      text,
    ]),
  ),
  ['BATON_STATUS_PORT', '65536'],
  ['BATON_CONCURRENCY', '0'],
  ['BATON_DRAIN_TIME', '0s'],
  ['BATON_DRAIN_TIME', '500ms'],
  ['BATON_DRAIN_TIME', '1.5s'],
  ['BATON_PARENT_SHUTDOWN_TIME', '60500ms'],
  ['BATON_CERT_POLL_INTERVAL', '0s'],
  ['BATON_LIVE_DEADLINE', '0s'],
  ['BATON_HANG_DEADLINE', '1ms'],
  ['BATON_HANG_DEADLINE', '999ms'],
  ['BATON_RESTART_BACKOFF', '0s'],
  ['BATON_HANDOVER', 'Hot'],
  ['BATON_HANDOVER', ''],
  ['BATON_TRIGGERS', 'certs,keys'],
  ['BATON_BOOTSTRAP', ''],
  ['BATON_BOOTSTRAP', ' '],
  ['BATON_ENVOY_BINARY', ''],
  ['BATON_ENVOY_ARGS', "--service-zone 'a"],
  ['BATON_BOOTSTRAP_LAYERS', 'a,,b'],
  ['BATON_STATUS_ADDRESS', 'localhost'],
  ['BATON_STATUS_ADDRESS', ''],
  ['BATON_APP_READY_URL', '127.0.0.1/ok'],
  ['BATON_APP_READY_URL', 'file:///etc/passwd'],
  ['BATON_APP_METRICS_URL', 'http://a b'],
  ['BATON_LOG_LEVEL', 'loud'],
  ['BATON_ENVOY_COMPONENT_LOG_LEVEL', 'upstream'],
  ['TERMINATION_DRAIN_DURATION_SECONDS', '5s'],
  ['MINIMUM_DRAIN_DURATION', '-5s'],
  ['POD_NAME', ''],
])('%s=%j is refused in one line that begins with its form', (name, text) => {
  const messages = messagesOf({ [name]: text });

  expect(messages).toHaveLength(1);
  expect(messages[0]).toMatch(new RegExp(`^Expected ${name} to be .+, got .+\\.$`));
});

test.each([
  ['0s', 0],
  ['1s', 1_000],
])(
  'BATON_HANG_DEADLINE=%s is taken: off, or long enough to be told from a busy Envoy',
  (text, ms) => {
    const settings = readSettings({ BATON_HANG_DEADLINE: text }, facts);
    expect(settings).toMatchObject({ ok: true, value: { hangDeadlineMs: ms } });
  },
);

test('a refusal names the form and the value', () => {
  expect(messagesOf({ BATON_JITTER: '45' })).toEqual([
    'Expected BATON_JITTER to be a duration like 200ms, 45s or 1m30s, got "45".',
  ]);
});

test('a long value is cut short in a refusal', () => {
  const [message] = messagesOf({ BATON_JITTER: 'x'.repeat(100_000) });

  expect(message?.length).toBeLessThan(300);
});

test('all problems are reported at once', () => {
  const messages = messagesOf({
    BATON_JITTER: '45',
    BATON_STATUS_PORT: 'x',
    BATON_DRAIN_TIMES: '1s',
    BATON_PARENT_SHUTDOWN_TIME: '10s',
    BATON_TEMPLATE_CERT_DIR: 'x',
    BATON_ENVOY_ARGS: '--mode validate --restart-epoch 4',
  });

  expect(messages).toHaveLength(7);
});

test.each([
  ['BATON_DRAIN_TIMEE', ' Did you mean BATON_DRAIN_TIME?'],
  ['baton_drain_time', ' Did you mean BATON_DRAIN_TIME?'],
  ['BATON_XYZ', ''],
])('an unknown %s is refused with the nearest name', (name, hint) => {
  expect(messagesOf({ [name]: '1s' })).toEqual([
    `Cannot use ${name}: no setting has this name.${hint}`,
  ]);
});

test('what Kubernetes says of a Service named baton is not taken for settings', () => {
  const env = {
    BATON_SERVICE_HOST: '10.0.0.1',
    BATON_SERVICE_PORT: '80',
    BATON_SERVICE_PORT_HTTP: '80',
    BATON_PORT: 'tcp://10.0.0.1:80',
    BATON_PORT_80_TCP: 'tcp://10.0.0.1:80',
    BATON_PORT_80_TCP_ADDR: '10.0.0.1',
  };

  expect(messagesOf(env)).toEqual([]);
});

test('an alias that says the same as the main name is no problem, and the main name is the origin', () => {
  const env = { BATON_TERMINATION_DRAIN_MAX: '20s', TERMINATION_DRAIN_DURATION_SECONDS: '20' };

  expect(read(env).origins.get('terminationDrainMaxMs')).toEqual({
    kind: 'environment',
    name: 'BATON_TERMINATION_DRAIN_MAX',
  });
});

test('an alias that says something else than the main name is refused', () => {
  expect(messagesOf({ BATON_BOOTSTRAP: 'sidecar', ISTIO_BOOTSTRAP: '/b.json' })).toEqual([
    'Expected BATON_BOOTSTRAP and its alias ISTIO_BOOTSTRAP to be the same, or one of them unset.',
  ]);
});

test('the origin of a value from an alias is the alias', () => {
  expect(read({ ISTIO_BOOTSTRAP: '/b.json' }).origins.get('bootstrap')).toEqual({
    kind: 'alias',
    name: 'ISTIO_BOOTSTRAP',
  });
});

test('an alias that sets the maximum drain below the minimum lowers the minimum', () => {
  const settings = read({ TERMINATION_DRAIN_DURATION_SECONDS: '2' });

  expect(settings.terminationDrainMinMs).toBe(2_000);
  expect(settings.origins.get('terminationDrainMinMs')).toEqual({
    kind: 'alias',
    name: 'TERMINATION_DRAIN_DURATION_SECONDS',
  });
});

test.each<[string, Environment, string]>([
  [
    'a maximum drain below the minimum',
    { BATON_TERMINATION_DRAIN_MAX: '2s' },
    'Expected BATON_TERMINATION_DRAIN_MAX to be no less than BATON_TERMINATION_DRAIN_MIN (5s), got 2s.',
  ],
  [
    'a parent shutdown no later than the drain',
    { BATON_DRAIN_TIME: '60s' },
    'Expected BATON_PARENT_SHUTDOWN_TIME to be greater than BATON_DRAIN_TIME (1m), got 1m.',
  ],
  [
    'a quiet time above the longest wait',
    { BATON_CERT_QUIET_TIME: '11s' },
    'Expected BATON_CERT_MAX_WAIT to be no less than BATON_CERT_QUIET_TIME (11s), got 10s.',
  ],
  [
    'a stop that does not fit in the grace period',
    { BATON_TERMINATION_DELAY: '1s' },
    'Expected BATON_TERMINATION_GRACE_PERIOD to be at least BATON_TERMINATION_DELAY 1s + BATON_TERMINATION_DRAIN_MAX 25s + 5s to end Envoy = 31s, got 30s.',
  ],
  [
    'one port for two',
    { BATON_ADMIN_PORT: '15020' },
    'Expected BATON_ADMIN_PORT to differ from BATON_STATUS_PORT, got 15020 for both.',
  ],
  [
    'a reserved argument of Envoy',
    { BATON_ENVOY_ARGS: '--concurrency 4' },
    'Cannot pass --concurrency to Envoy: use BATON_CONCURRENCY.',
  ],
])('%s is refused', (_name, env, message) => {
  expect(messagesOf(env)).toEqual([message]);
});

test('two ports that are both off do not clash', () => {
  expect(messagesOf({ BATON_ADMIN_PORT: '0', BATON_STATUS_PORT: '0' })).toEqual([]);
});

test('arguments of the command line go behind those of the setting and are checked with them', () => {
  const env = { BATON_ENVOY_ARGS: '--service-zone a' };

  expect(read(env, { moreEnvoyArgs: ['--enable-core-dump'] }).envoyArgs).toEqual([
    '--service-zone',
    'a',
    '--enable-core-dump',
  ]);
  expect(messagesOf(env, { moreEnvoyArgs: ['--service-zone', 'b'] })).toEqual([
    'Cannot pass --service-zone to Envoy: it is given twice.',
  ]);
});

test('values for a template are kept under their names, empty ones too', () => {
  const settings = read({ BATON_TEMPLATE_APP_PORT: '80', BATON_TEMPLATE_ZONE: '' });

  expect([...settings.templateTexts]).toEqual([
    ['APP_PORT', '80'],
    ['ZONE', ''],
  ]);
});

test.each([
  ['BATON_TEMPLATE_POD_NAME', 'x', '${POD_NAME} is given by POD_NAME'],
  ['BATON_TEMPLATE_CERT_DIR', 'x', '${CERT_DIR} is given by BATON_CERT_DIRS'],
  [
    'BATON_TEMPLATE_1',
    'x',
    'the rest of its name must be letters, digits and underscores, no digit first',
  ],
  ['BATON_TEMPLATE_A', 'x'.repeat(70_000), 'its value is longer than 65536 characters'],
])('%s is refused', (name, text, reason) => {
  expect(messagesOf({ [name]: text })).toEqual([`Cannot use ${name}: ${reason}.`]);
});

test('no secret stands in a problem', () => {
  const messages = messagesOf({
    BATON_APP_METRICS_URL: 'ftp://user:canary@host/',
    BATON_APP_READY_URL: 'http//user:canary@host/',
    BATON_TEMPLATE_CERT_DIR: 'canary',
    BATON_TEMPLATE_1: 'canary',
    BATON_ENVOY_ARGS: '--base-id=canary canary',
  });

  expect(messages).toHaveLength(6);
  expect(messages.join()).not.toContain('canary');
});

test('what has no effect is noted, by name alone', () => {
  const { notes } = read({
    ISTIO_METAJSON_LABELS: '{canary',
    EXIT_ON_ZERO_ACTIVE_CONNECTIONS: 'false',
  });

  expect(notes).toEqual([
    'Cannot take ISTIO_METAJSON_LABELS into the node metadata: it is not JSON.',
    'EXIT_ON_ZERO_ACTIVE_CONNECTIONS has no effect: the drain always ends at zero connections.',
  ]);
});

test('reading changes nothing of the environment it is given', () => {
  const env = Object.freeze({ BATON_JITTER: '1s' });

  expect(read(env).jitterMs).toBe(1_000);
});

test('the policy is made of the settings', () => {
  const policy = policyOf(read({ BATON_TRIGGERS: 'certs,binary', BATON_DRAIN_TIME: '2s' }));

  expect(policy.triggers).toEqual(new Set(['certificates', 'binary']));
  expect(policy.drainTimeMs).toBe(2_000);
});

test('the identity is made of the settings', () => {
  const env = { POD_NAME: 'web-1', POD_NAMESPACE: 'shop', ISTIO_META_X: 'y' };

  expect(identityOf(read(env))).toEqual({
    podName: 'web-1',
    podNamespace: 'shop',
    instanceIp: '127.0.0.1',
    serviceAccount: 'default',
    metadata: { X: 'y' },
  });
});

test('every setting says what it means and has a name of its own', () => {
  const rows = allRows().map(([, row]) => row);

  expect(rows.every(({ meaning }) => meaning.length > 0)).toBe(true);
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
});

test('every default is of the form that its setting asks for', () => {
  for (const [, row] of allRows()) {
    const value = row.standard(facts);
    if (value === undefined && row.form.show(undefined) === '') continue;

    expect(read({ [row.name]: row.form.show(value) }), row.name).toBeTruthy();
  }
});
