/** An authority is replaced in three steps, as one does it, under the built-in template. */
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Authority, issueAuthority, type Leaf } from '../support/certificates.ts';
import { openWorld, type World } from '../support/e2e-world.ts';
import { freePorts } from '../support/free-ports.ts';
import { createKubernetesVolume } from '../support/kubernetes-volume.ts';

let folder: string | undefined;
let world: World | undefined;

afterEach(async () => {
  await world?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** Who asks through the sidecar, and whom they trust. */
interface Client {
  readonly leaf: Leaf;
  readonly trusted: readonly Authority[];
}

/** @returns the status, or the reason why there is none. */
function ask(port: number, { leaf, trusted }: Client): Promise<number | string> {
  return new Promise((resolve) => {
    const ca = trusted.map(({ certificatePem }) => certificatePem);
    const options = {
      ...{ host: '127.0.0.1', port, servername: 'localhost', agent: false },
      ...{ ca, cert: leaf.certificatePem, key: leaf.keyPem },
    };
    const asking = request(options, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    asking.on('error', ({ message }) => resolve(message));
    asking.end();
  });
}

const issueFrom = (authority: Authority) => authority.issueLeaf({ commonName: 'sidecar.test' });

test.each(['sds', 'restart'] as const)(
  'each step is served before the next, and nobody is refused who should not be: %s',
  async (delivery) => {
    const [older, newer] = await Promise.all([
      issueAuthority({ commonName: 'Older' }),
      issueAuthority({ commonName: 'Newer' }),
    ]);
    const [old, next] = await Promise.all([issueFrom(older), issueFrom(newer)]);
    const filesOf = (leaf: Leaf, ...trusted: readonly Authority[]) => ({
      'tls.crt': leaf.certificatePem,
      'tls.key': leaf.keyPem,
      'ca.crt': trusted.map(({ certificatePem }) => certificatePem).join(''),
    });
    folder = await mkdtemp(join(tmpdir(), 'baton-authority-'));
    const volume = await createKubernetesVolume(join(folder, 'certs'), filesOf(old, older));
    const [inbound = 0, outbound = 0, ready = 0, prometheus = 0] = await freePorts(4);
    const opened = await openWorld({
      settings: {
        BATON_BOOTSTRAP: 'sidecar',
        BATON_CERT_DIRS: volume.folder,
        BATON_CERT_DELIVERY: delivery,
        BATON_TEMPLATE_INBOUND_PORT: `${inbound}`,
        BATON_TEMPLATE_OUTBOUND_PORT: `${outbound}`,
        BATON_TEMPLATE_READY_PORT: `${ready}`,
        BATON_TEMPLATE_PROMETHEUS_PORT: `${prometheus}`,
      },
    });
    world = opened;
    const agent = opened.startAgent({ BATON_TEMPLATE_APP_PORT: `${opened.upstream.port}` });
    await agent.untilReady();
    const both = [older, newer];
    const asOld = { leaf: old, trusted: both };
    const asNew = { leaf: next, trusted: both };
    const committed = { msg: 'handover ended', result: 'committed' };
    const untilServed = async (count: number) => {
      await agent.untilRecord(committed, count);
      await agent.untilServesAlone(delivery === 'sds' ? 0 : count - 1);
    };
    expect(await ask(inbound, asOld)).toBe(200);
    expect(await ask(inbound, asNew)).not.toBe(200);

    await volume.swap(filesOf(old, older, newer));
    await untilServed(2);
    expect([await ask(inbound, asOld), await ask(inbound, asNew)]).toEqual([200, 200]);

    await volume.swap(filesOf(next, older, newer));
    await untilServed(3);
    expect([await ask(inbound, asOld), await ask(inbound, asNew)]).toEqual([200, 200]);
    expect(await ask(inbound, { leaf: old, trusted: [newer] })).toBe(200);

    await volume.swap(filesOf(next, newer));
    await untilServed(4);
    expect(await ask(inbound, asNew)).toBe(200);
    expect(await ask(inbound, asOld)).not.toBe(200);

    const mode = delivery === 'sds' ? 'in-place' : 'hot';
    expect(agent.records(committed).map((record) => record['mode'])).toEqual([
      'cold',
      ...[mode, mode, mode],
    ]);
  },
);
