/** Certificates in files and in secrets that change: what is loaded, shown and served. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { expectationOf, proveCertificates } from '../../src/core/certificate-proof.ts';
import type { Tree } from '../../src/core/tree.ts';
import { type EnvoyLaunch, type EnvoyUnderTest, eventually } from '../support/envoy-under-test.ts';
import { type CertificateSet, createDelivery, issueSet } from '../support/secret-delivery.ts';
import { servedSerial } from '../support/service-certificates.ts';
import { withCertificate } from './bootstraps.ts';
import type { Row } from './row.ts';
import { failureOf, launchLive, portOf, REFUSAL, SUCCESS, writeBootstrap } from './steps.ts';

const VALIDATION = ['--log-level', 'warning', '--mode', 'validate', '-c'];
const MISMATCH =
  'Filesystem config update rejected: Failed to load private key from <inline>, Cause: error:0b000074:X.509 certificate routines:OPENSSL_internal:KEY_VALUES_MISMATCH';

export const certificateRows: readonly Row[] = [
  {
    behaviour:
      'of files the leaf and the authorities are shown by path, before 1.40 only the first',
    async holds(envoy) {
      const set = await setNamed(envoy, 'first');
      const launch = await launchLive(envoy, 0, { bootstrap: namingFiles(set.folder) });
      const path = join(set.folder, 'tls.crt');
      const [leaf] = set.serialNumbers.get(path) ?? [];
      const { certificates } = JSON.parse((await launch.ask('/certs')).body);
      expect(certificates).toMatchObject([
        { cert_chain: [{ path, serial_number: leaf?.toLowerCase() }] },
      ]);
      const count = (await versionOf(launch)).includes('/1.36.') ? 1 : 2;
      expect(certificates[0].ca_cert).toHaveLength(count);
      expect(await problemOf(launch, set)).toBeUndefined();
    },
  },
  {
    behaviour: 'of secrets they are shown without a path, and a swap brings all of the new ones',
    async holds(envoy) {
      const { delivery, first, launch } = await launchWithSecrets(envoy);
      const port = await portOf(launch);
      expect(await problemOf(launch, first)).toBeUndefined();
      expect((await launch.ask('/certs')).body).not.toContain(first.folder);
      expect(await servedSerial(port)).toBe(first.leaf.serialNumber);
      const second = await setNamed(envoy, 'second');
      await delivery.put(second);
      await eventually(async () => expect(await problemOf(launch, second)).toBeUndefined());
      expect(await problemOf(launch, first)).toContain('has not loaded tls.crt');
      await eventually(async () => expect(await servedSerial(port)).toBe(second.leaf.serialNumber));
    },
  },
  {
    // The authority of the same swap may be taken: Envoy takes one secret after the other.
    behaviour: 'a rejected secret leaves the one before, and swapped back all is as it was',
    async holds(envoy) {
      const { delivery, first, launch } = await launchWithSecrets(envoy);
      const port = await portOf(launch);
      const mismatched = await setNamed(envoy, 'mismatched', first.leaf.keyPem);
      const undo = await delivery.put(mismatched);
      await eventually(() => expect(launch.stderr()).toContain(MISMATCH));
      expect(await problemOf(launch, mismatched)).toContain('has not loaded tls.crt');
      expect(await servedSerial(port)).toBe(first.leaf.serialNumber);
      await undo();
      await eventually(async () => expect(await problemOf(launch, first)).toBeUndefined());
      expect(await servedSerial(port)).toBe(first.leaf.serialNumber);
    },
  },
  {
    behaviour: 'a swap after a rejected one is taken, and can be swapped back',
    async holds(envoy) {
      const { delivery, first, launch } = await launchWithSecrets(envoy);
      const mismatched = await setNamed(envoy, 'mismatched', first.leaf.keyPem);
      const undoMismatched = await delivery.put(mismatched);
      await eventually(() => expect(launch.stderr()).toContain(MISMATCH));
      await undoMismatched();
      const second = await setNamed(envoy, 'second');
      const undo = await delivery.put(second);
      await eventually(async () => expect(await problemOf(launch, second)).toBeUndefined());
      await undo();
      await eventually(async () => expect(await problemOf(launch, first)).toBeUndefined());
      const port = await portOf(launch);
      await eventually(async () => expect(await servedSerial(port)).toBe(first.leaf.serialNumber));
    },
  },
  {
    behaviour: 'what is loaded stays when the link is taken away',
    async holds(envoy) {
      const { undo, first, launch } = await launchWithSecrets(envoy);
      await undo();
      expect(await problemOf(launch, first)).toBeUndefined();
      expect(await servedSerial(await portOf(launch))).toBe(first.leaf.serialNumber);
    },
  },
  {
    behaviour:
      'a launch with a rejected secret is LIVE all the same and serves nobody until a swap',
    async holds(envoy) {
      const first = await setNamed(envoy, 'first');
      const mismatched = await setNamed(envoy, 'mismatched', first.leaf.keyPem);
      const delivery = deliveryTo(envoy);
      await delivery.put(mismatched);
      const launch = await launchLive(envoy, 0, { bootstrap: delivery.bootstrap });
      const port = await portOf(launch);
      expect(launch.stderr()).toContain(MISMATCH);
      expect(JSON.parse((await launch.ask('/certs')).body)).toEqual({ certificates: [] });
      expect(await failureOf(servedSerial(port))).not.toContain('answered');
      await delivery.put(first);
      await eventually(async () => expect(await servedSerial(port)).toBe(first.leaf.serialNumber));
    },
  },
  {
    behaviour: 'a child and its parent read folders of their own',
    async holds(envoy) {
      const { delivery, first, launch: parent } = await launchWithSecrets(envoy);
      const kept = parent.keepConnection();
      const fromParent = { ask: (path: string) => kept.ask(path) };
      expect(await problemOf(fromParent, first)).toBeUndefined();
      const second = await setNamed(envoy, 'second');
      const { launch: child } = await launchWithSecrets(envoy, { epoch: 1, set: second });
      expect(await problemOf(child, second)).toBeUndefined();
      expect(await problemOf(fromParent, first)).toBeUndefined();
      const third = await setNamed(envoy, 'third');
      await delivery.put(third);
      await eventually(async () => expect(await problemOf(fromParent, third)).toBeUndefined());
      expect(await problemOf(child, second)).toBeUndefined();
      kept.close();
    },
  },
  {
    behaviour: 'a validation asks for the files of secrets and does not read them',
    async holds(envoy) {
      const delivery = deliveryTo(envoy);
      const path = writeBootstrap(envoy, delivery.bootstrap);
      const early = await envoy.run([...VALIDATION, path]);
      expect(early).toMatchObject(REFUSAL);
      expect(early.stderr).toContain('paths must refer to an existing path in the system: ');
      const other = await setNamed(envoy, 'other');
      const mismatched = await setNamed(envoy, 'mismatched', other.leaf.keyPem);
      await delivery.put(mismatched);
      expect(await envoy.run([...VALIDATION, path])).toMatchObject(SUCCESS);
      const named = writeBootstrap(envoy, namingFiles(mismatched.folder));
      const { stderr } = await envoy.run([...VALIDATION, named]);
      expect(stderr).toContain('KEY_VALUES_MISMATCH');
    },
  },
  {
    behaviour: 'secrets need the id and the cluster of a node',
    async holds(envoy) {
      const delivery = deliveryTo(envoy);
      await delivery.put(await setNamed(envoy, 'first'));
      const path = writeBootstrap(envoy, { ...delivery.bootstrap, node: { id: 'mine' } });
      const refused = await envoy.run([...VALIDATION, path]);
      expect(refused).toMatchObject(REFUSAL);
      expect(refused.stderr).toContain(
        "TlsCertificateSdsApi: node 'id' and 'cluster' are required.",
      );
      const given = await envoy.run([...VALIDATION, path, '--service-cluster', 'mine']);
      expect(given).toMatchObject(SUCCESS);
    },
  },
];

function setNamed(envoy: EnvoyUnderTest, name: string, key?: string): Promise<CertificateSet> {
  return issueSet(join(envoy.folder, name), key);
}

function namingFiles(folder: string): object {
  return withCertificate({
    chainPath: `${folder}/tls.crt`,
    keyPath: `${folder}/tls.key`,
    authorityPath: `${folder}/ca.crt`,
  });
}

function deliveryTo(envoy: EnvoyUnderTest, epoch = 0) {
  const bootstrap: Tree = JSON.parse(JSON.stringify(namingFiles('${CERT_DIR}')));
  return createDelivery({ bootstrap, root: join(envoy.folder, 'sds'), launch: `L${epoch}` });
}

/** LIVE, with a set in a folder of its own. */
async function launchWithSecrets(
  envoy: EnvoyUnderTest,
  { epoch = 0, set }: { readonly epoch?: number; readonly set?: CertificateSet } = {},
) {
  const delivery = deliveryTo(envoy, epoch);
  const first = set ?? (await setNamed(envoy, 'first'));
  const undo = await delivery.put(first);
  const launch = await launchLive(envoy, epoch, { bootstrap: delivery.bootstrap });
  return { delivery, first, undo, launch };
}

/** Why the launch does not have this set; undefined when it has. */
async function problemOf(
  launch: Pick<EnvoyLaunch, 'ask'>,
  { folder, serialNumbers }: CertificateSet,
): Promise<string | undefined> {
  const use = { chains: [join(folder, 'tls.crt')], authorities: [join(folder, 'ca.crt')] };
  const expectation = expectationOf(use, (path) => serialNumbers.get(path));
  const { body } = await launch.ask('/certs');
  return proveCertificates(expectation, body, await versionOf(launch));
}

async function versionOf(launch: Pick<EnvoyLaunch, 'ask'>): Promise<string> {
  return JSON.parse((await launch.ask('/server_info')).body).version;
}
