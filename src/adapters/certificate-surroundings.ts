/**
 * How the certificate folders and the run directory were set up: mounts, modes and the kind of file
 * system. Names, modes and mounts alone are looked at, no file is read.
 */
import { constants, type Stats } from 'node:fs';
import { realpath, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FileFacts, FolderFacts } from '../core/certificate-facts.ts';
import type {
  CertificateSurroundings,
  FixedMount,
  KeyFile,
  RunDirectoryPlace,
} from '../core/certificate-notices.ts';
import { type Mount, mountOf, readMounts } from './certificate-surroundings/mount-table.ts';

export interface SurroundingsQuestion {
  /** What the last look found in the folders. */
  readonly folders: readonly FolderFacts[];
  /** It, or the folder in it that the snapshots are written to. */
  readonly runDirectory: string;
  /** @default '/proc/self/mountinfo' */
  readonly mountTable?: string;
}

/** Bounded by what the look found. Never rejects: what can't be told is left out. */
export async function readCertificateSurroundings(
  question: SurroundingsQuestion,
): Promise<CertificateSurroundings> {
  const mounts = await readMounts(question.mountTable ?? '/proc/self/mountinfo');
  const places = await thatAreThere(question.folders.map((facts) => placeOf(facts, mounts)));
  const files = await thatAreThere(places.flatMap(filesOf));
  const runDirectory = await describeRunDirectory(question.runDirectory);
  return {
    fixedMounts: [...places.flatMap(fixedFolder), ...files.flatMap(fixedFile)],
    keyFiles: await Promise.all(files.filter(holdsKey).map(describeKeyFile)),
    ...(runDirectory ? { runDirectory } : {}),
  };
}

interface Place {
  readonly facts: FolderFacts;
  /** Without links. */
  readonly path: string;
  /** False for a file that was mounted in place of one. */
  readonly isFolder: boolean;
  /** Where its files are read: what `..data` leads to, if it has that. */
  readonly directory: string;
  readonly isKubernetesVolume: boolean;
  readonly mounts: readonly Mount[];
}

interface FoundFile {
  readonly place: Place;
  readonly facts: FileFacts;
  /** Of what its name leads to, without links. */
  readonly path: string;
  readonly stats: Stats;
  readonly mount: Mount | undefined;
}

async function placeOf(facts: FolderFacts, mounts: readonly Mount[]): Promise<Place | undefined> {
  const path = await ifThere(realpath(facts.folder));
  const stats = path && (await ifThere(stat(path)));
  if (!path || !stats) return undefined;
  const isFolder = stats.isDirectory();
  const data = await ifThere(realpath(join(path, '..data')));
  const isKubernetesVolume = data !== undefined;
  return { facts, path, isFolder, directory: data ?? path, isKubernetesVolume, mounts };
}

function filesOf(place: Place): readonly Promise<FoundFile | undefined>[] {
  return place.facts.files.map((facts) => findFile(place, facts));
}

async function findFile(place: Place, facts: FileFacts): Promise<FoundFile | undefined> {
  const path = await ifThere(realpath(join(place.directory, facts.name)));
  const stats = path && (await ifThere(stat(path)));
  if (!path || !stats) return undefined;
  return { place, facts, path, stats, mount: mountOf(path, place.mounts) };
}

/** The kubelet's name for one state of a volume: each update makes a new one and removes the last. */
const STATE_OF_A_VOLUME = /\/\.\.\d{4}(_\d\d){5}\.[^/]+(\/|$)/;

/** A mounted folder is no trap by itself: what is replaced in it is seen, unless it is removed whole. */
function fixedFolder({ facts, path, isFolder, mounts }: Place): readonly FixedMount[] {
  const mount = mountOf(path, mounts);
  if (mount === undefined || mount.point === '/') return [];
  const { isRootRemoved: isOutdated, root, point } = mount;
  const isSingleFile = point === path && !isFolder;
  const isFixed = isOutdated || isSingleFile || STATE_OF_A_VOLUME.test(root);
  return isFixed ? [{ folder: facts.folder, isOutdated }] : [];
}

function fixedFile({ place, facts, path, mount }: FoundFile): readonly FixedMount[] {
  if (mount?.point !== path) return [];
  return [{ folder: place.facts.folder, name: facts.name, isOutdated: mount.isRootRemoved }];
}

function holdsKey({ facts: { content } }: FoundFile): boolean {
  return content.kind === 'pem' && content.blocks.some(({ kind }) => kind === 'privateKey');
}

async function describeKeyFile({ place, facts, path, stats, mount }: FoundFile): Promise<KeyFile> {
  const ownGroups = [process.getegid?.(), ...(process.getgroups?.() ?? [])];
  return {
    folder: place.facts.folder,
    name: facts.name,
    readers: await readersOf(path, stats),
    isOfRoot: stats.uid === 0,
    isOfOwnGroup: ownGroups.includes(stats.gid),
    isDelivered: place.isKubernetesVolume || isSecretMount(mount),
  };
}

/**
 * Orchestrators mount secrets from memory and read-only: a subPath of a Secret, a CSI driver's
 * volume, a secret of Docker Swarm.
 */
function isSecretMount(mount: Mount | undefined): boolean {
  return mount?.isReadOnly === true && ['tmpfs', 'ramfs'].includes(mount.fileSystem);
}

/** Whom a folder on the way keeps out can't read the file, whatever its own mode says. */
async function readersOf(path: string, { mode, gid }: Stats): Promise<KeyFile['readers']> {
  let isOpenToOthers = (mode & constants.S_IROTH) !== 0;
  let isOpenToGroup = (mode & constants.S_IRGRP) !== 0;
  for (const folder of foldersAbove(path)) {
    const stats = await ifThere(stat(folder));
    if (stats === undefined) continue;
    const othersEnter = (stats.mode & constants.S_IXOTH) !== 0;
    const groupEnters = stats.gid === gid ? (stats.mode & constants.S_IXGRP) !== 0 : othersEnter;
    isOpenToOthers &&= othersEnter;
    isOpenToGroup &&= groupEnters;
  }
  if (isOpenToOthers) return 'everyone';
  return isOpenToGroup ? 'group' : 'owner';
}

function foldersAbove(path: string): readonly string[] {
  const above = dirname(path);
  return above === path ? [] : [above, ...foldersAbove(above)];
}

const MEMORY_FILE_SYSTEMS: readonly number[] = [0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */];

/** An overlay counts as a disk: a container's own file system is one, and its files are on the host's disk. */
async function describeRunDirectory(path: string): Promise<RunDirectoryPlace | undefined> {
  const found = await ifThere(statfs(path));
  return found && { path, isInMemory: MEMORY_FILE_SYSTEMS.includes(found.type) };
}

async function thatAreThere<Value>(
  asked: readonly Promise<Value | undefined>[],
): Promise<readonly Value[]> {
  return (await Promise.all(asked)).filter((value) => value !== undefined);
}

async function ifThere<Value>(asked: Promise<Value>): Promise<Value | undefined> {
  return asked.catch(() => undefined);
}
