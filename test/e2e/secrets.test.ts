import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, replaceFile, type World } from '../support/e2e-world.ts';
import { signalEnvoy } from '../support/envoys-of.ts';
import { createServiceCertificates } from '../support/service-certificates.ts';

/** Each comes in by another way. */
const CANARIES = {
  environment: 'canary-environment',
  metadata: 'canary-metadata',
  template: 'canary-template',
  url: 'canary-url',
  inlineKey: 'canary-inline-key',
};
const LAYER = `
node:
  metadata: "\${NODE_METADATA}"
  locality: { zone: "\${ZONE}" }
`;
const INLINE_KEY = `
static_resources:
  secrets:
    - name: inline
      tls_certificate:
        private_key:
          inline_string: |
            -----BEGIN PRIVATE KEY-----
            ${CANARIES.inlineKey}
            -----END PRIVATE KEY-----
`;
/** What makes Envoy quote the whole bootstrap, and what it is to say of it. */
const QUOTED = [
  ['has a wrong form', 'cluster_manager: 7', /@\s+cluster_manager:/],
  ['has a forbidden value', '  clusters: [{ name: "" }]', /ClusterValidationError\.Name: value/],
  ['is a key of a wrong form', '    - { name: 7, generic_secret: {} }', /secrets\[1\]\.name/],
] as const;

let folder: string;
let world: World;
/** Lines of the private keys. */
let keyLines: readonly string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-secrets-'));
  const certificates = await createServiceCertificates(join(folder, 'certs'));
  const leaf = await certificates.issue();
  await certificates.volume.swap({ 'tls.crt': leaf.certificatePem, 'tls.key': leaf.keyPem });
  keyLines = leaf.keyPem.split('\n').filter((line) => line.length > 40);
  await writeFile(join(folder, 'layer.yaml'), LAYER);
  world = await openWorld({
    bootstrap: { isTls: true },
    settings: {
      BATON_CERT_DIRS: certificates.volume.folder,
      BATON_BOOTSTRAP_LAYERS: join(folder, 'layer.yaml'),
      BATON_TEMPLATE_ZONE: CANARIES.template,
      BATON_APP_METRICS_URL: `http://user:${CANARIES.url}@127.0.0.1:9/metrics`,
      ISTIO_METAJSON_ACCOUNT: JSON.stringify({ password: CANARIES.metadata }),
      SERVICE_TOKEN: CANARIES.environment,
    },
  });
});

afterEach(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

/** Everything that someone who is not the agent's own user can get to see. */
async function visibleOf(agent: RunningAgent): Promise<string> {
  const told = [
    ...(await Promise.all([
      agent.baton('status'),
      agent.baton('status', '--json'),
      agent.baton('settings'),
      agent.baton('version'),
    ])),
  ].map(({ output }) => output);
  const probed = [
    await world.ask('/status', world.statusPort),
    await world.ask('/metrics', world.statusPort),
    await world.ask('/healthz/ready', world.statusPort),
  ].map(({ body }) => body);
  const words = world.envoys().flatMap(({ args }) => args);
  return [...told, ...probed, ...words, agent.stdout(), agent.stderr()].join('\n');
}

function expectNoSecretIn(text: string): void {
  for (const secret of [...Object.values(CANARIES), ...keyLines])
    expect(text).not.toContain(secret);
}

test('secrets are in no log, no answer and no command line, and their files are private', async () => {
  const agent = await world.startReadyAgent();
  const served = await agent.baton('request', 'GET', '/server_info');

  agent.signal('SIGHUP');
  await agent.untilRecord({ msg: 'Envoy live', launch: 'L2' });

  // They did arrive where they belong.
  expect(served.output).toContain(CANARIES.metadata);
  expect(served.output).toContain(CANARIES.template);
  expectNoSecretIn(await visibleOf(agent));
  expect(await openToOthers(world.runDirectory)).toEqual([]);
});

test('secrets are in no log when a change is refused and when Envoy gives up', async () => {
  const agent = await world.startReadyAgent({
    BATON_RESTART_TOKENS: '1',
    BATON_RESTART_BACKOFF: '20ms',
  });

  await replaceFile(join(folder, 'layer.yaml'), `${LAYER}no_such_field: "\${ZONE}"\n`);
  await agent.untilRecord({ msg: 'handover ended', result: 'refused' });
  expectNoSecretIn(await visibleOf(agent));
  for (const crashed of ['L1', 'L2']) {
    await agent.untilRecord({ msg: 'Envoy live', launch: crashed });
    signalEnvoy(world.envoys()[0], 'SIGKILL');
  }

  expect(await agent.ended).toMatchObject({ code: 255 });
  expectNoSecretIn(agent.stdout() + agent.stderr());
});

test('secrets are in no log when the agent cannot even start', async () => {
  await writeFile(join(folder, 'layer.yaml'), `${LAYER}no_such_field: "\${ZONE}"\n`);

  const { code, output } = await world.runAgent({ BATON_CERT_QUIET_TIME: '50ms' });

  expect(code).toBe(78);
  expect(output).toContain('no_such_field');
  expectNoSecretIn(output);
});

describe.each(QUOTED)('a bootstrap with an inline key in which a field %s', (_, field, reason) => {
  const layer = `${LAYER}${INLINE_KEY}${field}\n`;

  test('keeps the agent from starting for a reason without the key', async () => {
    await writeFile(join(folder, 'layer.yaml'), layer);

    const { code, output } = await world.runAgent({ BATON_CERT_QUIET_TIME: '50ms' });

    expect(code).toBe(78);
    const last = output.split('\n').filter((line) => line.includes('"agent gives up"'));
    expect(last.join('')).toMatch(reason);
    expectNoSecretIn(output);
  });

  test('is refused, and by `baton validate` too, for a reason without the key', async () => {
    const agent = await world.startReadyAgent();

    await replaceFile(join(folder, 'layer.yaml'), layer);
    const refused = await agent.untilRecord({ msg: 'handover ended', result: 'refused' });
    const validated = await agent.baton('validate');
    const { body } = await world.ask('/status', world.statusPort);

    expect(validated.code).toBe(78);
    for (const told of [
      String(refused['reason']),
      validated.output,
      JSON.parse(body).lastHandover.reason,
    ])
      expect(told).toMatch(reason);
    expect(await agent.status()).toMatchObject({ ready: true, launches: [{ stage: 'live' }] });
    expectNoSecretIn([validated.output, await visibleOf(agent)].join('\n'));
  });
});

/** Files and folders in it that the group or others may do anything with, links left out. */
async function openToOthers(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name));
  const modes = await Promise.all(paths.map(async (path) => (await stat(path)).mode & 0o077));
  return paths.filter((_, index) => modes[index] !== 0);
}
