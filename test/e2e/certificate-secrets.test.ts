/** Keys that are written wrongly are not shown either, and Envoy is told no more than it needs. */
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Leaf } from '../support/certificates.ts';
import type { RunningAgent } from '../support/e2e-agent.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { createFakeEnvoy, type FakeEnvoy } from '../support/fake-envoy.ts';
import {
  createServiceCertificates,
  filesOf,
  type ServiceCertificates,
} from '../support/service-certificates.ts';

const HELD = { msg: 'held at its last good state', part: 'certificates' };
const CANARY = 'canary-beside-the-key';

let certificates: ServiceCertificates;
let fake: FakeEnvoy;
let world: World;

beforeEach(async () => {
  fake = createFakeEnvoy();
  world = await openWorld({ binary: fake.binary, bootstrap: { isTls: true } });
  certificates = await createServiceCertificates(join(world.folder, 'certs'));
});

afterEach(async () => {
  await world.close();
  expect(fake.violations()).toEqual([]);
  fake.remove();
});

const start = (settings: Readonly<Record<string, string>> = {}) =>
  world.startReadyAgent({ BATON_CERT_DIRS: certificates.volume.folder, ...settings });

/** Ways to hold a set back; each has a key in it, or what once was one. */
function badSets(leaf: Leaf, other: Leaf): readonly Readonly<Record<string, string>>[] {
  const good = filesOf(leaf);
  const cipher = { cipher: 'aes-128-cbc', passphrase: CANARY };
  const encrypted = createPrivateKey(leaf.keyPem).export({
    type: 'pkcs8',
    format: 'pem',
    ...cipher,
  });
  return [
    { ...good, 'tls.key': leaf.keyPem.replace('MIG', 'AAA') },
    { ...good, 'tls.key': leaf.keyPem.slice(0, -30) },
    { ...good, 'tls.key': leaf.keyPem.replaceAll('-----', '') },
    { ...good, 'tls.key': `${CANARY}\n${other.keyPem}` },
    { ...good, 'tls.key': encrypted.toString() },
    { ...good, 'ca.crt': leaf.keyPem.replaceAll('PRIVATE KEY', 'CERTIFICATE') },
    { ...good, 'tls.crt': leaf.keyPem },
  ];
}

const linesOf = (leaf: Leaf) =>
  leaf.keyPem.split('\n').filter((line) => /^[\w+/=]{20,}$/.test(line));

/** On the status port. */
async function probed(): Promise<string> {
  const paths = ['/status', '/metrics', '/healthz/ready'];
  const answers = await Promise.all(paths.map((path) => world.ask(path, world.statusPort)));
  return answers.map(({ body }) => body).join('\n');
}

async function toldBy(agent: RunningAgent): Promise<string> {
  const commands = [['status'], ['status', '--json'], ['validate']];
  const ends = await Promise.all(commands.map((words) => agent.baton(...words)));
  return ends.map(({ output }) => output).join('\n');
}

test('certificates that are held show their keys in no log, no answer and no metric', async () => {
  const agent = await start();
  const [leaf, other] = [await certificates.issue(), await certificates.issue()];
  const secrets = [...linesOf(leaf), ...linesOf(other), CANARY];

  const visible: string[] = [];
  for (const [index, files] of badSets(leaf, other).entries()) {
    await certificates.volume.swap(files);
    await agent.untilRecord(HELD, index + 1);
    visible.push(await probed());
  }
  visible.push(await toldBy(agent));
  await certificates.volume.swap(filesOf(leaf));
  await agent.untilRecord({ msg: 'handover ended', launch: 'L2' });

  const shown = [...visible, await probed(), agent.stdout(), agent.stderr()].join('\n');
  expect(secrets.length).toBeGreaterThan(4);
  expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
  expect(visible.at(-1)).toContain('tls.key');
});

test('what speaks to the agent or to Node is not passed on to Envoy, and the rest is', async () => {
  await start({
    NODE_OPTIONS: '--max-http-header-size=16000',
    NODE_EXTRA_CA_CERTS: '/nowhere.pem',
    SERVICE_TOKEN: 'for the application',
  });
  const [envoy] = world.envoys();

  const environment = await readFile(`/proc/${envoy?.pid}/environ`, 'utf8');
  const names = environment.split('\0').map((entry) => entry.split('=')[0]);

  expect(names).toEqual(expect.arrayContaining(['PATH', 'HOME', 'SERVICE_TOKEN']));
  expect(names.filter((name) => /^(BATON|NODE)_/.test(name ?? ''))).toEqual([]);
});
