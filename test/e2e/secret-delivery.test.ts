/** The built-in template, rewritten to take its certificates by secrets, on real Envoys. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { expectationOf, proveCertificates } from '../../src/core/certificate-proof.ts';
import { certificateUse } from '../../src/core/certificate-use.ts';
import { ENVOY_VERSIONS, envoyBinary } from '../support/envoy-binary.ts';
import {
  createLineage,
  type EnvoyLaunch,
  type EnvoyUnderTest,
  eventually,
} from '../support/envoy-under-test.ts';
import { freePorts } from '../support/free-ports.ts';
import {
  type CertificateSet,
  createDelivery,
  type Delivery,
  issueSet,
} from '../support/secret-delivery.ts';

const TEMPLATE = new URL('../../bootstrap-templates/sidecar.yaml', import.meta.url);

describe.each(ENVOY_VERSIONS)('the built-in template on Envoy %s', (version) => {
  let envoy: EnvoyUnderTest;
  let delivery: Delivery;
  /** Of the listener that speaks TLS. */
  let inbound: number;
  let first: CertificateSet;

  beforeEach(async () => {
    envoy = createLineage(envoyBinary(version));
    const ports = await freePorts(4);
    [inbound = 0] = ports;
    delivery = await deliverTemplate(envoy.folder, ports);
    first = await issueSet(join(envoy.folder, 'first'));
  });

  afterEach(() => envoy.remove());

  test('passes validation once the secrets are there, and not before', async () => {
    const path = join(envoy.folder, 'bootstrap.json');
    await writeFile(path, JSON.stringify(delivery.bootstrap));
    const validation = ['--mode', 'validate', '--log-level', 'warning', '--config-path', path];

    const early = await envoy.run(validation);
    expect(early.code).toBe(1);
    expect(early.stderr).toContain('paths must refer to an existing path in the system');
    await delivery.put(first);
    expect(await envoy.run(validation)).toMatchObject({ code: 0 });
  });

  test('serves each set of certificates it is given, and the one before when it is undone', async () => {
    await delivery.put(first);
    const launch = envoy.launch(0, { bootstrap: delivery.bootstrap });
    await launch.untilReadySays('LIVE');
    expect(await problemOf(launch, first)).toBeUndefined();
    expect(await handshake(inbound, first)).toBe(first.leaf.serialNumber);

    const second = await issueSet(join(envoy.folder, 'second'));
    const undo = await delivery.put(second);
    await eventually(async () => expect(await problemOf(launch, second)).toBeUndefined());
    expect(await problemOf(launch, first)).toContain('has not loaded tls.crt with serial');
    expect(await handshake(inbound, second)).toBe(second.leaf.serialNumber);

    await undo();
    await eventually(async () => expect(await problemOf(launch, first)).toBeUndefined());
    expect(await handshake(inbound, first)).toBe(first.leaf.serialNumber);
    expect(launch.hasEnded()).toBe(false);
  });

  /** By what the secrets name, as the agent asks it. */
  async function problemOf(launch: EnvoyLaunch, set: CertificateSet): Promise<string | undefined> {
    const use = certificateUse(delivery.secretsFor(set));
    expect(use).toEqual({
      chains: [join(set.folder, 'tls.crt')],
      authorities: [join(set.folder, 'ca.crt')],
    });
    const expectation = expectationOf(use, (path) => set.serialNumbers.get(path));
    return proveCertificates(expectation, (await launch.ask('/certs')).body, version);
  }
});

async function deliverTemplate(folder: string, ports: readonly number[]): Promise<Delivery> {
  const [inbound, outbound, ready, prometheus] = ports;
  return createDelivery({
    bootstrap: parse(await readFile(TEMPLATE, 'utf8')),
    values: {
      NODE_METADATA: {},
      ADMIN_SOCKET: join(folder, 'admin.sock'),
      INBOUND_PORT: `${inbound}`,
      OUTBOUND_PORT: `${outbound}`,
      READY_PORT: `${ready}`,
      PROMETHEUS_PORT: `${prometheus}`,
    },
    root: join(folder, 'sds'),
  });
}

/** As a client of the same authority. @returns the serial number that Envoy shows */
function handshake(port: number, { authority, leaf }: CertificateSet): Promise<string> {
  return new Promise((resolve, reject) => {
    const own = { ca: authority.certificatePem, cert: leaf.certificatePem, key: leaf.keyPem };
    const target = {
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ALPNProtocols: ['http/1.1'],
    };
    const socket = connect({ ...target, ...own }, () => {
      const { serialNumber } = socket.getPeerCertificate();
      socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
      // Only an answer shows that Envoy has taken the client's certificate.
      socket.once('data', () => {
        socket.destroy();
        resolve(serialNumber);
      });
    });
    socket.on('error', reject);
    socket.on('end', () => reject(new Error('Envoy has closed the connection.')));
  });
}
