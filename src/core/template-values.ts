/** The names a template may use and what they stand for. */
import type { Tree, TreeMap } from './tree.ts';

/** Who this Envoy is, from the downward API or a default. */
export interface Identity {
  readonly podName: string;
  readonly podNamespace: string;
  readonly instanceIp: string;
  readonly serviceAccount: string;
  readonly metadata: TreeMap;
}

/** What is only known when a launch is put together. */
export interface LaunchPaths {
  /** The certificate snapshot's folder; absent without certificates. */
  readonly certificateFolder?: string;
  /** The launch's own admin socket. */
  readonly adminSocket: string;
  /** Where the launch finds its secrets, when certificates come by file SDS. */
  readonly secretsFolder?: string;
}

/** Names a user cannot give a value, with the settings that they speak of instead. */
const RESERVED: ReadonlyMap<string, string> = new Map([
  ['CERT_DIR', 'BATON_CERT_DIRS'],
  ['ADMIN_SOCKET', 'BATON_RUN_DIR'],
  ['CERT_SECRETS_DIR', 'BATON_CERT_DELIVERY'],
  ['NODE_METADATA', 'ISTIO_META_*'],
  ['POD_NAME', 'POD_NAME'],
  ['POD_NAMESPACE', 'POD_NAMESPACE'],
  ['INSTANCE_IP', 'INSTANCE_IP'],
  ['SERVICE_ACCOUNT', 'SERVICE_ACCOUNT'],
]);

/** The setting to use instead of `BATON_TEMPLATE_<NAME>`; absent when the name is free. */
export function settingInstead(name: string): string | undefined {
  return RESERVED.get(name);
}

/** The setting that gives a template's name its value. */
export function settingOf(name: string): string {
  return settingInstead(name) ?? `BATON_TEMPLATE_${name}`;
}

/** Every name with its value; a user's value goes before Baton's own NODE_ID and NODE_CLUSTER. */
export function templateValues(
  identity: Identity,
  given: ReadonlyMap<string, string>,
  paths: LaunchPaths,
): ReadonlyMap<string, Tree> {
  const { podName, podNamespace, instanceIp, serviceAccount, metadata } = identity;
  const values = new Map<string, Tree>([
    [
      'NODE_ID',
      `sidecar~${instanceIp}~${podName}.${podNamespace}~${podNamespace}.svc.cluster.local`,
    ],
    ['NODE_CLUSTER', `${serviceAccount}.${podNamespace}`],
    ...given,
    ['NODE_METADATA', metadata],
    ['POD_NAME', podName],
    ['POD_NAMESPACE', podNamespace],
    ['INSTANCE_IP', instanceIp],
    ['SERVICE_ACCOUNT', serviceAccount],
    ['ADMIN_SOCKET', paths.adminSocket],
  ]);
  if (paths.certificateFolder !== undefined) values.set('CERT_DIR', paths.certificateFolder);
  if (paths.secretsFolder !== undefined) values.set('CERT_SECRETS_DIR', paths.secretsFolder);
  return values;
}
