/** Certificates for the service of a world, and what is served of them on the wire. */
import { connect } from 'node:tls';
import { issueAuthority, type Leaf, type LeafOptions } from './certificates.ts';
import { createKubernetesVolume, type KubernetesVolume } from './kubernetes-volume.ts';

export interface ServiceCertificates {
  readonly volume: KubernetesVolume;
  readonly authorityPem: string;
  /** Of the pair that lies in the volume from the start. */
  readonly firstSerial: string;
  /** A new pair, not put anywhere. */
  issue(dates?: Dates): Promise<Leaf>;
  /** Puts a new pair in place of all files. @returns its serial number */
  rotate(dates?: Dates): Promise<string>;
}

export type Dates = Pick<LeafOptions, 'notBefore' | 'notAfter'>;

/** The names of the files that the sidecar template and the service of a world read. */
export function filesOf(leaf: Leaf) {
  return { 'tls.crt': leaf.certificatePem, 'tls.key': leaf.keyPem };
}

export async function createServiceCertificates(folder: string): Promise<ServiceCertificates> {
  const authority = await issueAuthority();
  const issue = (dates: Dates = {}) =>
    authority.issueLeaf({ commonName: 'service.test', ...dates });
  const first = await issue();
  const volume = await createKubernetesVolume(folder, filesOf(first));
  return {
    volume,
    authorityPem: authority.certificatePem,
    firstSerial: first.serialNumber,
    issue,
    async rotate(dates) {
      const leaf = await issue(dates);
      await volume.swap(filesOf(leaf));
      return leaf.serialNumber;
    },
  };
}

/** The serial number of the certificate that a new connection to this port is shown. */
export function servedSerial(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
