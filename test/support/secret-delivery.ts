/** Certificates that are delivered by secrets, all of it as the agent does it. */
import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivate } from '../../src/adapters/run-directory/folder.ts';
import { writeAtomically } from '../../src/adapters/run-directory/private-files.ts';
import {
  createSecretFolders,
  type UndoDelivery,
} from '../../src/adapters/run-directory/secret-folders.ts';
import { fillTemplate } from '../../src/core/bootstrap.ts';
import { deliverBySecrets } from '../../src/core/secret-discovery.ts';
import { filesNamedIn, secretFiles } from '../../src/core/secret-files.ts';
import type { Tree, TreeResult } from '../../src/core/tree.ts';
import { type Authority, issueAuthority, type Leaf } from './certificates.ts';

/** What lies in a certificate folder: `tls.crt`, `tls.key`, and `ca.crt` with two authorities. */
export interface CertificateSet {
  readonly folder: string;
  /** Who has issued the leaf; the first in `ca.crt`. */
  readonly authority: Authority;
  readonly leaf: Leaf;
  /** By path. */
  readonly serialNumbers: ReadonlyMap<string, readonly string[]>;
}

/** @param key takes the place of the leaf's own */
export async function issueSet(folder: string, key?: string): Promise<CertificateSet> {
  const authority = await issueAuthority();
  const other = await issueAuthority({ commonName: 'Another Authority' });
  const leaf = await authority.issueLeaf({ commonName: 'service', chain: true });
  const files = {
    'tls.crt': leaf.certificatePem,
    'tls.key': key ?? leaf.keyPem,
    'ca.crt': authority.certificatePem + other.certificatePem,
  };
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const serialNumbers = new Map([
    [join(folder, 'tls.crt'), serialsIn(files['tls.crt'])],
    [join(folder, 'ca.crt'), serialsIn(files['ca.crt'])],
  ]);
  return { folder, authority, leaf, serialNumbers };
}

export interface DeliveryPlan {
  /** Speaks of `${CERT_DIR}`. */
  readonly bootstrap: Tree;
  /** What else it speaks of. @default nothing */
  readonly values?: Readonly<Record<string, Tree>>;
  /** For the folders of all launches. */
  readonly root: string;
  /** @default 'L1' */
  readonly launch?: string;
}

export interface Delivery {
  /** What the launch is started with. */
  readonly bootstrap: object;
  /** The filled secrets with the files of a set. */
  secretsFor(set: CertificateSet): readonly Tree[];
  /** Has the launch see a set. */
  put(set: CertificateSet): Promise<UndoDelivery>;
}

/** Of one launch. @throws Error with the problems, when there are any */
export function createDelivery(plan: DeliveryPlan): Delivery {
  const { launch = 'L1', root, values } = plan;
  const folders = createSecretFolders(root, { makePrivate, writeAtomically });
  const { bootstrap, secrets } = required(deliverBySecrets(plan.bootstrap));
  const fill = (tree: Tree, more: Readonly<Record<string, Tree>>) => {
    const node = { NODE_ID: 'test', NODE_CLUSTER: 'test' };
    const all = new Map(Object.entries({ ...node, ...values, ...more }));
    return required(fillTemplate(tree, all, () => undefined));
  };
  const secretsFor = (set: CertificateSet) =>
    new Map([...secrets].map(([name, one]) => [name, fill(one, { CERT_DIR: set.folder })]));
  return {
    bootstrap: Object(fill(bootstrap, { CERT_SECRETS_DIR: folders.pathOf(launch) })),
    secretsFor: (set) => [...secretsFor(set).values()],
    put: async (set) => {
      const version = set.leaf.serialNumber;
      const filled = secretsFor(set);
      const contents = new Map<string, string>();
      for (const path of filesNamedIn(filled.values())) {
        contents.set(path, await readFile(path, 'base64'));
      }
      return folders.put(
        launch,
        version,
        secretFiles(filled, version, (one) => contents.get(one)),
      );
    },
  };
}

function required<Value>(result: TreeResult<Value>): Value {
  if (result.ok) return result.value;
  throw new Error(result.problems.map(({ message }) => message).join('\n'));
}

function serialsIn(pem: string): readonly string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block).serialNumber);
}
