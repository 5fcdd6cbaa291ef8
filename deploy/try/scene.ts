import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import {
  type AddressInfo,
  createServer as createListener,
  type Server as Listener,
} from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Authority, issueAuthority } from '../../test/support/certificates.ts';

/** What a sidecar finds around it, made for one run. */
export interface Scene {
  /** Names and values for Baton's environment. */
  readonly settings: Readonly<Record<string, string>>;
  readonly runDirectory: string;
  /** A shell line: one request by the inbound listener. */
  readonly curl: string;
  /** A shell line: the other set of certificates. */
  readonly rotate: string;
  remove(): Promise<void>;
}

type Given = Readonly<Record<string, string | undefined>>;

/** Setting to the port it has by default. */
const usualPorts = {
  BATON_STATUS_PORT: 15020,
  BATON_ADMIN_PORT: 15000,
  BATON_TEMPLATE_INBOUND_PORT: 15006,
  BATON_TEMPLATE_OUTBOUND_PORT: 15001,
  BATON_TEMPLATE_READY_PORT: 15021,
  BATON_TEMPLATE_PROMETHEUS_PORT: 15090,
};

/**
 * Makes certificates, an application and free ports; the usual ports where nobody has them.
 * Settings that are given already are left alone.
 */
export async function makeScene(given: Given): Promise<Scene> {
  const folder = await mkdtemp(path.join(tmpdir(), 'baton-try-'));
  const application = await startApplication();
  const ports = await choosePorts();
  const inboundPort = given['BATON_TEMPLATE_INBOUND_PORT'] ?? ports['BATON_TEMPLATE_INBOUND_PORT'];
  const runDirectory = given['BATON_RUN_DIR'] ?? path.join(folder, 'run');
  await makeCertificates(folder);
  const client = path.join(folder, 'client');
  return {
    settings: {
      ...ports,
      BATON_TEMPLATE_APP_PORT: portOf(application),
      BATON_RUN_DIR: runDirectory,
      BATON_CERT_DIRS: path.join(folder, 'certs'),
      BATON_STATUS_ADDRESS: '127.0.0.1',
      // Short enough to watch.
      BATON_DRAIN_TIME: '5s',
      BATON_PARENT_SHUTDOWN_TIME: '8s',
      // What is tried out here leaves the system's settings alone.
      BATON_TCP_MIGRATION: 'leave',
      BATON_TERMINATION_DRAIN_MIN: '0s',
    },
    runDirectory,
    curl: `curl --cacert ${client}/ca.crt --cert ${client}/tls.crt --key ${client}/tls.key https://localhost:${inboundPort}/`,
    rotate: `sh ${folder}/rotate.sh`,
    async remove() {
      application.closeAllConnections();
      application.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function choosePorts(): Promise<Record<string, string>> {
  const held: Listener[] = [];
  const chosen: Record<string, string> = {};
  for (const [name, usual] of Object.entries(usualPorts)) {
    const listener = await listen(usual).catch(() => listen(0));
    held.push(listener);
    chosen[name] = portOf(listener);
  }
  // Held until all are chosen, or the same free one could be chosen twice.
  for (const listener of held) listener.close();
  return chosen;
}

async function listen(port: number): Promise<Listener> {
  const listener = createListener().listen(port);
  await once(listener, 'listening');
  return listener;
}

function portOf(listener: Listener): string {
  return String((listener.address() as AddressInfo).port);
}

async function startApplication(): Promise<Server> {
  const server = createServer((request, response) => {
    const client = request.headers['x-forwarded-client-cert'];
    response.end(`The application was asked for ${request.url} by ${client ?? 'nobody known'}.\n`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

/** Two sets in the shape of a mounted Kubernetes secret, of which `..data` names one. */
async function makeCertificates(folder: string): Promise<void> {
  const authority = await issueAuthority({ commonName: 'Throw-away Authority' });
  const certs = path.join(folder, 'certs');
  await writeSet(path.join(certs, '..first'), authority, 'localhost');
  await writeSet(path.join(certs, '..second'), authority, 'localhost');
  await symlink('..first', path.join(certs, '..data'));
  for (const name of ['tls.crt', 'tls.key', 'ca.crt']) {
    await symlink(`..data/${name}`, path.join(certs, name));
  }
  await writeSet(path.join(folder, 'client'), authority, 'client');
  await writeFile(path.join(folder, 'rotate.sh'), rotateScript(certs));
}

async function writeSet(folder: string, authority: Authority, commonName: string): Promise<void> {
  const leaf = await authority.issueLeaf({ commonName });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(path.join(folder, 'ca.crt'), authority.certificatePem);
  await writeFile(path.join(folder, 'tls.crt'), leaf.certificatePem);
  await writeFile(path.join(folder, 'tls.key'), leaf.keyPem, { mode: 0o600 });
}

function rotateScript(certs: string): string {
  return `# Points ..data at the other set, in one step.
cd ${certs} || exit 1
case $(readlink ..data) in ..first) next=..second ;; *) next=..first ;; esac
ln -s $next ..data_tmp && mv -T ..data_tmp ..data && echo "The certificates are now those of $next."
`;
}
