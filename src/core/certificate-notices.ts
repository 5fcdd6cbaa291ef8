/**
 * What is worth saying about the way the certificate folders and the run directory were set up:
 * nothing here stops the agent, and each of it is a trap that shows only months later.
 */

export interface CertificateSurroundings {
  /** Files and folders that go on showing what was there when they were mounted. */
  readonly fixedMounts: readonly FixedMount[];
  /** The files that hold private keys. */
  readonly keyFiles: readonly KeyFile[];
  /** Folders that the bootstrap speaks of by their own paths. */
  readonly namedFolders?: readonly string[];
  /** Where the keys are copied to; absent when it can't be told of what kind it is. */
  readonly runDirectory?: RunDirectoryPlace;
}

export interface FixedMount {
  /** As the setting names it. */
  readonly folder: string;
  /** Of the file in it; absent when it is the folder itself. */
  readonly name?: string;
  /** What it was mounted from has been replaced or removed already. */
  readonly isOutdated: boolean;
}

export interface KeyFile {
  readonly folder: string;
  readonly name: string;
  /** The widest circle that the modes of the file, and of the folders on the way to it, let in. */
  readonly readers: 'everyone' | 'group' | 'owner';
  readonly isOfRoot: boolean;
  /** Its group is one of the agent's. */
  readonly isOfOwnGroup: boolean;
  /** It lies in a volume that an orchestrator filled and mounted for this container. */
  readonly isDelivered: boolean;
}

export interface RunDirectoryPlace {
  readonly path: string;
  readonly isInMemory: boolean;
}

export interface CertificateNotice {
  /** The folder it is about. */
  readonly about: string;
  /** What it means and what to do about it, in one line. */
  readonly message: string;
}

/** At most a few for each folder, in an order that depends on the facts alone. */
export function certificateNotices(
  surroundings: CertificateSurroundings,
): readonly CertificateNotice[] {
  const { fixedMounts, keyFiles, namedFolders = [], runDirectory } = surroundings;
  return [
    ...namedFolders.map(namedByBootstrap),
    ...fixedMounts.filter(isFolder).map(aboutFolder),
    ...byFolder(fixedMounts.filter(isFile).filter(isCurrent), fixedFiles),
    ...byFolder(fixedMounts.filter(isFile).filter(isOutdated), outdatedFiles),
    ...byFolder(keyFiles.filter(isOpenToEveryone), openToEveryone),
    ...byFolder(keyFiles.filter(isOpenToStrangers), openToStrangers),
    ...(keyFiles.length > 0 && runDirectory?.isInMemory === false ? [onDisk(runDirectory)] : []),
  ];
}

type FixedFile = FixedMount & { readonly name: string };

const isFolder = ({ name }: FixedMount) => name === undefined;
const isFile = (mount: FixedMount): mount is FixedFile => mount.name !== undefined;
const isOutdated = (mount: FixedMount) => mount.isOutdated;
const isCurrent = (mount: FixedMount) => !mount.isOutdated;

/**
 * A Secret's files are root's and 0644 unless the pod says otherwise, since a container that does
 * not run as root could not read them else, and only the containers that mount the volume see them.
 * To warn of that would be to warn in nearly every pod.
 */
const isOpenToEveryone = ({ readers, isDelivered }: KeyFile) =>
  readers === 'everyone' && !isDelivered;

/**
 * A group of the agent's is how it reads the key (`fsGroup` makes 0440 of 0400), and one that root
 * let in was let in on purpose (Debian's ssl-cert); PostgreSQL draws the same line.
 */
const isOpenToStrangers = ({ readers, isDelivered, isOfOwnGroup, isOfRoot }: KeyFile) =>
  readers === 'group' && !isDelivered && !isOfOwnGroup && !isOfRoot;

function aboutFolder({ folder, isOutdated }: FixedMount): CertificateNotice {
  const message = isOutdated
    ? 'Was replaced or removed outside, and its mount still shows what was there before. Mount the folder above it, or the whole volume, and start the container anew.'
    : 'Is mounted by subPath from within a volume, or as a single file: such a mount is never updated. Mount the whole volume.';
  return { about: folder, message };
}

function namedByBootstrap(folder: string): CertificateNotice {
  const message =
    'The bootstrap names files in it by their own paths: Envoy reads what is there when it starts, half-written pairs included, and nothing here protects it. Write ${CERT_DIR} instead of the folder.';
  return { about: folder, message };
}

const fixedFiles = (names: string) =>
  `Mounted one by one: ${names}. Kubernetes never updates a file mounted by subPath, and a bind mount of a file never shows the one that replaces it: mount the whole volume.`;

const outdatedFiles = (names: string) =>
  `Replaced or removed outside: ${names}. Their mounts still show the old ones and never show others: mount the whole volume, and start the container anew.`;

const openToEveryone = (names: string) =>
  `Every user may read the private keys in ${names}. Take that right away (chmod o-r), and let the agent read them as their owner or by its group.`;

const openToStrangers = (names: string) =>
  `A group that the agent is not in may read the private keys in ${names}. Take that right away (chmod g-r), or give them a group of the agent's.`;

function onDisk({ path }: RunDirectoryPlace): CertificateNotice {
  return {
    about: path,
    message:
      'Private keys are copied here, and it is not in memory but on a disk. Mount a tmpfs, in Kubernetes an emptyDir with medium: Memory.',
  };
}

interface NamedFile {
  readonly folder: string;
  readonly name: string;
}

/** One notice for each folder that has any of the files. */
function byFolder(
  files: readonly NamedFile[],
  messageFor: (names: string) => string,
): readonly CertificateNotice[] {
  const namesOf = new Map<string, readonly string[]>();
  for (const { folder, name } of files) {
    namesOf.set(folder, [...(namesOf.get(folder) ?? []), name]);
  }
  return [...namesOf].map(([about, names]) => ({ about, message: messageFor(listed(names)) }));
}

const MOST_NAMES = 5;

/** On one line, whatever is in the names. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).map((name) => name.replace(/\p{Cc}/gu, '?'));
  const rest = names.length - shown.length;
  return `${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
